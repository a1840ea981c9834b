"""Splits the body of a response into JSON values: server-sent events, JSON Lines, or one JSON document.

The content type is ignored: servers and proxies send streams as application/json, text/plain, text/html and
application/x-ndjson. The first line decides.
"""

import json
import re
from collections.abc import Iterator
from typing import Any, Literal

from botchat.core.errors import BotError, ReplyTooLarge

_BOM = b"\xef\xbb\xbf"
_FIELD = re.compile(rb"(?:data|event|id|retry)\s*(?::|$)|:")
MAX_VALUE_BYTES = 64 * 1024 * 1024
"""Limit for one value. A message has at most 15 MiB, and JSON may escape a one-byte character in six bytes."""

_LINE_BYTES = 8
"""Counted for each line besides its length: an empty line takes memory too."""

_MAX_TEXT_BYTES = 64 * 1024
"""Bytes to keep of a body that is neither events nor JSON, for its title or first words."""


class BodyParser:
    """Parses a body incrementally.

    Attributes:
        is_done: `[DONE]` was read; anything after it isn't part of the reply.
        text: the body if it is neither events nor JSON, such as an HTML page; "" otherwise.
    """

    def __init__(self, max_value_bytes: int = MAX_VALUE_BYTES) -> None:
        self.is_done = False
        self.text = ""
        self._kind: Literal["events", "json", "text"] | None = None
        self._most_value = max_value_bytes
        self._line_size = 0  # bytes of the incomplete line
        self._pending_size = 0
        self._unfinished: list[bytes] = []
        self._after_cr = False
        self._values = 0
        self._pending: list[bytes] = []  # data lines of an event, or lines of a JSON document
        self._is_error = False

    @property
    def is_document(self) -> bool:
        """Whether the body was one JSON document: a complete reply, or an error."""
        return self._kind == "json" and self._values == 1

    def feed(self, data: bytes) -> Iterator[Any]:
        """Yield the values that these bytes complete; the value of an `event: error` is wrapped as `{"error": …}`.

        Raises:
            BotError: a value is not valid JSON.
            ReplyTooLarge: a value is larger than a message can be.
        """
        if self._after_cr and data.startswith(b"\n"):
            data = data[1:]
        self._after_cr = data.endswith(b"\r")
        if b"\n" not in data and b"\r" not in data:
            self._unfinished.append(data)
            self._line_size += len(data)
            self._check_size()
            return
        *lines, rest = _lines(b"".join([*self._unfinished, data]))
        self._unfinished = []
        for line in lines:
            yield from self._line(line)
            if self.is_done:
                return
        self._unfinished = [rest]
        self._line_size = len(rest)
        self._check_size()

    def end(self) -> Iterator[Any]:
        """Yield the values that the end of the body completes.

        Raises:
            BotError: the rest is not valid JSON.
        """
        rest = b"".join(self._unfinished)
        if rest:
            yield from self._line(rest)
        if self._kind == "events":
            yield from self._event()
        elif self._kind == "json" and self._pending:
            self._values += 1
            yield _value(b"\n".join(self._pending))
        elif self._kind == "text":
            self.text = b"\n".join(self._pending).decode(errors="replace")

    def _add(self, line: bytes) -> None:
        self._pending.append(line)
        self._pending_size += len(line) + _LINE_BYTES

    def _check_size(self) -> None:
        if self._line_size + self._pending_size > self._most_value:
            raise ReplyTooLarge

    def _line(self, line: bytes) -> Iterator[Any]:
        if self._kind is None:
            line = line.removeprefix(_BOM)
            if not line.strip():
                return
            first = line.lstrip()[:1]
            self._kind = "events" if _FIELD.match(line) else "json" if first in (b"{", b"[") else "text"
        if self._kind == "events":
            yield from self._event_line(line)
        elif self._kind == "json":
            yield from self._json_line(line)
        elif self._pending_size < _MAX_TEXT_BYTES:
            self._add(line[:_MAX_TEXT_BYTES])

    def _event_line(self, line: bytes) -> Iterator[Any]:
        if not line:
            yield from self._event()
        elif line.startswith(b"data:"):
            self._add(line[6:] if line[5:6] == b" " else line[5:])
        elif line.startswith(b"event:"):
            self._is_error = line[6:].strip() == b"error"
        elif line.startswith((b"{", b"[")):  # an error that a proxy writes into the stream without "data:"
            yield from self._event()
            yield _value(line)

    def _event(self) -> Iterator[Any]:
        lines, is_error = self._pending, self._is_error
        self._pending, self._pending_size, self._is_error = [], 0, False
        data = b"\n".join(lines)
        if data.startswith(b"[DONE]"):
            self.is_done = True
        elif is_error and data:
            value = _value_or_text(data)
            yield value if isinstance(value, dict) and value.get("error") else {"error": value}
        elif data.strip():
            yield from _values(lines)

    def _json_line(self, line: bytes) -> Iterator[Any]:
        if self._pending:
            self._add(line)
        elif line.strip() in (b"[DONE]", b"data: [DONE]"):
            self.is_done = True
        elif line.strip():
            try:
                value = json.loads(line.decode())
            except (ValueError, RecursionError):  # the first line of a multi-line document
                self._add(line)
            else:
                self._values += 1
                yield value


def _lines(data: bytes) -> list[bytes]:
    """Split into lines, which end in LF, CRLF or CR; the last one is unfinished."""
    lines = data.splitlines()
    return [*lines, b""] if data.endswith((b"\n", b"\r")) else lines


def _values(lines: list[bytes]) -> Iterator[Any]:
    try:
        yield json.loads(b"\n".join(lines).decode())
    except (ValueError, RecursionError) as error:
        if len(lines) == 1:
            raise _invalid_json() from error
        for line in lines:  # events without the blank line between them
            if line.strip() and not line.startswith(b"[DONE]"):
                yield _value(line)


def _value(data: bytes) -> Any:
    try:
        return json.loads(data.decode())
    except (ValueError, RecursionError) as error:
        raise _invalid_json() from error


def _value_or_text(data: bytes) -> Any:
    try:
        return json.loads(data.decode())
    except (ValueError, RecursionError):
        return data.decode(errors="replace")


def _invalid_json() -> BotError:
    return BotError("The model server sent invalid JSON, so the reply is incomplete. Try again.")
