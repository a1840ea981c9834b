"""One message as it stands in the transcript: its heading, its thoughts, its words and how it ended."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from botchat.core.chat import is_wordless
from botchat.core.exporting import content_notices, file_line, is_markdown, one_line
from botchat.core.models import Message
from botchat.tui.markdown.blocks import Block, Caption
from botchat.tui.markdown.reading import Document, plain_blocks
from botchat.tui.markdown.style import TranscriptStyle
from botchat.tui.markdown.wrapping import Row, pad_rows
from botchat.tui.transcript.offsets import RowOffsets

_KEPT = 400  # parts whose rows are kept

_MARGIN = "┊ "

_ENDINGS = {
    "stopped": "■ stopped",
    "interrupted": "■ interrupted",
    "failed": "✗ failed",
    "truncated": "✂ cut off",
}
_OTHERS = {"system": "system", "tool": "tool"}


@dataclass(frozen=True, kw_only=True)
class MessageAnnotations:
    """What is shown of a message beyond itself.

    Attributes:
        details: its time, model, tokens and latency are wanted.
        thoughts: its reasoning is unfolded.
        place: which of how many it is, where there are others in its place.
        unanswered: it is the last, and no answer came.
        above: what stands on lines of their own above it.
    """

    bot_id: str
    details: bool = False
    thoughts: bool = False
    place: tuple[int, int] | None = None
    unanswered: bool = False
    above: tuple[str, ...] = ()


class RowPosition(NamedTuple):
    """A row of a message: which of its parts, and which of that part's rows."""

    part: int
    y: int


class Part:
    """A block, and its rows once it was drawn."""

    __slots__ = ("_look", "_rows", "block")

    def __init__(self, block: Block) -> None:
        self.block = block
        self._look: TranscriptStyle | None = None
        self._rows: list[Row] = []

    def is_drawn(self, look: TranscriptStyle) -> bool:
        """Tell whether its rows are known and right."""
        return self._look is look

    def rows(self, look: TranscriptStyle) -> list[Row]:
        """Return its rows; they are drawn once."""
        if self._look is not look:
            self._rows, self._look = pad_rows(self.block.rows(look), look), look
        return self._rows

    def forget(self) -> None:
        """Give up the rows; they can be drawn again."""
        self._rows, self._look = [], None

    def height(self, look: TranscriptStyle) -> int:
        """Return how many rows it has, or is guessed to have."""
        return len(self._rows) if self._look is look else self.block.estimate(look.width)


class Item:
    """A message in parts, of which those are drawn that are seen."""

    def __init__(self, message: Message, about: MessageAnnotations, look: TranscriptStyle) -> None:
        """Read the message; nothing is drawn."""
        self.parts: list[Part] = []
        self.heights = RowOffsets()
        self._words = Document()
        self._thoughts = Document("dim", _MARGIN)
        self._drawn = 0
        self.update(message, about, look)

    def update(self, message: Message, about: MessageAnnotations, look: TranscriptStyle) -> None:
        """Show it as it is now: parts that are as they were stay drawn."""
        blocks = self._blocks(message, about)
        same = 0
        for part, block in zip(self.parts, blocks, strict=False):
            if part.block is not block and part.block != block:
                break
            same += 1
        self.parts[same:] = map(Part, blocks[same:])
        self.heights.replace_from(same, (part.height(look) for part in self.parts[same:]))

    def draw(self, i: int, look: TranscriptStyle) -> bool:
        """Draw a part, if it is not; tell whether that was to be done."""
        part = self.parts[i]
        if part.is_drawn(look):
            return False
        self.heights[i] = len(part.rows(look))
        self._drawn += 1
        return True

    def forget(self, seen: Collection[int]) -> None:
        """Give up the rows of a message that has very many, but for the parts that are seen."""
        if self._drawn > _KEPT:
            self._drawn = len(seen)
            for i, part in enumerate(self.parts):
                if i not in seen:
                    part.forget()

    def row(self, y: int, look: TranscriptStyle) -> tuple[RowPosition, Row | None]:
        """Return what stands in a row, and where in the message that is; None if it is not drawn."""
        i = self.heights.find(y)
        part, y = self.parts[i], y - self.heights.top(i)
        rows = part.rows(look) if part.is_drawn(look) else ()
        return RowPosition(i, y), rows[y] if y < len(rows) else None

    def rows(self, look: TranscriptStyle) -> Iterator[tuple[RowPosition, Row]]:
        """Return all rows; none is kept that was not there."""
        for i, part in enumerate(self.parts):
            rows = part.rows(look) if part.is_drawn(look) else pad_rows(part.block.rows(look), look)
            for y, row in enumerate(rows):
                yield RowPosition(i, y), row

    def _blocks(self, message: Message, about: MessageAnnotations) -> list[Block]:
        ended = message.status != "streaming"
        blocks: list[Block] = [Caption(above="", pieces=((f"── {one_line(line)}", "dim"),)) for line in about.above]
        blocks.append(Caption(above="", pieces=_heading(message, about)))
        if about.details:
            blocks.append(Caption(pieces=((_details(message, about), "dim"),)))
        if message.reasoning_content:
            blocks.append(Caption(pieces=((_fold(message, about), "dim"),), meta="fold"))
            if about.thoughts:
                self._thoughts.grow(message.reasoning_content, ended=ended or bool(message.content))
                blocks += [*self._thoughts.blocks, Caption(pieces=())]
        if is_markdown(message):
            self._words.grow(message.content, ended=ended)
            blocks += self._words.blocks
        elif message.content:
            blocks += plain_blocks(message.content.rstrip())
        lines = [*map(file_line, message.files), *content_notices(message)]
        blocks += [Caption(pieces=((line, "dim"),)) for line in lines]
        if message.status == "streaming" and not message.content:
            blocks.append(Caption(pieces=(("…", "dim"),)))
        if ending := _ending(message, about):
            blocks.append(Caption(pieces=ending))
        return blocks


def estimate(message: Message, width: int) -> int:
    """Guess the rows of a message that was not read yet."""
    content = message.content
    return 2 + content.count("\n") + len(content) // width


def _heading(message: Message, about: MessageAnnotations) -> tuple[tuple[str, str], ...]:
    pieces = [_speaker(message, about)]
    if about.place:
        pieces.append((f"  ‹ {about.place[0]}/{about.place[1]} ›", "dim"))  # noqa: RUF001  (arrows, no signs)
    rating = (message.feedback or {}).get("rating")
    if rating in {"up", "down"}:
        comment = one_line(str((message.feedback or {}).get("comment") or ""))
        pieces.append((("  ▲ " if rating == "up" else "  ▼ ") + comment, "dim"))
    return tuple(pieces)


def _speaker(message: Message, about: MessageAnnotations) -> tuple[str, str]:
    agent = one_line(message.agent_id or "")
    if message.role == "assistant":
        return agent or one_line(about.bot_id), "bot"
    if message.role == "user":
        return f"you (to {agent})" if agent else "you", "user"
    name = _OTHERS.get(message.role, "?")
    return f"{name} ({agent})" if agent else name, "other"


def _details(message: Message, about: MessageAnnotations) -> str:
    words = [f"{local(message.create_time):%Y-%m-%d %H:%M:%S}"]
    if message.role == "assistant":
        words.append(one_line(message.agent_id or about.bot_id))
    if message.model:
        words.append(one_line(message.model))
    usage = message.usage or {}
    for sign, key in (("↑", "prompt_tokens"), ("↓", "completion_tokens")):
        if key in usage:
            words.append(f"{sign} {usage[key]:,}")
    if message.latency_ms is not None:
        words.append(f"{message.latency_ms / 1000:.1f} s")
    return " · ".join(words)


def local(time: datetime) -> datetime:
    """Return a time as the clock on the wall shows it."""
    return time.astimezone()


def _fold(message: Message, about: MessageAnnotations) -> str:
    count = len(message.reasoning_content.split())
    long = f"{count:,} words" if count > 1 else "1 word"
    if seconds := round((message.reasoning_ms or 0) / 1000, 1):  # 0 is no time that anybody has measured
        long = f"{seconds:.1f} s"
    return f"{'▾' if about.thoughts else '▸'} thoughts ({long})"


def _ending(message: Message, about: MessageAnnotations) -> tuple[tuple[str, str], ...]:
    retry = " · r retry" if about.unanswered else ""
    if message.status == "truncated" and message.error and is_wordless(message):
        return ((f"✂ {one_line(message.error)}{retry}", "error"),)
    if message.status in _ENDINGS:
        why = f": {one_line(message.error)}" if message.error else ""
        return ((_ENDINGS[message.status] + why, "error" if message.status in {"failed", "truncated"} else "dim"),)
    if message.error:
        return ((one_line(message.error), "error"),)
    return ((f"not answered{retry}", "error"),) if retry else ()
