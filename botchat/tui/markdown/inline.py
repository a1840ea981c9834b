"""Inline Markdown: emphasis, code, and links with their URLs."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.token import Token
from rich.style import Style
from rich.text import Text

from botchat.core.exporting import printable
from botchat.tui.markdown.style import TranscriptStyle

MAX_PARAGRAPH = 8_000
"""Characters of a paragraph that is parsed as Markdown; parsing some texts takes quadratic time."""

_DEEPEST = 100
_SCHEMES = ("http://", "https://", "mailto:")
_ADDRESS = re.compile(r"https?://[^\s<>\"'`]*[^\s<>\"'`.,;:!?)\]}*_]")
_MARKS = {"strong": Style(bold=True), "em": Style(italic=True), "s": Style(strike=True)}


@cache
def markdown_parser() -> MarkdownIt:
    """Return the Markdown parser: HTML is text, and only web and mail links are links."""
    markdown = MarkdownIt("commonmark", {"html": False, "maxNesting": _DEEPEST}).enable(["table", "strikethrough"])
    markdown.validateLink = lambda url: url.lower().startswith(_SCHEMES)  # type: ignore[method-assign]
    return markdown


def render_inline(source: str, look: TranscriptStyle, style: Style, refs: Mapping[str, Any] | None = None) -> Text:
    """Render a paragraph, heading or cell; `refs` are the message's link reference definitions."""
    if len(source) > MAX_PARAGRAPH:
        return Text(source, style)
    tokens: list[Token] = []
    try:
        markdown_parser().inline.parse(source, markdown_parser(), {"references": refs or {}}, tokens)
    except Exception:  # noqa: BLE001  (a bug of the library must not crash the screen)
        return Text(source, style)
    return _Writer(look, style).write(tokens)


def paragraph_links(source: str, look: TranscriptStyle, refs: Mapping[str, Any] | None = None) -> list[str]:
    """Return a paragraph's distinct URLs, in order."""
    text = render_inline(source, look, look.base, refs)
    found = (span.style.meta.get("link") for span in text.spans if isinstance(span.style, Style))
    return list(dict.fromkeys(link for link in found if link))


@dataclass
class _Writer:
    look: TranscriptStyle
    base: Style
    stack: list[Style] = field(default_factory=list)
    text: Text = field(default_factory=Text)
    link: str | None = None
    label: int = 0

    def write(self, tokens: list[Token]) -> Text:
        self.stack.append(self.base)
        for token in tokens:
            self._write(token)
        return self.text

    def _write(self, token: Token) -> None:
        match token.type:
            case "text" | "text_special":
                self._add_text(printable(token.content))
            case "code_inline":
                self.text.append(printable(token.content), self._with_link(self.look["inline-code"]))
            case "softbreak" | "hardbreak":
                self.text.append("\n", self.stack[-1])
            case "link_open":
                self._open_link(str(token.attrGet("href") or ""))
            case "link_close":
                self._close_link()
            case "image":
                self._add_image(token)
            case _ if token.nesting == 1:
                self.stack.append(self.stack[-1] + _MARKS.get(token.tag, Style.null()))
            case _ if token.nesting == -1:
                self.stack.pop()
            case _:
                self._add_text(printable(token.content))

    def _with_link(self, own: Style) -> Style:
        """Add the open link to a style, so that code in a link can be clicked."""
        return own + Style(meta={"link": self.link}) if self.link else own

    def _add_text(self, text: str) -> None:
        if self.link is not None:
            self.text.append(text, self.stack[-1])
            return
        place = 0
        for found in _ADDRESS.finditer(text):
            self.text.append(text[place : found.start()], self.stack[-1])
            self.text.append(found[0], self._link_style(found[0]))
            place = found.end()
        self.text.append(text[place:], self.stack[-1])

    def _open_link(self, address: str) -> None:
        self.link, self.label = printable(address), len(self.text)
        self.stack.append(self.stack[-1] + self._link_style(self.link))

    def _close_link(self) -> None:
        """End a link; append its URL, because a link's text may be misleading."""
        address, label = self.link or "", self.text.plain[self.label :]
        self.stack.pop()
        self.link = None
        if address not in {label, f"mailto:{label}"}:
            self.text.append(f" ({address})", self._link_style(address, "dim"))

    def _add_image(self, token: Token) -> None:
        inside = self.link is not None
        address = printable(str(token.attrGet("src") or ""))
        alt = printable(token.content) or "image"
        if inside:
            self._add_text(alt)
        else:
            self._open_link(address)
            self._add_text(alt)
            self._close_link()

    def _link_style(self, address: str, part: str = "link") -> Style:
        part = "chosen" if address == self.look.chosen else part
        return self.look[part] + _link_meta(address)


def _link_meta(address: str) -> Style:
    return Style(meta={"link": address})
