"""Renders a bot's Markdown as safe HTML: no raw HTML, no script, and nothing is loaded."""

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
"""Maximum number of characters: more take seconds, and such a text is data rather than prose."""

_DEEPEST = 100
"""Maximum nesting level: the library drops deeper content, and no text may be lost."""

_SCHEMES = ("http://", "https://", "mailto:")
_REL = "noopener noreferrer nofollow"

# The page's own headings are h1 and h2.
_LOWEST_HEADING = 6
_HEADINGS_DOWN = 2


def markdown_to_html(text: str) -> str | None:
    """Return Markdown as HTML; None if it can't be rendered, and should be shown as plain text."""
    if len(text) > LONGEST or has_padded_tables(text):
        return None
    renderer, env = _renderer(), dict[str, Any]()
    try:
        tokens = renderer.parse(text, env)
        if any(token.level >= _DEEPEST - 2 for token in tokens):
            return None
        return str(renderer.renderer.render(tokens, renderer.options, env))
    except Exception:  # noqa: BLE001  (an error of the library in one message must not fail the export)
        return None


class _Renderer(RendererHTML):
    """Renders links without a referrer, and an image as a link to it."""

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
    # A relative URL is not a link either: in a saved page it would be a local file.
    renderer.validateLink = lambda url: url.lower().startswith(_SCHEMES)  # type: ignore[method-assign]
    return renderer


def _lower(tag: str) -> str:
    return f"h{min(int(tag[1:]) + _HEADINGS_DOWN, _LOWEST_HEADING)}"
