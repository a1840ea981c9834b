"""A bot's Markdown as HTML that can do nothing: no markup of its own, no script, and nothing is loaded."""

from collections.abc import MutableMapping, Sequence
from functools import cache
from html import escape
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import OptionsDict

from botchat.core.models import has_padded_tables

LONGEST = 200_000
"""Characters that are still rendered: beyond, it takes seconds, and such a text is data rather than prose."""

_DEEPEST = 100
"""Levels of nesting that are rendered: the library leaves out what is deeper, and no word may be lost."""

_SCHEMES = ("http://", "https://", "mailto:")
_REL = "noopener noreferrer nofollow"

# The page's own headings are h1 and h2.
_LOWEST_HEADING = 6
_HEADINGS_DOWN = 2


def markdown_to_html(text: str) -> str | None:
    """Render Markdown; None where that can't be done, and the text is to be shown as it is."""
    if len(text) > LONGEST or has_padded_tables(text):
        return None
    renderer, env = _renderer(), dict[str, Any]()
    try:
        tokens = renderer.parse(text, env)
        if any(token.level >= _DEEPEST - 2 for token in tokens):
            return None
        return str(renderer.renderer.render(tokens, renderer.options, env))
    except Exception:  # noqa: BLE001  (a fault of the library in one message must not cost someone the export)
        return None


class _Renderer(RendererHTML):
    """Writes links that say nothing of where they were followed, and a picture as a link to it."""

    def link_open(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: MutableMapping[str, Any]) -> str:
        tokens[idx].attrSet("rel", _REL)
        return self.renderToken(tokens, idx, options, env)

    def image(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: MutableMapping[str, Any]) -> str:
        token = tokens[idx]
        alt = self.renderInlineAsText(token.children or [], options, env) or "image"
        inside_a_link = sum(t.nesting for t in tokens[:idx] if t.type in {"link_open", "link_close"})
        if inside_a_link:
            return escape(alt)
        return f'<a href="{escape(str(token.attrGet("src")))}" rel="{_REL}">{escape(alt)}</a>'

    def heading_open(
        self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: MutableMapping[str, Any]
    ) -> str:
        tokens[idx].tag = _lower(tokens[idx].tag)
        return self.renderToken(tokens, idx, options, env)

    heading_close = heading_open


@cache
def _renderer() -> MarkdownIt:
    renderer = MarkdownIt("commonmark", {"html": False, "maxNesting": _DEEPEST}, renderer_cls=_Renderer)
    renderer.enable(["table", "strikethrough"])
    # Also a relative address is no link: in a saved page it would be someone's file.
    renderer.validateLink = lambda url: url.lower().startswith(_SCHEMES)  # type: ignore[method-assign]
    return renderer


def _lower(tag: str) -> str:
    return f"h{min(int(tag[1:]) + _HEADINGS_DOWN, _LOWEST_HEADING)}"
