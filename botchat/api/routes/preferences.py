"""The routes for preferences, for the start of the bot's context, and for branching into a new session."""

from fastapi import APIRouter, Response

from botchat.api.auth.middleware import Reader, Writer
from botchat.api.dependencies import ServicesDep
from botchat.api.schemas.requests import CutIn, PreferencesPatch
from botchat.api.schemas.responses import PreferencesOut, SessionOut, session_out

router = APIRouter(tags=["choices"])


@router.get("/preferences", operation_id="read_preferences")
def read_preferences(caller: Reader, services: ServicesDep) -> PreferencesOut:
    """Read what you prefer, in every front end."""
    preferred = services.chat.preferences(caller.user)
    return PreferencesOut(default_bot=preferred.default_bot, reasoning=preferred.reasoning, topics=preferred.topics)


@router.patch("/preferences", operation_id="change_preferences")
def change_preferences(body: PreferencesPatch, caller: Writer, services: ServicesDep) -> PreferencesOut:
    """Choose which bot answers in your new sessions, and how much you are shown."""
    services.chat.set_preferences(caller.user, **body.model_dump(exclude_unset=True))
    return read_preferences(caller, services)


@router.put("/session/{session_id}/cut", status_code=204, operation_id="cut_session")
def cut(session_id: str, body: CutIn, caller: Writer, services: ServicesDep) -> Response:
    """Let the bot forget what came before a message; nothing is removed, and it can be taken back."""
    services.chat.set_context_start(caller.user, services.chat.open(caller.user, session_id, 1), body.message_id)
    return Response(status_code=204)


@router.post(
    "/session/{session_id}/message/{message_id}/begin",
    status_code=201,
    response_model_exclude_none=True,
    operation_id="begin_from",
)
def begin_from(session_id: str, message_id: str, caller: Writer, services: ServicesDep) -> SessionOut:
    """Begin a new session with a copy of this message and of what follows it."""
    source = services.chat.open(caller.user, session_id, 1)
    begun = services.chat.continue_in_new_session(caller.user, source, message_id)
    return session_out(services.chat.open(caller.user, begun.id))
