"""Code blocks, highlighted in the theme's colors."""

from dataclasses import dataclass, field
from functools import cache
from typing import Any

from rich.syntax import Syntax
from rich.text import Text

from botchat.tui.markdown.style import TranscriptStyle
from botchat.tui.markdown.wrapping import TAB

MAX_HIGHLIGHTED = 30_000
"""Characters of a code block that is highlighted as one; longer ones are highlighted in parts."""

_PARTS = {
    "Keyword": "code-keyword",
    "Operator.Word": "code-keyword",
    "Name.Function": "code-name",
    "Name.Class": "code-name",
    "Name.Tag": "code-name",
    "Name.Decorator": "code-name",
    "Name.Attribute": "code-name",
    "Name.Builtin": "code-name",
    "Literal.String": "code-string",
    "Literal.Number": "code-number",
    "Comment": "code-comment",
    "Generic.Deleted": "code-number",
    "Generic.Inserted": "code-string",
}


@dataclass(slots=True)
class CodeBlock:
    """A block of code.

    Attributes:
        code: the text, without a final line feed.
        language: the block's info string, any text.
    """

    code: str
    language: str
    _drawn: tuple[TranscriptStyle, list[Text]] | None = field(default=None, compare=False, repr=False)
    _count: int = field(default=0, compare=False, repr=False)

    def lines(self, look: TranscriptStyle, begin: int, end: int) -> list[Text]:
        """Return highlighted lines; all are cached, because the parts of a long block are drawn one by one."""
        if self._drawn is None or self._drawn[0] is not look:
            self._drawn = (look, list(self._highlighted(look).split("\n", allow_blank=True)))
        return [line.copy() for line in self._drawn[1][begin:end]]

    def estimate(self, begin: int, end: int, width: int) -> int:
        """Estimate the rows of some lines."""
        if self._count == 0:
            self._count = self.code.count("\n") + 1
        return (end - begin) + len(self.code) * (end - begin) // self._count // (width * 2)

    def _highlighted(self, look: TranscriptStyle) -> Text:
        code = self.code.expandtabs(TAB)
        text = Text(code, look["code"])
        lexer = _lexer(self.language) if len(code) <= MAX_HIGHLIGHTED else None
        place = 0
        for kind, words in lexer.get_tokens(code) if lexer else ():
            if part := _part(kind):
                text.stylize(look[part], place, place + len(words))
            place += len(words)
        return text


@cache
def _lexer(language: str) -> Any:
    return Syntax("", language).lexer


@cache
def _part(kind: Any) -> str | None:
    names = str(kind).split(".")[1:]
    found = (_PARTS.get(".".join(names[:length])) for length in range(len(names), 0, -1))
    return next(filter(None, found), None)
