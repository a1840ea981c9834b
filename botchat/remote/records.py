"""Converts a server's JSON to the core's data classes."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from pydantic import TypeAdapter

from botchat.core.errors import BotchatError
from botchat.core.models import BotInfo, Message, Quote, Session, SessionSummary, Unsupported, pack

_MESSAGE = TypeAdapter(Message)
_MESSAGES = TypeAdapter(list[Message])
_SESSION = TypeAdapter(Session)
_QUOTES = TypeAdapter(list[Quote])


@contextmanager
def decoding() -> Iterator[None]:
    """Convert decoding errors to a BotchatError.

    Raises:
        BotchatError: the response doesn't match this version's schema.
    """
    try:
        yield
    except (AttributeError, KeyError, TypeError, ValueError) as error:  # pydantic raises ValueErrors
        raise BotchatError(
            "Unreadable response from the server. Check that it runs the same version of botchat."
        ) from error


def message_from(data: Any) -> Message:
    """Decode a message."""
    with decoding():
        return _MESSAGE.validate_python(_with_payload(data))


def messages_from(data: Any) -> list[Message]:
    """Decode messages."""
    with decoding():
        return _MESSAGES.validate_python([_with_payload(message) for message in data["messages"]])


def session_from(data: Any, user: str) -> Session:
    """Decode a session. The API doesn't return its revision: `rev` is 1 for a stored one."""
    with decoding():
        messages = [_with_payload(message) for message in data["messages"]]
        session = _SESSION.validate_python(data | {"user": user, "rev": int(data["stored"]), "messages": messages})
        end = session.messages[-1].id if session.messages else None
        session.head = next((shown for shown in data["shown"][-1:] if shown != end), None)
        return session


def quotes_from(data: Any) -> list[Quote]:
    """Decode the messages that quote another one."""
    with decoding():
        return _QUOTES.validate_python(data["quotes"])


def payload_from(data: Any) -> str | None:
    """Decode unsupported content of a message or an event as a message's payload."""
    with decoding():
        return pack(Unsupported(str(piece["kind"]), piece.get("raw")) for piece in data.get("unsupported") or ())


def _with_payload(data: Any) -> Any:
    return data | {"payload": payload_from(data)}


def summaries_from(data: Any, user: str) -> tuple[SessionSummary, ...]:
    """Decode the sessions of a list."""
    with decoding():
        return tuple(summary_from(summary, user) for summary in data["sessions"])


def summary_from(data: Any, user: str) -> SessionSummary:
    """Decode a session's summary."""
    with decoding():
        known = {name: data[name] for name in SessionSummary._fields if name != "user"}
        times = {name: datetime.fromisoformat(known[name]) for name in ("create_time", "update_time")}
        return SessionSummary(**(known | times | {"user": user}))


def bots_from(data: Any) -> tuple[dict[str, BotInfo], str]:
    """Decode the bots by ID, and the ID of the default one."""
    with decoding():
        bots = {bot["bot_id"]: BotInfo(bot_id=bot["bot_id"], label=bot["label"], images=bot["images"]) for bot in data}
        return bots, next(bot["bot_id"] for bot in data if bot["is_default"])
