"""The routes for preferences, for the start of the bot's context, and for branching into a new session."""

from fastapi import APIRouter, Response

from botchat.api.auth.middleware import Reader, Writer
from botchat.api.dependencies import ServicesDep
from botchat.api.schemas.requests import CutIn, MessageIdPath, PreferencesPatch, SessionIdPath
from botchat.api.schemas.responses import PreferencesOut, SessionOut, session_out

router = APIRouter()


@router.get("/preferences", tags=["Preferences"], operation_id="read_preferences")
def read_preferences(caller: Reader, services: ServicesDep) -> PreferencesOut:
    """Retrieve preferences.

    Returns your preferences, which all front ends share.
    """
    preferred = services.chat.preferences(caller.user)
    return PreferencesOut(default_bot=preferred.default_bot, reasoning=preferred.reasoning, topics=preferred.topics)


@router.patch("/preferences", tags=["Preferences"], operation_id="change_preferences")
def change_preferences(body: PreferencesPatch, caller: Writer, services: ServicesDep) -> PreferencesOut:
    """Update preferences.

    Changes your preferences in all front ends.
    """
    services.chat.set_preferences(caller.user, **body.model_dump(exclude_unset=True))
    return read_preferences(caller, services)


@router.put("/session/{session_id}/cut", tags=["Messages"], status_code=204, operation_id="cut_session")
def cut(session_id: SessionIdPath, body: CutIn, caller: Writer, services: ServicesDep) -> Response:
    """Set the start of the context.

    Messages before it are kept, but no longer sent to the bot.
    """
    services.chat.set_context_start(caller.user, services.chat.open(caller.user, session_id, 1), body.message_id)
    return Response(status_code=204)


@router.post(
    "/session/{session_id}/message/{message_id}/begin",
    tags=["Messages"],
    status_code=201,
    response_model_exclude_none=True,
    operation_id="begin_from",
)
def begin_from(
    session_id: SessionIdPath, message_id: MessageIdPath, caller: Writer, services: ServicesDep
) -> SessionOut:
    """Branch into a new session.

    Creates a session with copies of this message and the messages after it.
    """
    source = services.chat.open(caller.user, session_id, 1)
    begun = services.chat.continue_in_new_session(caller.user, source, message_id)
    return session_out(services.chat.open(caller.user, begun.id))
