"""The Markdown files of the project, and what is in them."""

import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

from markdown_it import MarkdownIt
from markdown_it.token import Token
from support.paths import DOCS, ROOT

_MARKDOWN = MarkdownIt("commonmark").enable("table")
_HTML_ADDRESS = re.compile(r"""\b(?:href|src)\s*=\s*["']?([^"'\s>]+)""", re.IGNORECASE)


class Block(NamedTuple):
    """A fenced block of a document.

    Attributes:
        line: of the fence, from 1.
    """

    document: Path
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.document.relative_to(ROOT)}:{self.line}"


def documents() -> list[Path]:
    """Return the Markdown files of the root, of docs/ and of .github/."""
    return sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md"), *(ROOT / ".github").rglob("*.md")])


def pages() -> list[Path]:
    """Return the pages of the site."""
    return sorted(DOCS.rglob("*.md"))


def addresses(document: Path) -> Iterator[str]:
    """Yield where the links and images of a document lead."""
    for token in _inline(document):
        if token.type == "link_open":
            yield str(token.attrs["href"])
        elif token.type == "image":
            yield str(token.attrs["src"])
        elif token.type in {"html_inline", "html_block"}:
            yield from _HTML_ADDRESS.findall(token.content)


def headings(document: Path) -> list[tuple[int, str]]:
    """Return the level and the text of each heading."""
    tokens = _tokens(document)
    return [
        (int(token.tag[1]), tokens[i + 1].content) for i, token in enumerate(tokens) if token.type == "heading_open"
    ]


def anchors(document: Path) -> set[str]:
    """Return the anchors that GitHub gives to the headings: the second of the same name ends in -1."""
    found, seen = set(), Counter[str]()
    for _, text in headings(document):
        shown = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", text)
        name = re.sub(r"[^\w\- ]", "", shown.lower()).replace(" ", "-")
        found.add(f"{name}-{seen[name]}" if seen[name] else name)
        seen[name] += 1
    return found


def blocks(document: Path) -> list[Block]:
    """Return the fenced blocks."""
    return [
        Block(document, token.map[0] + 1, token.info.strip(), token.content)
        for token in _tokens(document)
        if token.type == "fence" and token.map
    ]


def _tokens(document: Path) -> list[Token]:
    return _parse(document.read_text(encoding="utf-8"))


@cache
def _parse(text: str) -> list[Token]:
    return _MARKDOWN.parse(text)


def _inline(document: Path) -> Iterator[Token]:
    for token in _tokens(document):
        yield from (token, *(token.children or ()))
