"""Maps a server's errors (problem+json) to the core's exceptions."""

from collections.abc import Sequence
from typing import Any

from botchat.core import errors

_WITH_DETAIL: dict[str, type[errors.BotchatError]] = {
    "invalid_input": errors.InvalidInput,
    "invalid_request": errors.InvalidInput,
    "unknown_bot": errors.UnknownBot,
    "not_signed_in": errors.NotSignedIn,
    "not_allowed": errors.NotAllowed,
    "too_many": errors.ServerUnavailable,
    "store_error": errors.StoreError,
    "store_busy": errors.StoreBusy,
    "store_unavailable": errors.StoreUnavailable,
    "store_refused": errors.StoreRefused,
    "store_unreadable": errors.StoreUnreadable,
    "bot_error": errors.BotError,
    "missing_key": errors.MissingKey,
}
_FIXED_TEXT: dict[str, type[errors.ReplyRunning | errors.SessionChanged | errors.SessionTooLarge]] = {
    "reply_running": errors.ReplyRunning,
    "session_changed": errors.SessionChanged,
    "session_too_large": errors.SessionTooLarge,
}


def error_from_problem(problem: dict[str, Any], path: Sequence[str] = ()) -> errors.BotchatError:
    """Return the exception for a problem; `path` is the path of the request."""
    code, detail = str(problem.get("code")), str(problem.get("detail"))
    if own := _FIXED_TEXT.get(code):
        return own()
    if code == "session_not_found" and len(path) > 1:
        return errors.SessionNotFound(path[1])
    return _WITH_DETAIL.get(code, errors.BotchatError)(detail)
