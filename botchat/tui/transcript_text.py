"""What is taken out of a transcript: a message's words, its code, its links, and what is selected with the mouse."""

from collections.abc import Iterable, Sequence

from textual.geometry import Offset
from textual.selection import Selection

from botchat.core.export import printable
from botchat.core.models import Message
from botchat.tui.blocks import Block, Code, Prose, Table
from botchat.tui.inline import links_of, reader
from botchat.tui.look import Look
from botchat.tui.reading import Document
from botchat.tui.rows import GUTTER, Row
from botchat.tui.transcript_layout import Layout

_ROW_BITS = 24
_LAST_ROW = (1 << _ROW_BITS) - 1


def offset_row(serial: int, y: int) -> int:
    """Number a row for a selection: a number that stays while messages above it come and change."""
    return serial << _ROW_BITS | y


def whole_message(serial: int) -> Selection:
    """Select all of a message."""
    return Selection(Offset(0, offset_row(serial, 0)), Offset(1 << _ROW_BITS, offset_row(serial, _LAST_ROW)))


def words_of(message: Message) -> str:
    """Return what a message says, as it can be pasted into a terminal."""
    return printable(message.content)


def code_blocks(message: Message) -> list[str]:
    """Return the code blocks of a message, as they were written."""
    tokens = reader().parse(printable(message.content))
    return [token.content for token in tokens if token.type in {"fence", "code_block"}]


def links(message: Message, look: Look) -> list[str]:
    """Return the addresses in a bot's message in their order, each once."""
    if message.role != "assistant":
        return []
    document = Document()
    document.grow(message.content, ended=True)
    found = [link for block in document.blocks for link in _links(block, look)]
    return list(dict.fromkeys(found))


def selected(layout: Layout, selection: Selection) -> str:
    """Return the words that are selected: of messages that lie wholly inside as they were said, else as seen."""
    if not layout.messages:
        return ""
    last = len(layout.messages) - 1
    i, y, x = _place(layout, selection.start) or (0, 0, 0)
    j, end_y, end_x = _place(layout, selection.end) or (last + 1, 0, 0)
    if j > last:
        j, end_y, end_x = last, _LAST_ROW, 1 << _ROW_BITS
    texts: list[str] = []
    for k in range(max(i, 0), j + 1):
        begin = (y, max(x, GUTTER)) if k == i else (0, GUTTER)
        end = (end_y, end_x) if k == j else (_LAST_ROW, 1 << _ROW_BITS)
        if begin == (0, GUTTER) and end[0] == _LAST_ROW:
            texts.append(words_of(layout.messages[k]))
        else:
            texts.append(_text(layout.rows_of(k), begin, end))
    return "\n\n".join(texts)


def _place(layout: Layout, offset: Offset | None) -> tuple[int, int, int] | None:
    if offset is None:
        return None
    return layout.place(offset.y >> _ROW_BITS), offset.y & _LAST_ROW, offset.x


def _text(rows: Iterable[Row], begin: tuple[int, int], end: tuple[int, int]) -> str:
    text = ""
    for y, row in enumerate(rows):
        if y < begin[0]:
            continue
        if y > end[0]:
            break
        words = row.strip.text
        start = begin[1] if y == begin[0] else GUTTER
        stop = end[1] if y == end[0] else len(words)
        if y > begin[0]:
            text = text.rstrip(" ") + row.joiner
            start = row.indent if row.joiner != "\n" else start
        text += words[start:stop]
    return "\n".join(line.rstrip() for line in text.split("\n"))


def _links(block: Block, look: Look) -> Sequence[str]:
    match block:
        case Prose():
            return links_of(block.source, look, block.refs)
        case Table():
            return [link for row in (block.head, *block.cells) for cell in row for link in links_of(cell, look)]
        case Code() | _:
            return []
