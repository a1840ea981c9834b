"""The routes about what a person chooses: what they prefer, what their bot is shown, where a new session begins."""

from fastapi import APIRouter, Response

from botchat.api.auth.middleware import Reader, Writer
from botchat.api.dependencies import ServingDep
from botchat.api.schemas.requests import CutIn, PreferencesPatch
from botchat.api.schemas.responses import PreferencesOut, SessionOut, session_out

router = APIRouter(tags=["choices"])


@router.get("/preferences", operation_id="read_preferences")
def read_preferences(caller: Reader, serving: ServingDep) -> PreferencesOut:
    """Read what you prefer, in every front end."""
    preferred = serving.chat.preferences(caller.user)
    return PreferencesOut(default_bot=preferred.default_bot, reasoning=preferred.reasoning, topics=preferred.topics)


@router.patch("/preferences", operation_id="change_preferences")
def change_preferences(body: PreferencesPatch, caller: Writer, serving: ServingDep) -> PreferencesOut:
    """Choose which bot answers in your new sessions, and how much you are shown."""
    serving.chat.set_preferences(caller.user, **body.model_dump(exclude_unset=True))
    return read_preferences(caller, serving)


@router.put("/session/{session_id}/cut", status_code=204, operation_id="cut_session")
def cut(session_id: str, body: CutIn, caller: Writer, serving: ServingDep) -> Response:
    """Let the bot forget what came before a message; nothing is removed, and it can be taken back."""
    serving.chat.set_context_start(caller.user, serving.chat.open(caller.user, session_id, 1), body.message_id)
    return Response(status_code=204)


@router.post(
    "/session/{session_id}/message/{message_id}/begin",
    status_code=201,
    response_model_exclude_none=True,
    operation_id="begin_from",
)
def begin_from(session_id: str, message_id: str, caller: Writer, serving: ServingDep) -> SessionOut:
    """Begin a new session with a copy of this message and of what follows it."""
    source = serving.chat.open(caller.user, session_id, 1)
    begun = serving.chat.continue_in_new_session(caller.user, source, message_id)
    return session_out(serving.chat.open(caller.user, begun.id))
