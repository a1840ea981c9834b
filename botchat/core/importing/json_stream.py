"""Splits a JSON list into its items while it is read, and counts an item's values and levels before it is parsed.

Items are found by brackets and strings alone, and each is parsed separately. An event parser (ijson with yajl) would
replace lone surrogates, which botchat's own exports can contain, and reject NaN.
"""

import re
from collections.abc import Iterator
from itertools import accumulate

from botchat.core.errors import InvalidInput
from botchat.core.models.import_limits import ImportLimits

_STRING = re.compile(rb'"[^"]*"')
"""A string without escaped quotation marks."""

_STRING_END = re.compile(rb'[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_TOKEN = rb'[%b]|"[^"\\]*(?:\\.[^"\\]*)*(")?'
_BRACKET_OR_STRING = re.compile(_TOKEN % rb"\[\]{}", re.DOTALL)
"""A bracket outside strings, or a string: group 1 is its end, None if it doesn't end in this chunk."""

_BRACKET_COMMA_OR_STRING = re.compile(_TOKEN % rb"\[\]{},", re.DOTALL)
_OPENING, _CLOSING = frozenset(b"[{"), frozenset(b"]}")
_QUOTE = ord('"')
_STEPS = [(byte in _OPENING) - (byte in _CLOSING) for byte in range(256)]
_NO_BRACKETS = bytes(set(range(256)) - _OPENING - _CLOSING)


def check_json(data: bytes, limits: ImportLimits) -> None:
    """Check the JSON of one session before it is parsed.

    Raises:
        InvalidInput: it has more bytes, values or levels than the limits.
    """
    if len(data) > limits.session_bytes + 1:  # and the line break
        raise too_large(limits)
    if _count(data, b"[{,") <= limits.session_values and _count(data, b"[{") <= limits.depth:
        return
    structure = _without_strings(data)
    if _count(structure, b"[{,") > limits.session_values:
        raise _too_many(limits)
    brackets = structure.translate(None, _NO_BRACKETS)
    if max(accumulate(map(_STEPS.__getitem__, brackets)), default=0) > limits.depth:
        raise limits.exceeded("depth", "The JSON has more levels of nesting")


def too_large(limits: ImportLimits) -> InvalidInput:
    """Return the error of a session with too many bytes."""
    return limits.exceeded("session_bytes", "The session has more bytes")


class ListSplitter:
    """Splits a list into its items, as bytes, or as an error for an item that is too large.

    Attributes:
        is_finished: the list has ended.
        rest: the bytes after the list in its last chunk.
    """

    def __init__(self, limits: ImportLimits) -> None:
        self.is_finished = False
        self.rest = b""
        self._limits = limits
        self._depth = self._brackets = self._items = self._size = 0
        self._in_string = self._is_escaped = False
        self._pieces: list[bytes] = []

    def feed(self, chunk: bytes) -> Iterator[bytes | InvalidInput]:
        """Yield the items that end in this chunk. The first chunk starts with the bracket of the list.

        Raises:
            InvalidInput: an item has more values than the limit. Even skipping it would take long.
        """
        start = 0
        for at, mark in self._marks(chunk):
            if self._depth == 1 and mark in _OPENING:
                start = at + 1  # the list's own
            elif self._depth == 0:
                self._keep(chunk[start:at])
                self.is_finished, self.rest = True, chunk[at + 1 :]
                yield from self._last(chunk[at : at + 1])
                return
            elif mark not in _CLOSING and self._depth == 1:
                self._keep(chunk[start:at])
                yield self._item()
                start = at + 1
        self._keep(chunk[start:])

    def end(self) -> Iterator[InvalidInput]:
        """Yield an error if the list has not ended."""
        if not self.is_finished:
            yield InvalidInput("Not valid JSON: unexpected end of file.")

    def _marks(self, chunk: bytes) -> Iterator[tuple[int, int]]:
        """Yield the brackets outside strings, and the commas of the list itself, each with its position."""
        position = self._string_end(chunk) if self._in_string else 0
        while position >= 0 and (found := self._token(chunk, position)):
            mark, at, position = found[0][0], found.start(), found.end()
            if mark != _QUOTE:
                self._count_bracket(mark)
                yield at, mark
            elif found[1] is None:
                self._in_string, self._is_escaped = True, _ends_escaped(chunk, at + 1)
                return

    def _token(self, chunk: bytes, position: int) -> re.Match[bytes] | None:
        return (_BRACKET_OR_STRING if self._depth > 1 else _BRACKET_COMMA_OR_STRING).search(chunk, position)

    def _count_bracket(self, mark: int) -> None:
        self._depth += _STEPS[mark]
        self._brackets += 1
        if self._brackets > 2 * self._limits.session_values:
            raise _too_many(self._limits)

    def _string_end(self, chunk: bytes) -> int:
        """Return the end of a string that started in an earlier chunk; -1 if it doesn't end in this one."""
        start = int(self._is_escaped)
        if found := _STRING_END.match(chunk, start):
            self._in_string = self._is_escaped = False
            return found.end()
        self._is_escaped = _ends_escaped(chunk, start)
        return -1

    def _keep(self, piece: bytes) -> None:
        self._size += len(piece)
        if self._size > self._limits.session_bytes:
            self._pieces = []
        elif piece:
            self._pieces.append(piece)

    def _item(self) -> bytes | InvalidInput:
        item = too_large(self._limits) if self._size > self._limits.session_bytes else b"".join(self._pieces)
        self._pieces = []
        self._size = self._brackets = 0
        self._items += 1
        return item

    def _last(self, bracket: bytes) -> Iterator[bytes | InvalidInput]:
        if bracket != b"]":
            yield InvalidInput("Not valid JSON: the list around it ends with the wrong bracket.")
            return
        item = self._item()
        if isinstance(item, InvalidInput) or item.strip() or self._items > 1:
            yield item


def _count(data: bytes, marks: bytes) -> int:
    return sum(data.count(mark) for mark in marks)


def _without_strings(data: bytes) -> bytes:
    r"""Return JSON without its strings.

    Outside strings, JSON has no backslash. So pairs of backslashes are removed first, then escaped quotation marks.
    """
    return _STRING.sub(b"", data.replace(rb"\\", b"").replace(rb"\"", b""))


def _too_many(limits: ImportLimits) -> InvalidInput:
    return limits.exceeded("session_values", "The session has more JSON values")


def _ends_escaped(chunk: bytes, start: int) -> bool:
    """Return whether a part of a string ends with a backslash that escapes the next character."""
    tail = chunk[start:]
    return (len(tail) - len(tail.rstrip(b"\\"))) % 2 == 1
