"""The code in a message, highlighted with the theme's colours."""

from dataclasses import dataclass, field
from functools import cache
from typing import Any

from rich.text import Text

from botchat.tui.look import Look

LONGEST = 30_000
"""Characters of a code block that are highlighted at once: longer ones part by part."""

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
class Listing:
    """A block of code.

    Attributes:
        code: without a line feed at its end.
        language: what the block says that it is; any words.
    """

    code: str
    language: str
    _drawn: tuple[Look, list[Text]] | None = field(default=None, compare=False, repr=False)
    _count: int = field(default=0, compare=False, repr=False)

    def lines(self, look: Look, begin: int, end: int) -> list[Text]:
        """Return some lines in colour; all are kept, for the parts of a long block are drawn one by one."""
        if self._drawn is None or self._drawn[0] is not look:
            self._drawn = (look, list(self._coloured(look).split("\n", allow_blank=True)))
        return [line.copy() for line in self._drawn[1][begin:end]]

    def estimate(self, begin: int, end: int, width: int) -> int:
        """Guess the rows of some of its lines."""
        if self._count == 0:
            self._count = self.code.count("\n") + 1
        return (end - begin) + len(self.code) * (end - begin) // self._count // (width * 2)

    def _coloured(self, look: Look) -> Text:
        plain = look["code"]
        lexer = _lexer(self.language) if len(self.code) <= LONGEST else None
        code = self.code.expandtabs(4)
        if lexer is None:
            return Text(code, plain)
        text = Text(style=plain)
        for kind, words in lexer.get_tokens(code):
            text.append(words, look[_part(kind)])
        return text[: len(code)]


@cache
def _lexer(language: str) -> Any:
    from pygments.lexers import get_lexer_by_name
    from pygments.util import ClassNotFound

    try:
        return get_lexer_by_name(language, stripnl=False, ensurenl=False)
    except ClassNotFound:
        return None


@cache
def _part(kind: Any) -> str:
    names = str(kind).split(".")[1:]
    for length in (len(names), *range(len(names) - 1, 0, -1)):
        if part := _PARTS.get(".".join(names[:length])):
            return part
    return "code"
