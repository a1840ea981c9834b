"""Writers of a streaming reply: as text, as one JSON object, or as JSON Lines with one event per line."""

import json
import sys
from typing import TYPE_CHECKING, Any, Protocol

import typer

from botchat.commands.support.options import print_notice
from botchat.commands.support.streams import write_stdout
from botchat.core.errors import (
    BotchatError,
    BotError,
    ConfigError,
    InvalidInput,
    SessionNotFound,
    StoreError,
)
from botchat.core.models import unpack, unsupported_notices

if TYPE_CHECKING:
    from botchat.core.models import Delta, Message

_CODES: dict[type[BotchatError], str] = {
    InvalidInput: "invalid_input",
    ConfigError: "config",
    SessionNotFound: "not_found",
    StoreError: "store",
    BotError: "bot",
    BotchatError: "failed",
}


class ReplyWriter(Protocol):
    """Writes one reply to stdout while it streams."""

    def begin(self, session_id: str | None, bot_id: str, label: str) -> None:
        """Write the bot and the session; `session_id` is None if the session is not stored."""
        ...

    def write(self, delta: "Delta") -> None:
        """Write the next delta."""
        ...

    def end(self, message: "Message") -> None:
        """Write what belongs to the complete message."""
        ...


class TextWriter:
    """Writes the text of the reply to stdout, and its reasoning, if requested, to stderr."""

    def __init__(self, *, reasoning: bool) -> None:
        from botchat.core.exporting import printable

        self._reasoning = reasoning
        self._printable = printable
        self._to_text = printable if sys.stdout.isatty() else str
        self._thinking = self._answering = False

    def begin(self, session_id: str | None, bot_id: str, label: str) -> None:
        print_notice(f"Session {session_id or 'not saved'}, bot {bot_id} ({label})")

    def write(self, delta: "Delta") -> None:
        if delta.content:
            if self._thinking:
                typer.echo(err=True)
            write_stdout([self._to_text(delta.content)])
            self._thinking, self._answering = False, True
        elif delta.reasoning_content and self._reasoning:
            typer.echo(self._printable(delta.reasoning_content), err=True, nl=False)
            self._thinking = True

    def end(self, message: "Message") -> None:
        if self._answering:
            write_stdout(["\n"])
        elif self._thinking:
            typer.echo(err=True)
        for line in unsupported_notices(message.payload):
            print_notice(line)


class JsonWriter:
    """Writes one object when the reply has ended: session_id, message, usage, latency_ms."""

    def begin(self, session_id: str | None, bot_id: str, label: str) -> None:  # noqa: ARG002  (part of the protocol)
        self._session_id = session_id

    def write(self, delta: "Delta") -> None:
        """Write nothing before the end."""

    def end(self, message: "Message") -> None:
        from botchat.core.exporting import message_to_json

        facts = {"usage": message.usage, "latency_ms": message.latency_ms}
        prefix = json.dumps({"session_id": self._session_id})[:-1]
        _write_line(f'{prefix}, "message": {message_to_json(message)}, {json.dumps(facts)[1:]}')


class JsonLinesWriter:
    """Writes an object per event: start, reasoning_delta, delta, and finally end or error.

    Content without plain text is in the last one, as `unsupported`.
    """

    def begin(self, session_id: str | None, bot_id: str, label: str) -> None:
        self._event("start", session_id=session_id, bot_id=bot_id, label=label)

    def write(self, delta: "Delta") -> None:
        if delta.reasoning_content:
            self._event("reasoning_delta", text=delta.reasoning_content)
        if delta.content:
            self._event("delta", text=delta.content)

    def end(self, message: "Message") -> None:
        from botchat.core.exporting import piece_to_json

        facts: dict[str, Any] = {"message_id": message.id, "status": message.status or "complete"}
        facts |= {"model": message.model, "usage": message.usage, "latency_ms": message.latency_ms}
        if pieces := unpack(message.payload):
            facts["unsupported"] = [piece_to_json(piece) for piece in pieces]
        self._event("error" if message.status == "failed" else "end", **facts, error=message.error)

    def _event(self, name: str, **facts: Any) -> None:
        _write_line(json.dumps({"event": name} | facts))


def error_json(error: BotchatError) -> str:
    """Return an error as JSON: its code and message."""
    code = next(_CODES[kind] for kind in type(error).__mro__ if kind in _CODES)
    return json.dumps({"error": {"code": code, "message": str(error)}})


def _write_line(line: str) -> None:
    from botchat.core.exporting import printable

    write_stdout([(printable(line) if sys.stdout.isatty() else line) + "\n"])
