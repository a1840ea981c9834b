"""Prepares text for Streamlit, which treats every text as Markdown: escapes it, or restricts a bot's Markdown."""

import re
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from html import unescape
from urllib.parse import urlsplit

from botchat.core.exporting import one_line, printable
from botchat.web.markdown.code_ranges import CodeRanges
from botchat.web.markdown.data_images import PixelBudget
from botchat.web.markdown.formulas import SizeBudget

MAX_MARKDOWN_LENGTH = 40_000
"""The maximum length of a message that is shown as Markdown, in characters. Chromium takes four seconds for 100,000,
and a streaming message is drawn eight times per second."""

_MARKS = re.compile(r"([!-/:-@\[-`{-~])")
_LINKABLE = re.compile(r"(?<=[-.\w+])@|:(?=//)|(?<=www)\.", re.IGNORECASE)
_LABEL_LENGTH = 60
_ALT_LENGTH = 120
_KEPT_TEXTS = 200
_KEPT_LABELS = 10_000

_DEFINITION = re.compile(r"^ {0,3}\[((?:[^\[\]\\]|\\.)+)\]:[ \t]*\n?[ \t]*(<[^<>\n]*>|\S+)", re.MULTILINE)

_FORMULA = r"\$\$(?:(?!!\[)[^$])+\$\$|\$(?![\s$])(?:(?!!\[)[^$\n])*?(?<!\s)\$(?!\d)"
_DISPLAYED = (
    r"(?:^(?P<indent>[ \t>]*))?\\\[(?P<displayed>(?:(?!\\[\[\]]|\n[ \t]*\n)[^$])+?)\\\](?!\()(?P<ends>(?=[ \t]*$))?"
)
_INLINE = r"\\\((?P<inline>(?:(?!\\[()]|\n[ \t]*\n)[^$])+?)\\\)"

# A position where something other than prose can begin. Starting with a character class makes the search fast.
_MARKUP_START = re.compile(r"[`$\\!:hH\n](?:(?<=[`$\\!:])|(?<=[hH])(?=ttps?://)|(?<=\n)(?=[ \t>*+\d.)-]*[`~\\]))")
_SIGN = re.compile(
    rf"{_DISPLAYED}|(?P<address>https?://[^\s<>()\[\]!`$\\]*)|(?P<formula>{_FORMULA})|{_INLINE}|(?P<escape>\\.)"
    r"|(?P<image>!\[)|(?P<dollar>\$)|(?P<directive>:(?=[a-z-]+\[))|(?P<colon>:(?=[\w+-]+:|material/))",
    re.MULTILINE | re.DOTALL,
)

# The text of an image ends at the first bracket that closes neither an escape nor a pair.
_IN_TEXT_OF_IMAGE = re.compile(r"\\.|\[[^\[\]]*\]|[\[\]\\]", re.DOTALL)
_TARGET = r"[ \t]*\n?[ \t]*(?P<target><[^<>\n]*>|(?:[^\s()<>\\]|\\.|\([^\s()]*\))*)"
_TITLE = r"""(?:\s+(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|\((?:[^()\\]|\\.)*\)))?\s*"""
_REST_OF_IMAGE = re.compile(rf"\](?:\({_TARGET}{_TITLE}\)|\[(?P<label>(?:[^\[\]\\]|\\.)*)\])?", re.DOTALL)


def escape(text: str) -> str:
    """Escape a text so that it is shown literally, without Markdown, directives or links."""
    return _MARKS.sub(r"\\\1", text)


def escape_name(text: str) -> str:
    """Escape a name like `escape`, and keep an email or web address in it from becoming a link.

    The page makes links of addresses after it has resolved the escapes, but not across the parts of a text.
    """
    parts = _LINKABLE.split(text)
    marks = (f":gray[{escape(mark)}]" for mark in (*_LINKABLE.findall(text), ""))
    return "".join(escape(part) + mark for part, mark in zip(parts, marks, strict=True)).removesuffix(":gray[]")


def bot_markdown(text: str) -> str:
    r"""Convert a bot's Markdown to Markdown for Streamlit.

    Streamlit's extensions are escaped: `$` in prices, `:red[…]`, `:material/…:`, `:smile:`. Formulas between `\(` and
    `\)` or `\[` and `\]` are put between dollar signs. A remote image becomes a link, so that nothing is fetched until
    the user follows it; an embedded image (`data:`) stays, unless it is huge. Sizes in formulas are limited; a formula
    that defines macros is shown as source.

    This is a convenience. If this module parses Markdown differently from Streamlit, the security boundary is the
    policy in `security_headers`, which blocks loading anything from other servers.
    """
    return _bot_markdown(text) if len(text) <= MAX_MARKDOWN_LENGTH else _rewritten(text)


@lru_cache(maxsize=_KEPT_TEXTS)
def _bot_markdown(text: str) -> str:
    return _rewritten(text)


def _rewritten(text: str) -> str:
    return "".join(_Rewriter(printable(text)).pieces())


@lru_cache(maxsize=_KEPT_LABELS)
def session_label(name: str) -> str:
    """Return a session's name as a label: one line, at most 60 characters, escaped."""
    name = one_line(name) or "Untitled"
    return escape(name if len(name) <= _LABEL_LENGTH else name[: _LABEL_LENGTH - 1] + "…")


class _Rewriter:
    """Rewrites a text in one pass, jumping between positions where something other than prose can begin."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._code = CodeRanges(text)
        self._sizes, self._pixels = SizeBudget(), PixelBudget()
        self._definitions: dict[str, str] = {}
        if "![" in text:
            self._definitions = {_folded(label): target for label, target in reversed(_DEFINITION.findall(text))}

    def pieces(self) -> Iterator[str]:
        position = 0
        while position < len(self._text):
            piece, position = self._piece(position)
            yield piece

    def _piece(self, position: int) -> tuple[str, int]:
        """Return the rewritten piece that begins at this position, and where the next piece begins."""
        if found := _SIGN.match(self._text, position):
            return self._sign(found)
        end = self._code.fence_end(position) or self._code.span_end(position)
        if end == position:
            found = _MARKUP_START.search(self._text, position)
            end = found.start() if found else len(self._text)
        end = max(end, position + 1)
        return self._text[position:end], end

    def _sign(self, found: re.Match[str]) -> tuple[str, int]:
        if found["image"]:
            return self._image(found.start())
        if formula := found["formula"] or found["inline"] or found["displayed"]:
            limited = self._sizes.limit(formula)
            return _as_code(found[0]) if limited is None else _formula(limited, found), found.end()
        sign = _SIGNS[found.lastgroup](found[0]) if found.lastgroup in _SIGNS else found[0]
        return sign, found.end()

    def _image(self, start: int) -> tuple[str, int]:
        middle = _end_of_image_text(self._text, start + 2)
        rest = None if middle is None else _REST_OF_IMAGE.match(self._text, middle)
        if rest is None:
            return "\\!", start + 1
        alt = self._text[start + 2 : rest.start()]
        written = self._text[start : rest.end()]
        return self._image_piece(written, alt, rest), rest.end()

    def _image_piece(self, written: str, alt: str, rest: re.Match[str]) -> str:
        target = rest["target"]
        if target is None:
            target = self._definitions.get(_folded(rest["label"] or alt))
            if target is None:
                return f"\\{written}"
        address = unescape(target.strip("<>"))
        if self._pixels.take(address):
            return written
        text = escape(one_line(re.sub(r"\\(\W)", r"\1", alt))[:_ALT_LENGTH])
        title = f"Image: {text}" if text else "Image"
        host = _host(address)
        return f"[{title} ({escape(host)})]({target})" if host else title


def _end_of_image_text(text: str, position: int) -> int | None:
    """Return the position of the bracket that ends an image's text, or None."""
    for found in _IN_TEXT_OF_IMAGE.finditer(text, position):
        if len(found[0]) == 1:
            return found.start() if found[0] == "]" else None
    return None


def _formula(formula: str, found: re.Match[str]) -> str:
    if found["formula"]:
        return formula
    return f"${' '.join(formula.split())}$" if found["inline"] else _display(formula, found)


def _as_code(formula: str) -> str:
    """Return a formula as a code span, on one line so that it stays in its quote or list."""
    text = " ".join(line.strip(" \t>") for line in formula.split("\n")).strip()
    ticks = "`" * (max(map(len, re.findall("`+", text)), default=0) + 1)
    return f"{ticks} {text} {ticks}"


_SIGNS: Mapping[str | None, Callable[[str], str]] = {
    "dollar": lambda sign: f"\\{sign}",
    "directive": lambda sign: f"\\{sign}",
    # Streamlit replaces these before it parses the text, so an escape wouldn't help.
    "colon": lambda _: "&#58;",
}


def _display(formula: str, found: re.Match[str]) -> str:
    """Put a formula between dollar signs, on separate lines if nothing else is on its lines."""
    indent = found["indent"]
    if indent is None or found["ends"] is None:
        return f"{indent or ''}${' '.join(formula.split())}$"
    lines = (line.strip(" \t>") for line in formula.split("\n"))
    return "\n".join(f"{indent}{line}" for line in ("$$", *filter(None, lines), "$$"))


def _host(address: str) -> str | None:
    """Return the host name in an image's URL, or None if no other host would be contacted."""
    try:
        parts = urlsplit(address)
    except ValueError:  # not a URL, such as http://[
        return None
    return parts.hostname if parts.scheme.lower() in {"", "http", "https"} else None


def _folded(label: str) -> str:
    return " ".join(label.split()).casefold()
