"""Extracts from a transcript: a message's text, code blocks and links, and the mouse selection."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from textual.geometry import Offset
from textual.selection import Selection

from botchat.core.exporting import is_markdown, printable
from botchat.core.models import Message
from botchat.tui.markdown.blocks import Block, Code, Paragraph, Table
from botchat.tui.markdown.inline import markdown_parser, paragraph_links
from botchat.tui.markdown.reading import Document
from botchat.tui.markdown.style import TranscriptStyle
from botchat.tui.markdown.wrapping import GUTTER, Row
from botchat.tui.transcript.item import RowPosition
from botchat.tui.transcript.layout import Layout

_BITS = 20  # for a part's index in its message, and for a row's in its part
_WIDEST = 1 << _BITS
_FIRST, _LAST = RowPosition(0, 0), RowPosition((1 << _BITS) - 1, (1 << _BITS) - 1)


def selection_row(serial: int, place: RowPosition) -> int:
    """Encode a row as a selection's y coordinate, which stays valid while messages above it are added or change."""
    return (serial << _BITS | place.part) << _BITS | place.y


def whole_message(serial: int) -> Selection:
    """Return the selection of a whole message."""
    return Selection(Offset(0, selection_row(serial, _FIRST)), Offset(_WIDEST, selection_row(serial, _LAST)))


def message_text(message: Message) -> str:
    """Return a message's text, safe to paste into a terminal."""
    return printable(message.content)


def code_blocks(message: Message) -> list[str]:
    """Return a message's code blocks, unwrapped."""
    tokens = markdown_parser().parse(printable(message.content))
    return [token.content for token in tokens if token.type in {"fence", "code_block"}]


def message_links(message: Message, look: TranscriptStyle) -> list[str]:
    """Return the distinct URLs of a bot's or tool's message, in order."""
    if not is_markdown(message):
        return []
    document = Document()
    document.grow(message.content, ended=True)
    found = [link for block in document.blocks for link in _links(block, look)]
    return list(dict.fromkeys(found))


def selected_text(layout: Layout, selection: Selection) -> str:
    """Return the selected text: the source of wholly selected messages, otherwise unwrapped rows."""
    if not layout.messages:
        return ""
    start = _End(0, _FIRST, 0) if selection.start is None else _end(layout, selection.start)
    last = len(layout.messages) - 1
    stop = _End(last, _LAST, _WIDEST) if selection.end is None else _end(layout, selection.end)
    texts: list[str] = []
    for i in range(max(start.message, 0), min(stop.message, last) + 1):
        begin = (start.place, max(start.x, GUTTER)) if i == start.message else (_FIRST, GUTTER)
        end = (stop.place, stop.x) if i == stop.message else (_LAST, _WIDEST)
        whole = begin == (_FIRST, GUTTER) and end[0] == _LAST
        if whole:
            texts.append(message_text(layout.messages[i]) or _text(layout.rows_of(i), begin, end).strip("\n"))
        else:
            texts.append(_text(layout.rows_of(i), begin, end))
    return "\n\n".join(texts)


class _End(NamedTuple):
    message: int
    place: RowPosition
    x: int


def _end(layout: Layout, offset: Offset) -> _End:
    serial, row = offset.y >> 2 * _BITS, offset.y & ((1 << 2 * _BITS) - 1)
    return _End(layout.index_of(serial), RowPosition(row >> _BITS, row & (1 << _BITS) - 1), offset.x)


def _text(rows: Iterable[tuple[RowPosition, Row]], begin: tuple[RowPosition, int], end: tuple[RowPosition, int]) -> str:
    text = ""
    for place, row in rows:
        if place < begin[0]:
            continue
        if place > end[0]:
            break
        words = row.strip.text
        start = begin[1] if place == begin[0] else GUTTER
        stop = end[1] if place == end[0] else len(words)
        if place > begin[0]:
            text = text.rstrip(" ") + row.joiner
            start = row.indent if row.joiner != "\n" else start
        text += words[start:stop]
    return "\n".join(line.rstrip() for line in text.split("\n"))


def _links(block: Block, look: TranscriptStyle) -> Sequence[str]:
    match block:
        case Paragraph():
            return paragraph_links(block.source, look, block.refs)
        case Table():
            return [link for row in (block.head, *block.cells) for cell in row for link in paragraph_links(cell, look)]
        case Code() | _:
            return []
