"""Reads what a terminal sends: keys that Textual doesn't decode, and text pasted without bracketed paste."""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from enum import Enum

from textual import constants, events
from textual._ansi_sequences import ANSI_SEQUENCES_KEYS
from textual._xterm_parser import BRACKETED_PASTE_END, BRACKETED_PASTE_START, XTermParser
from textual.message import Message

READ_BYTES = 4096
"""The largest read from the terminal."""


class _Key(Enum):
    ALT_ENTER = "alt+enter"


ANSI_SEQUENCES_KEYS["\x1b\r"] = (_Key.ALT_ENTER,)  # type: ignore[index]  # without the kitty protocol; else it is Enter
ANSI_SEQUENCES_KEYS["\x1b\n"] = (_Key.ALT_ENTER,)  # type: ignore[index]  # as editors' terminals send Shift+Enter

_MODIFY_OTHER_KEYS = re.compile("\x1b\\[27;(\\d+);(\\d+)~")
"""A key with modifiers in xterm's encoding: https://invisible-island.net/xterm/modified-keys.html."""

_CONTROL_KEY = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")  # all but the tab and line ends
_LINE_END = re.compile("\r\n|\r|\n")
_TYPED_CATEGORIES = {"Zs", "Cf"}  # spaces such as U+3000, and joiners and direction marks
_MARKER_LENGTH = len(BRACKETED_PASTE_START)


class InputParser(XTermParser):
    """Textual's parser, with three additions.

    - Keys with modifiers in xterm's encoding become those of the kitty protocol, which Textual knows.
    - Text with a line end in the middle of one read is a paste, because no one types as fast: it is inserted, and no
      line of it is sent. So is the rest of a paste that is longer than one read.
    - A typed space or joiner that isn't ASCII is inserted as if pasted; Textual would drop it.
    """

    def __init__(self, debug: bool = False) -> None:  # noqa: FBT001, FBT002  (Textual's)
        super().__init__(debug)
        self._tail = ""
        self._is_bracketed = False
        self._is_pasting = False

    def feed(self, data: str) -> Iterable[Message]:
        """Yield the events of one read of the terminal."""
        is_paste = self._is_plain(data) and (self._is_pasting or _has_inner_line_end(data))
        self._is_pasting = is_paste and len(data.encode()) >= READ_BYTES
        self._follow_brackets(data)
        if is_paste:
            yield events.Paste(_LINE_END.sub("\n", data).replace("\0", ""))
            return
        if not constants.DISABLE_KITTY_KEY:
            data = _MODIFY_OTHER_KEYS.sub("\x1b[\\2;\\1u", data)
        yield from map(_as_typed, super().feed(data))

    def tick(self) -> Iterator[Message]:
        """Yield the events that were waiting for more input."""
        yield from map(_as_typed, super().tick())

    def _is_plain(self, data: str) -> bool:
        """Return whether the read has only text: no key or mark, not even one that began in the read before."""
        return not self._is_bracketed and "\x1b" not in self._tail and not _CONTROL_KEY.search(data)

    def _follow_brackets(self, data: str) -> None:
        seen = self._tail + data
        start, end = seen.rfind(BRACKETED_PASTE_START), seen.rfind(BRACKETED_PASTE_END)
        if start != end:
            self._is_bracketed = start > end
        self._tail = seen[-_MARKER_LENGTH + 1 :]


def _has_inner_line_end(data: str) -> bool:
    first, *others = _LINE_END.split(data)
    return bool(first.strip()) and any(line.strip() for line in others)


def _as_typed(message: Message) -> Message:
    if isinstance(message, events.Key) and message.character and not message.is_printable:
        is_text = len(message.character) == 1 and unicodedata.category(message.character) in _TYPED_CATEGORIES
        return events.Paste(message.character) if is_text else message
    return message
