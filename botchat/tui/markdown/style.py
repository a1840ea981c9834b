"""The colours of a transcript, as the theme gives them."""

from collections.abc import Callable
from dataclasses import dataclass, field

from rich.console import Console
from rich.style import Style

PARTS = (
    "user",
    "bot",
    "other",
    "dim",
    "error",
    "heading",
    "link",
    "chosen",
    "inline-code",
    "code",
    "code-keyword",
    "code-name",
    "code-string",
    "code-number",
    "code-comment",
    "cursor",
)
"""What has a colour of its own; each is a component class `transcript--…`."""

COMPONENT_CLASSES = {f"transcript--{part}" for part in PARTS}


@dataclass(frozen=True, eq=False)
class TranscriptStyle:
    """How rows are drawn.

    Attributes:
        console: what Rich wraps text with; nothing is written to it.
        width: cells that a row has.
        base: the style of plain words.
        styles: the style of each part that differs from it.
        chosen: the address of the link that Enter would open.
    """

    console: Console
    width: int
    base: Style
    styles: dict[str, Style] = field(default_factory=dict)
    chosen: str | None = None

    def same_as(self, other: "TranscriptStyle | None") -> bool:
        """Tell whether rows that were drawn for the other are right for this one."""
        return other is not None and (self.width, self.base, self.styles, self.chosen) == (
            other.width,
            other.base,
            other.styles,
            other.chosen,
        )

    def __getitem__(self, part: str) -> Style:
        """Return the style of a part; the name of none is that of plain words."""
        return self.styles.get(part, self.base)


def style_from_theme(
    console: Console, width: int, base: Style, style_of: Callable[[str], Style], chosen: str | None = None
) -> TranscriptStyle:
    """Read the styles of all parts from a widget's component classes."""
    return TranscriptStyle(console, width, base, {part: style_of(f"transcript--{part}") for part in PARTS}, chosen)
