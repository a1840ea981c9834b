"""How a message becomes blocks, also while it still grows: what is finished is not read again."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from markdown_it.token import Token

from botchat.core.export import printable
from botchat.tui.blocks import Block, Code, Plain, Prose, Rule, Table, column_widths
from botchat.tui.code import Listing
from botchat.tui.inline import LONGEST, reader

_PIECE = 4_000
_CODE_LINES = 12
_TABLE_ROWS = 10
_PORTION = 32_000
_DEEPEST = 98
_QUOTE = "▌ "
_LISTS = {"bullet_list_open", "ordered_list_open"}
_BOXES = {"[ ] ": "☐ ", "[x] ": "☑ ", "[X] ": "☑ "}


class _Unit(NamedTuple):
    """A block at the top, or an item of a list there: what comes after it can't change it any more.

    Attributes:
        line: where it begins.
        item: the kind of the list that it is an item of, and its number there.
        space: whether an empty row stands above it.
    """

    line: int
    blocks: list[Block]
    item: tuple[str, int] | None = None
    space: bool = True


def plain_blocks(text: str, tone: str = "") -> list[Block]:
    """Show words as they are, in pieces that are drawn one by one."""
    return [Plain(text=piece, tone=tone) for piece in _pieces(printable(text))]


class Document:
    """Markdown that may still grow.

    Attributes:
        blocks: what it is made of so far.
    """

    def __init__(self, tone: str = "") -> None:
        """Begin with nothing.

        Args:
            tone: the part of the look that plain words have.
        """
        self.blocks: list[Block] = []
        self._tone = tone
        self._source = ""
        self._env: dict[str, Any] = {}
        self._done = 0  # characters whose blocks are finished
        self._kept = 0  # how many blocks those are
        self._open: _Unit | None = None  # begins where the finished ones end

    def grow(self, source: str, *, ended: bool) -> int:
        """Take in the whole text so far; return how many blocks from the first on are as they were."""
        if not source.startswith(self._source) or (ended and self._env.get("references")):
            self._done, self._kept, self._open, self._env = 0, 0, None, dict(self._env)
        self._source = source
        kept = self._kept
        del self.blocks[kept:]
        size = _PORTION
        while len(source) - self._done > size:
            size = _PORTION if self._read(source[self._done : self._cut(size)], more=True) else size * 2
        self._read(source[self._done :], more=False, ended=ended)
        return kept

    def _cut(self, size: int) -> int:
        end = self._source.rfind("\n", self._done, self._done + size)
        return end + 1 if end >= 0 else self._done + size

    def _read(self, rest: str, *, more: bool, ended: bool = True) -> bool:
        """Read on from where the finished blocks end; tell whether more of them are finished now."""
        reader = _Reader(self._tone, self._env, self._open)
        units = reader.read(rest, ended=ended and not more)
        if not units:
            return False
        *finished, last = units
        if finished:
            for unit in finished:
                self._add(unit)
            self._kept = len(self.blocks)
            self._done += _offset(rest, last.line)
            self._open = last._replace(blocks=[])
        if not more:
            self._add(last)
        return bool(finished)

    def _add(self, unit: _Unit) -> None:
        if self.blocks and unit.blocks and unit.space:
            unit.blocks[0].above = ""
        self.blocks += unit.blocks


class _Reader:
    def __init__(self, tone: str, env: dict[str, Any], resumed: _Unit | None) -> None:
        self._tone = tone
        self._env = env
        self._resumed = resumed
        self._ended = True

    def read(self, source: str, *, ended: bool) -> list[_Unit]:
        source = printable(source)
        self._ended = ended or source.endswith("```\n")
        if not source.strip():
            return []
        try:
            tokens = reader().block.parse(source, reader(), self._env, []) or []
        except Exception:  # noqa: BLE001  (a fault of the library in one message must not cost the screen)
            tokens = []
        if not tokens and "references" in self._env:
            return []
        if not tokens or any(token.level >= _DEEPEST for token in tokens):
            return [_Unit(0, plain_blocks(source, self._tone))]
        return list(self._units(tokens))

    def _units(self, tokens: Sequence[Token]) -> Iterator[_Unit]:
        for part in _parts(tokens):
            if part[0].type in _LISTS:
                yield from self._list_units(part)
            else:
                yield _Unit(_line(part), self._leaves(part, "", ""))
            self._resumed = None

    def _list_units(self, part: Sequence[Token]) -> Iterator[_Unit]:
        kind, number, space = part[0].type + part[0].markup, _start(part), True
        if self._resumed and self._resumed.item and self._resumed.item[0] == kind:
            number, space = self._resumed.item[1], self._resumed.space
        for item in _parts(part[1:-1]):
            yield _Unit(_line(item), self._item(item, part[0], number, "", ""), (kind, number), space)
            number, space = number + 1, False

    def _leaves(self, part: Sequence[Token], first: str, rest: str) -> list[Block]:
        """Make the blocks of one token and what is inside it."""
        token, tone = part[0], self._tone
        match token.type:
            case "paragraph_open" | "heading_open":
                level = int(token.tag[1:]) if token.type == "heading_open" else 0
                return self._prose(part[1].content, level, first, rest)
            case "fence" | "code_block":
                return self._code(token, first, rest)
            case "table_open":
                return _table(part, first, rest, tone)
            case "blockquote_open":
                return self._inside(part[1:-1], first + _QUOTE, rest + _QUOTE)
            case "hr":
                return [Rule(first=first, rest=rest)]
            case _ if token.type in _LISTS:
                items = enumerate(_parts(part[1:-1]), _start(part))
                found = [self._item(item, token, n, rest if i else first, rest) for i, (n, item) in enumerate(items)]
                return [block for blocks in found for block in blocks]
            case _:
                return [Plain(text=piece.content, first=first, rest=rest, tone=tone) for piece in part if piece.content]

    def _inside(self, tokens: Sequence[Token], first: str, rest: str) -> list[Block]:
        blocks: list[Block] = []
        for i, part in enumerate(_parts(tokens)):
            more = self._leaves(part, rest if i else first, rest)
            if i and more and part[0].type not in _LISTS:
                more[0].above = rest
            blocks += more
        return blocks or [Plain(text="", first=first, rest=rest)]

    def _item(self, item: Sequence[Token], of: Token, number: int, first: str, rest: str) -> list[Block]:
        bullet = "• " if of.type == "bullet_list_open" else f"{number}{of.markup} "
        return self._inside(item[1:-1], first + bullet, rest + " " * len(bullet))

    def _prose(self, source: str, level: int, first: str, rest: str) -> list[Block]:
        if len(source) > LONGEST:
            pieces = enumerate(_pieces(source))
            return [Plain(text=text, first=rest if i else first, rest=rest, tone=self._tone) for i, text in pieces]
        for box, sign in _BOXES.items():
            if source.startswith(box) and first.endswith("• "):
                first, source = first.removesuffix("• ") + sign, source.removeprefix(box)
        refs = self._env.get("references", {})
        return [Prose(source=source, level=level, first=first, rest=rest, tone=self._tone, refs=refs)]

    def _code(self, token: Token, first: str, rest: str) -> list[Block]:
        code = token.content.removesuffix("\n")
        language = token.info.split(maxsplit=1)[0] if token.info.strip() else ""
        lines = code.split("\n")
        whole = Listing(code, language)
        blocks: list[Block] = []
        for i in range(0, len(lines), _CODE_LINES):
            end = min(i + _CODE_LINES, len(lines))
            before = rest if i else first
            if self._ended:
                blocks.append(Code(listing=whole, begin=i, end=end, first=before, rest=rest))
            else:  # still growing: what has come is not highlighted again
                part = Listing("\n".join(lines[i:end]), language)
                blocks.append(Code(listing=part, begin=0, end=end - i, first=before, rest=rest))
        return blocks


def _parts(tokens: Sequence[Token]) -> Iterator[Sequence[Token]]:
    """Cut tokens into those that stand beside one another, each with what is inside it."""
    begin, depth = 0, 0
    for i, token in enumerate(tokens):
        depth += token.nesting
        if depth == 0:
            yield tokens[begin : i + 1]
            begin = i + 1


def _table(part: Sequence[Token], first: str, rest: str, tone: str) -> list[Block]:
    rows: list[tuple[str, ...]] = []
    for i, token in enumerate(part):
        if token.type == "tr_open":
            rows.append(())
        elif token.type == "inline" and part[i - 1].type in {"th_open", "td_open"}:
            rows[-1] += (token.content,)
    head, cells = rows[0], rows[1:]
    columns = [token for token in part if token.type == "th_open"]
    right = frozenset(i for i, token in enumerate(columns) if "right" in str(token.attrGet("style")))
    widths = column_widths(head, cells)
    blocks: list[Block] = []
    for i in range(0, max(len(cells), 1), _TABLE_ROWS):
        some = tuple(cells[i : i + _TABLE_ROWS])
        before = rest if i else first
        blocks.append(Table(head=() if i else head, cells=some, widths=widths, first=before, rest=rest, tone=tone))
    return blocks


def _pieces(text: str) -> Iterator[str]:
    """Cut a long text into pieces, at the end of a line or a word where there is one."""
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
    """Tell where a line begins. Carriage returns before line feeds do not count: they make no line."""
    place = 0
    for _ in range(line):
        place = text.find("\n", place) + 1
    return place
