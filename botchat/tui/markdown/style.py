"""The styles of a transcript, from the theme."""

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
"""The names of styles; each is a component class `transcript--…`."""

COMPONENT_CLASSES = {f"transcript--{part}" for part in PARTS}


@dataclass(frozen=True, eq=False)
class TranscriptStyle:
    """The width and styles that rows are drawn with.

    Attributes:
        console: Rich's console, used for wrapping only.
        width: of a row, in cells.
        base: the style of plain text.
        styles: styles by name.
        chosen: the URL of the selected link.
    """

    console: Console
    width: int
    base: Style
    styles: dict[str, Style] = field(default_factory=dict)
    chosen: str | None = None

    def same_as(self, other: "TranscriptStyle | None") -> bool:
        """Return whether rows drawn in the other style are valid in this one."""
        return other is not None and (self.width, self.base, self.styles, self.chosen) == (
            other.width,
            other.base,
            other.styles,
            other.chosen,
        )

    def __getitem__(self, part: str) -> Style:
        """Return a style by name; the base style for an unknown name."""
        return self.styles.get(part, self.base)


def style_from_theme(
    console: Console, width: int, base: Style, style_of: Callable[[str], Style], chosen: str | None = None
) -> TranscriptStyle:
    """Build a style from a widget's component classes."""
    return TranscriptStyle(console, width, base, {part: style_of(f"transcript--{part}") for part in PARTS}, chosen)
