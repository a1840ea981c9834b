"""What a server sends, as the core's plain data."""

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
    """Tell it in a sentence if an answer can't be read.

    Raises:
        BotchatError: it is not what this version knows.
    """
    try:
        yield
    except (AttributeError, KeyError, TypeError, ValueError) as error:  # pydantic raises ValueErrors
        raise BotchatError(
            "The server's answer can't be read: is it another version of botchat, or something else?"
        ) from error


def message_from(sent: Any) -> Message:
    """Read a message."""
    with decoding():
        return _MESSAGE.validate_python(_with_payload(sent))


def messages_from(sent: Any) -> list[Message]:
    """Read messages."""
    with decoding():
        return _MESSAGES.validate_python([_with_payload(message) for message in sent["messages"]])


def session_from(sent: Any, user: str) -> Session:
    """Read a session. How often it was written is not told: `rev` is 1 for one that is stored."""
    with decoding():
        messages = [_with_payload(message) for message in sent["messages"]]
        session = _SESSION.validate_python(sent | {"user": user, "rev": int(sent["stored"]), "messages": messages})
        end = session.messages[-1].id if session.messages else None
        session.head = next((shown for shown in sent["shown"][-1:] if shown != end), None)
        return session


def quotes_from(sent: Any) -> list[Quote]:
    """Read which messages quote another one."""
    with decoding():
        return _QUOTES.validate_python(sent["quotes"])


def payload_from(sent: Any) -> str | None:
    """Read the content without plain text of a message or of an event, as a message's payload."""
    with decoding():
        return pack(Unsupported(str(piece["kind"]), piece.get("raw")) for piece in sent.get("unsupported") or ())


def _with_payload(sent: Any) -> Any:
    return sent | {"payload": payload_from(sent)}


def summaries_from(sent: Any, user: str) -> tuple[SessionSummary, ...]:
    """Read the sessions of a list."""
    with decoding():
        return tuple(summary_from(summary, user) for summary in sent["sessions"])


def summary_from(sent: Any, user: str) -> SessionSummary:
    """Read what a list shows of a session."""
    with decoding():
        known = {name: sent[name] for name in SessionSummary._fields if name != "user"}
        times = {name: datetime.fromisoformat(known[name]) for name in ("create_time", "update_time")}
        return SessionSummary(**(known | times | {"user": user}))


def bots_from(sent: Any) -> tuple[dict[str, BotInfo], str]:
    """Read the bots by their ids, and which of them answers in new sessions."""
    with decoding():
        bots = {bot["bot_id"]: BotInfo(bot_id=bot["bot_id"], label=bot["label"], images=bot["images"]) for bot in sent}
        return bots, next(bot["bot_id"] for bot in sent if bot["is_default"])
