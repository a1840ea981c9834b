"""One message in the transcript: header, reasoning, content and ending."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from botchat.core.chat import is_empty_reply
from botchat.core.exporting import content_notices, file_line, is_markdown, one_line
from botchat.core.models import Message
from botchat.tui.markdown.blocks import Block, Caption
from botchat.tui.markdown.reading import Document, plain_blocks
from botchat.tui.markdown.style import TranscriptStyle
from botchat.tui.markdown.wrapping import Row, pad_rows
from botchat.tui.transcript.offsets import RowOffsets

_MAX_DRAWN_PARTS = 400  # drawn parts per message

_MARGIN = "┊ "

_ENDINGS = {
    "stopped": "■ Stopped",
    "interrupted": "■ Interrupted",
    "failed": "✗ Failed",
    "truncated": "✂ Cut short",
}
_ROLE_NAMES = {"system": "System", "tool": "Tool"}


@dataclass(frozen=True, kw_only=True)
class MessageAnnotations:
    """Annotations of a message: everything shown besides its content.

    Attributes:
        shows_details: whether to show time, model, tokens and latency.
        shows_reasoning: whether the reasoning is expanded.
        version: (number, total) if the message has several versions.
        unanswered: whether it is the last one and its reply is missing.
        dividers: texts of the lines above it.
    """

    bot_id: str
    shows_details: bool = False
    shows_reasoning: bool = False
    version: tuple[int, int] | None = None
    unanswered: bool = False
    dividers: tuple[str, ...] = ()


class RowPosition(NamedTuple):
    """A row's position in a message: index of the part, and row in that part."""

    part: int
    y: int


class Part:
    """A block with its rows once drawn."""

    __slots__ = ("_look", "_rows", "block")

    def __init__(self, block: Block) -> None:
        self.block = block
        self._look: TranscriptStyle | None = None
        self._rows: list[Row] = []

    def is_drawn(self, look: TranscriptStyle) -> bool:
        """Return whether its rows are drawn in this style."""
        return self._look is look

    def rows(self, look: TranscriptStyle) -> list[Row]:
        """Return its rows, drawn once per style."""
        if self._look is not look:
            self._rows, self._look = pad_rows(self.block.rows(look), look), look
        return self._rows

    def release(self) -> None:
        """Free the rows; they can be drawn again."""
        self._rows, self._look = [], None

    def height(self, look: TranscriptStyle) -> int:
        """Return the number of rows, estimated until drawn."""
        return len(self._rows) if self._look is look else self.block.estimate(look.width)


class Item:
    """A message split into parts, of which only visible ones are drawn."""

    def __init__(self, message: Message, annotations: MessageAnnotations, look: TranscriptStyle) -> None:
        """Parse the message without drawing it."""
        self.parts: list[Part] = []
        self.heights = RowOffsets()
        self._content = Document()
        self._reasoning = Document("dim", _MARGIN)
        self._drawn = 0
        self.update(message, annotations, look)

    def update(self, message: Message, annotations: MessageAnnotations, look: TranscriptStyle) -> None:
        """Update the message; unchanged parts stay drawn."""
        blocks = self._blocks(message, annotations)
        same = 0
        for part, block in zip(self.parts, blocks, strict=False):
            if part.block is not block and part.block != block:
                break
            same += 1
        self.parts[same:] = map(Part, blocks[same:])
        self.heights.replace_from(same, (part.height(look) for part in self.parts[same:]))

    def draw(self, i: int, look: TranscriptStyle) -> bool:
        """Draw a part unless it is drawn; return whether it wasn't."""
        part = self.parts[i]
        if part.is_drawn(look):
            return False
        self.heights[i] = len(part.rows(look))
        self._drawn += 1
        return True

    def release(self, seen: Collection[int]) -> None:
        """Free the rows of a message with very many, except the visible parts."""
        if self._drawn > _MAX_DRAWN_PARTS:
            self._drawn = len(seen)
            for i, part in enumerate(self.parts):
                if i not in seen:
                    part.release()

    def row(self, y: int, look: TranscriptStyle) -> tuple[RowPosition, Row | None]:
        """Return a row and its position in the message; None if it isn't drawn."""
        i = self.heights.find(y)
        part, y = self.parts[i], y - self.heights.top(i)
        rows = part.rows(look) if part.is_drawn(look) else ()
        return RowPosition(i, y), rows[y] if y < len(rows) else None

    def rows(self, look: TranscriptStyle) -> Iterator[tuple[RowPosition, Row]]:
        """Yield all rows, without caching new ones."""
        for i, part in enumerate(self.parts):
            rows = part.rows(look) if part.is_drawn(look) else pad_rows(part.block.rows(look), look)
            for y, row in enumerate(rows):
                yield RowPosition(i, y), row

    def _blocks(self, message: Message, annotations: MessageAnnotations) -> list[Block]:
        ended = message.status != "streaming"
        blocks: list[Block] = [
            Caption(above="", pieces=((f"── {one_line(line)}", "dim"),)) for line in annotations.dividers
        ]
        blocks.append(Caption(above="", pieces=_heading(message, annotations)))
        if annotations.shows_details:
            blocks.append(Caption(pieces=((_details(message, annotations), "dim"),)))
        if message.reasoning_content:
            blocks.append(Caption(pieces=((_reasoning_toggle(message, annotations), "dim"),), meta="fold"))
            if annotations.shows_reasoning:
                self._reasoning.grow(message.reasoning_content, ended=ended or bool(message.content))
                blocks += [*self._reasoning.blocks, Caption(pieces=())]
        if is_markdown(message):
            self._content.grow(message.content, ended=ended)
            blocks += self._content.blocks
        elif message.content:
            blocks += plain_blocks(message.content.rstrip())
        lines = [*map(file_line, message.files), *content_notices(message)]
        blocks += [Caption(pieces=((line, "dim"),)) for line in lines]
        if message.status == "streaming" and not message.content:
            blocks.append(Caption(pieces=(("…", "dim"),)))
        if ending := _ending(message, annotations):
            blocks.append(Caption(pieces=ending))
        return blocks


def estimate(message: Message, width: int) -> int:
    """Estimate the rows of a message that isn't parsed yet."""
    content = message.content
    return 2 + content.count("\n") + len(content) // width


def _heading(message: Message, annotations: MessageAnnotations) -> tuple[tuple[str, str], ...]:
    pieces = [_speaker(message, annotations)]
    if annotations.version:
        pieces.append((f"  ‹ {annotations.version[0]}/{annotations.version[1]} ›", "dim"))  # noqa: RUF001  (arrows, not comparison signs)
    rating = (message.feedback or {}).get("rating")
    if rating in {"up", "down"}:
        comment = one_line(str((message.feedback or {}).get("comment") or ""))
        pieces.append((("  ▲ " if rating == "up" else "  ▼ ") + comment, "dim"))
    return tuple(pieces)


def _speaker(message: Message, annotations: MessageAnnotations) -> tuple[str, str]:
    agent = one_line(message.agent_id or "")
    if message.role == "assistant":
        return agent or one_line(annotations.bot_id), "bot"
    if message.role == "user":
        return f"You (to {agent})" if agent else "You", "user"
    name = _ROLE_NAMES.get(message.role, "?")
    return f"{name} ({agent})" if agent else name, "other"


def _details(message: Message, annotations: MessageAnnotations) -> str:
    fields = [f"{local_time(message.create_time):%-d %b %Y %H:%M:%S}"]
    if message.role == "assistant":
        fields.append(one_line(message.agent_id or annotations.bot_id))
    if message.model:
        fields.append(one_line(message.model))
    usage = message.usage or {}
    for kind, key in (("input", "prompt_tokens"), ("output", "completion_tokens")):
        if key in usage:
            fields.append(f"{usage[key]:,} {kind} tokens")
    for what, milliseconds in (("first token", message.first_token_ms), ("total", message.latency_ms)):
        if milliseconds is not None:
            fields.append(f"{what} {milliseconds / 1000:.1f} s")
    return " · ".join(fields)


def local_time(time: datetime) -> datetime:
    """Return a time in the local time zone."""
    return time.astimezone()


def _reasoning_toggle(message: Message, annotations: MessageAnnotations) -> str:
    count = len(message.reasoning_content.split())
    label = f"Reasoning ({count:,} words)" if count > 1 else "Reasoning (1 word)"
    if seconds := round((message.reasoning_ms or 0) / 1000, 1):  # 0 means not measured
        label = f"Thought for {seconds:.1f} s"
    elif message.status == "streaming" and not message.content:
        label = "Thinking…"
    return f"{'▾' if annotations.shows_reasoning else '▸'} {label}"


def _ending(message: Message, annotations: MessageAnnotations) -> tuple[tuple[str, str], ...]:
    retry = " · r to retry" if annotations.unanswered else ""
    if message.status == "truncated" and message.error and is_empty_reply(message):
        return ((f"✂ {one_line(message.error)}{retry}", "error"),)
    if message.status in _ENDINGS:
        why = f": {one_line(message.error)}" if message.error else ""
        return ((_ENDINGS[message.status] + why, "error" if message.status in {"failed", "truncated"} else "dim"),)
    if message.error:
        return ((one_line(message.error), "error"),)
    return ((f"No reply{retry}", "error"),) if retry else ()
