"""Parses a message into blocks, incrementally while it streams: finished blocks aren't parsed again."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from markdown_it.token import Token

from botchat.core.exporting import printable
from botchat.core.models import has_padded_tables
from botchat.tui.markdown.blocks import Block, Code, Paragraph, PlainText, Rule, Table
from botchat.tui.markdown.code import MAX_HIGHLIGHTED, CodeBlock
from botchat.tui.markdown.inline import MAX_PARAGRAPH, markdown_parser
from botchat.tui.markdown.tables import partial_table_blocks, table_blocks

_LONGEST = 64_000  # longer texts are data rather than prose, and take seconds to parse
_PIECE = 4_000
_CODE_LINES = 12
_PORTION = 32_000
_DEEPEST = 98
_QUOTE = "▌ "
_LISTS = {"bullet_list_open", "ordered_list_open"}
_BOXES = {"[ ] ": "☐ ", "[x] ": "☑ ", "[X] ": "☑ "}


class _Unit(NamedTuple):
    """A top-level block, or an item of a top-level list; later text can't change earlier ones.

    Attributes:
        line: the line where it begins.
        item: the kind of its list and its number there, if it is a list item.
        space: whether a blank row is above it.
    """

    line: int
    blocks: list[Block]
    item: tuple[str, int] | None = None
    space: bool = True


def plain_blocks(text: str, tone: str = "", margin: str = "") -> list[Block]:
    """Return blocks that show text literally, in pieces that are drawn one by one."""
    return [PlainText(text=piece, tone=tone, first=margin, rest=margin) for piece in _pieces(printable(text))]


class Document:
    """Markdown text that may still grow.

    Attributes:
        blocks: the blocks so far.
    """

    def __init__(self, tone: str = "", margin: str = "") -> None:
        """Start empty.

        Args:
            tone: the name of the style of plain text.
            margin: the prefix of all rows.
        """
        self.blocks: list[Block] = []
        self._tone = tone
        self._margin = margin
        self._source = ""
        self._done = 0  # characters whose blocks are finished
        self._kept = 0  # how many blocks those are
        self._reads = 0
        self._open: _Unit | None = None  # the unit after the finished ones
        self._in_table = False
        self._refs: dict[str, Any] = {}  # link reference definitions in finished blocks

    def grow(self, source: str, *, ended: bool) -> None:
        """Parse the whole text so far; the rest of a very long one is plain text."""
        self._grow(source[:_LONGEST], ended=ended or len(source) > _LONGEST)
        if len(source) > _LONGEST:
            self.blocks += plain_blocks(source[_LONGEST:].rstrip(), self._tone, self._margin)

    def _grow(self, source: str, *, ended: bool) -> None:
        if not source.startswith(self._source):
            self._restart({})
        self._source = source
        self._read_on(ended=ended)
        if ended and self._refs and self._reads > 1:  # earlier blocks may use them
            self._restart(self._refs)
            self._read_on(ended=True)

    def _restart(self, refs: dict[str, Any]) -> None:
        self._done, self._kept, self._reads = 0, 0, 0
        self._open, self._in_table, self._refs = None, False, refs

    def _read_on(self, *, ended: bool) -> None:
        source = self._source
        del self.blocks[self._kept :]
        size = _PORTION
        while len(source) - self._done > size:
            size = _PORTION if self._read(source[self._done : self._cut(size)], more=True) else size * 2
        rest = source[self._done :]
        if not ended and self._in_table and (table := partial_table_blocks(printable(rest), self._tone, self._margin)):
            self._add(_Unit(0, table))
        else:
            self._read(rest, more=False, ended=ended)

    def _cut(self, size: int) -> int:
        end = self._source.rfind("\n", self._done, self._done + size)
        return end + 1 if end >= 0 else self._done + size

    def _read(self, rest: str, *, more: bool, ended: bool = True) -> bool:
        """Parse from the end of the finished blocks; return whether more are finished now."""
        reader = _Reader(self._tone, self._margin, dict(self._refs), self._open)
        units = reader.read(rest, ended=ended and not more)
        self._reads += 1
        if ended and not more:
            self._refs |= reader.refs
        if not units:
            return False
        *finished, last = units
        if finished:
            for unit in finished:
                self._add(unit)
            self._kept = len(self.blocks)
            self._done += _offset(rest, last.line)
            self._refs |= {name: ref for name, ref in reader.refs.items() if ref["map"][1] <= last.line}
            self._open = last._replace(blocks=[])
            if last.item is None and (before := finished[-1].item):  # a coming number may continue the list
                self._open = _Unit(last.line, [], (before[0], before[1] + 1), space=False)
        if not more:
            self._add(last)
            self._in_table = isinstance(last.blocks[0], Table) if last.blocks else False
        return bool(finished)

    def _add(self, unit: _Unit) -> None:
        if self.blocks and unit.blocks and unit.space:
            unit.blocks[0].above = self._margin
        self.blocks += unit.blocks


class _Reader:
    def __init__(self, tone: str, margin: str, refs: dict[str, Any], resumed: _Unit | None) -> None:
        self.refs = {name: ref | {"map": [0, 0]} for name, ref in refs.items()}
        self._tone = tone
        self._margin = margin
        self._resumed = resumed
        self._ended = True

    def read(self, source: str, *, ended: bool) -> list[_Unit]:
        source = printable(source)
        self._ended = ended or source.endswith("```\n")
        if not source.strip():
            return []
        try:
            tokens = markdown_parser().block.parse(source, markdown_parser(), {"references": self.refs}, []) or []
        except Exception:  # noqa: BLE001  (a bug of the library must not crash the screen)
            tokens = []
        if not tokens and self.refs:
            return []
        if not tokens or has_padded_tables(source) or any(token.level >= _DEEPEST for token in tokens):
            return [_Unit(0, plain_blocks(source, self._tone, self._margin))]
        return list(self._units(tokens))

    def _units(self, tokens: Sequence[Token]) -> Iterator[_Unit]:
        for part in _parts(tokens):
            if part[0].type in _LISTS:
                yield from self._list_units(part)
            else:
                yield _Unit(_line(part), self._leaves(part, self._margin, self._margin))
            self._resumed = None

    def _list_units(self, part: Sequence[Token]) -> Iterator[_Unit]:
        kind, number, space = part[0].type + part[0].markup, _start(part), True
        if self._resumed and self._resumed.item and self._resumed.item[0] == kind:
            number, space = self._resumed.item[1], self._resumed.space
        for item in _parts(part[1:-1]):
            yield _Unit(
                _line(item), self._item(item, part[0], number, self._margin, self._margin), (kind, number), space
            )
            number, space = number + 1, False

    def _leaves(self, part: Sequence[Token], first: str, rest: str) -> list[Block]:  # noqa: PLR0911  (one per kind)
        """Return the blocks of one token and its content."""
        token, tone = part[0], self._tone
        match token.type:
            case "paragraph_open" | "heading_open":
                level = int(token.tag[1:]) if token.type == "heading_open" else 0
                return self._prose(part[1].content, level, first, rest)
            case "fence" | "code_block":
                return self._code(token, first, rest)
            case "table_open":
                return table_blocks(part, first, rest, tone)
            case "blockquote_open":
                return self._inside(part[1:-1], first + _QUOTE, rest + _QUOTE)
            case "hr":
                return [Rule(first=first, rest=rest)]
            case _ if token.type in _LISTS:
                items = enumerate(_parts(part[1:-1]), _start(part))
                found = [self._item(item, token, n, rest if i else first, rest) for i, (n, item) in enumerate(items)]
                return [block for blocks in found for block in blocks]
            case _:
                return [
                    PlainText(text=piece.content, first=first, rest=rest, tone=tone) for piece in part if piece.content
                ]

    def _inside(self, tokens: Sequence[Token], first: str, rest: str) -> list[Block]:
        blocks: list[Block] = []
        for i, part in enumerate(_parts(tokens)):
            more = self._leaves(part, rest if i else first, rest)
            if i and more and part[0].type not in _LISTS:
                more[0].above = rest
            blocks += more
        return blocks or [PlainText(text="", first=first, rest=rest)]

    def _item(self, item: Sequence[Token], of: Token, number: int, first: str, rest: str) -> list[Block]:
        bullet = "• " if of.type == "bullet_list_open" else f"{number}{of.markup} "
        return self._inside(item[1:-1], first + bullet, rest + " " * len(bullet))

    def _prose(self, source: str, level: int, first: str, rest: str) -> list[Block]:
        if len(source) > MAX_PARAGRAPH:
            pieces = enumerate(_pieces(source))
            return [PlainText(text=text, first=rest if i else first, rest=rest, tone=self._tone) for i, text in pieces]
        for box, sign in _BOXES.items():
            if source.startswith(box) and first.endswith("• "):
                first, source = first.removesuffix("• ") + sign, source.removeprefix(box)
        refs = self.refs if "[" in source else {}
        return [Paragraph(source=source, level=level, first=first, rest=rest, tone=self._tone, refs=refs)]

    def _code(self, token: Token, first: str, rest: str) -> list[Block]:
        code = token.content.removesuffix("\n")
        language = token.info.split(maxsplit=1)[0] if token.info.strip() else ""
        whole = CodeBlock(code, language)
        blocks: list[Block] = []
        for begin, end, text in _code_pieces(code):
            before = rest if blocks else first
            if self._ended and len(code) <= MAX_HIGHLIGHTED:
                blocks.append(Code(listing=whole, begin=begin, end=end, first=before, rest=rest))
            else:  # finished parts aren't highlighted again
                part = CodeBlock(text, language)
                blocks.append(Code(listing=part, begin=0, end=end - begin, first=before, rest=rest))
        return blocks


def _code_pieces(code: str) -> Iterator[tuple[int, int, str]]:
    """Split code into parts: first line, line after the last, and text."""
    lines = code.split("\n")
    for begin in range(0, len(lines), _CODE_LINES):
        some = lines[begin : begin + _CODE_LINES]
        text = "\n".join(some)
        if len(text) <= _PIECE * 4:
            yield begin, begin + len(some), text
        else:
            for piece in _pieces(text):
                yield 0, piece.count("\n") + 1, piece


def _parts(tokens: Sequence[Token]) -> Iterator[Sequence[Token]]:
    """Split tokens into siblings, each with its content."""
    begin, depth = 0, 0
    for i, token in enumerate(tokens):
        depth += token.nesting
        if depth == 0:
            yield tokens[begin : i + 1]
            begin = i + 1


def _pieces(text: str) -> Iterator[str]:
    """Split a long text into pieces, at line ends or spaces if possible."""
    place = 0
    while len(text) - place > _PIECE:
        end = text.rfind("\n", place + 1, place + _PIECE)
        if end < 0:
            end = text.rfind(" ", place + 1, place + _PIECE)
        cut = place + _PIECE if end < 0 else end
        yield text[place:cut]
        place = cut + (end >= 0)
    yield text[place:]


def _start(part: Sequence[Token]) -> int:
    return int(part[0].attrs.get("start", 1))


def _line(part: Sequence[Token]) -> int:
    return (part[0].map or [0])[0]


def _offset(text: str, line: int) -> int:
    """Return a line's offset. Carriage returns before line feeds don't count as line ends."""
    place = 0
    for _ in range(line):
        place = text.find("\n", place) + 1
    return place
