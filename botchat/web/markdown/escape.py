"""Words of people and programs inside Streamlit's own texts, which are all Markdown."""

import re
from collections.abc import Callable, Mapping
from functools import lru_cache, partial
from html import unescape
from urllib.parse import urlsplit

from botchat.core.exporting import one_line, printable
from botchat.web.markdown.data_images import Pixels
from botchat.web.markdown.formulas import Sizes

LONGEST = 40_000
"""Characters of a message that are drawn as Markdown: at 100,000 Chromium takes four seconds, and at eight times a
second while it streams."""

_MARKS = re.compile(r"([!-/:-@\[-`{-~])")
_LABEL_LENGTH = 60
_ALT_LENGTH = 120
_KEPT_TEXTS = 200
_KEPT_LABELS = 10_000

_DEFINITION = re.compile(r"^ {0,3}\[((?:[^\[\]\\]|\\.)+)\]:[ \t]*\n?[ \t]*(<[^<>\n]*>|\S+)", re.MULTILINE)

# What begins at one of these signs, the first that fits: code, escapes and addresses stay as they are.
_FENCE = (
    r"(?:^[ \t>]*(?:(?:[-*+]|\d{1,9}[.)])[ \t]+)*(?P<mark>`{3,}+(?=[^`\n]*$)|~{3,}+)[^\n]*"
    r"(?:\n(?![ \t>]*(?P=mark)[`~]*[ \t]*$)[^\n]*)*+(?:\n[ \t>]*(?P=mark)[`~]*)?)"
)
_SPAN = r"(?P<tick>`++)(?:[^`\n]++|\n(?![ \t]*\n)|(?!(?P=tick)(?!`))`++)*+(?P=tick)(?!`)|`++"
_ADDRESS = r"https?://[^\s<>()\[\]!`$\\]*"
_FORMULA = r"\$\$(?:(?!!\[)[^$])+\$\$|\$(?![\s$])(?:(?!!\[)[^$\n])*?(?<!\s)\$(?!\d)"
_DISPLAYED = (
    r"(?:^(?P<indent>[ \t>]*))?\\\[(?P<displayed>(?:(?!\\[\[\]]|\n[ \t]*\n)[^$])+?)\\\](?!\()(?P<ends>(?=[ \t]*$))?"
)
_INLINE = r"\\\((?P<inline>(?:(?!\\[()]|\n[ \t]*\n)[^$])+?)\\\)"
_TEXT_OF_IMAGE = r"(?P<alt>(?:[^\[\]\\]|\\.|\[[^\[\]]*\])*+)"
_TARGET = r"[ \t]*\n?[ \t]*(?P<target><[^<>\n]*>|(?:[^\s()<>\\]|\\.|\([^\s()]*\))*)"
_TITLE = r"""(?:\s+(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|\((?:[^()\\]|\\.)*\)))?\s*"""
_IMAGE = rf"!\[{_TEXT_OF_IMAGE}\](?:\({_TARGET}{_TITLE}\)|\[(?P<label>(?:[^\[\]\\]|\\.)*)\])?"
_PROSE = r"(?:[^`$\\!:hH\n]++|[hH](?!ttps?://)|\n(?![ \t>*+\d.)-]*[`~\\]))++"
_WORDS = re.compile(
    rf"{_DISPLAYED}|(?P<kept>{_FENCE}|{_PROSE}|{_SPAN}|{_ADDRESS})|(?P<formula>{_FORMULA})|{_INLINE}|(?P<escape>\\.)"
    rf"|(?P<image>{_IMAGE})|(?P<bang>!(?=\[))|(?P<dollar>\$)"
    r"|(?P<directive>:(?=[a-z-]+\[))|(?P<colon>:(?=[\w+-]+:|material/))",
    re.MULTILINE | re.DOTALL,
)


def plain(text: str) -> str:
    """Escape a text so that it is shown as it is: no Markdown, no directive, no link."""
    return _MARKS.sub(r"\\\1", text)


def bot_markdown(text: str) -> str:
    r"""Return a bot's Markdown as Streamlit is to be given it.

    What only Streamlit makes of it is undone: prices as formulas, `:red[…]`, `:material/…:`, `:smile:`. Formulas
    between `\(` and `\)`, `\[` and `\]` are put between dollars. An image is a link to it, so that nothing is asked for
    before someone follows it; one that is in the text itself (`data:`) stays, unless it is huge. Sizes in formulas are
    limited; a formula that defines macros is shown as it is written.

    This is for the reader's comfort. What keeps a page safe when it reads Markdown differently than Streamlit does is
    the policy in `headers`, which lets nothing be loaded from elsewhere.
    """
    return _bot_markdown(text) if len(text) <= LONGEST else _rewritten(text)


@lru_cache(maxsize=_KEPT_TEXTS)
def _bot_markdown(text: str) -> str:
    return _rewritten(text)


def _rewritten(text: str) -> str:
    text = printable(text)
    definitions: dict[str, str] = {}
    if "![" in text:
        definitions = {_folded(label): target for label, target in reversed(_DEFINITION.findall(text))}
    return _WORDS.sub(partial(_rewrite, definitions, Sizes(), Pixels()), text)


@lru_cache(maxsize=_KEPT_LABELS)
def label(name: str) -> str:
    """Make a label of a session's name: one line, not too long, shown as it is."""
    name = one_line(name) or "Untitled"
    return plain(name if len(name) <= _LABEL_LENGTH else name[: _LABEL_LENGTH - 1] + "…")


def _rewrite(definitions: Mapping[str, str], sizes: Sizes, pixels: Pixels, found: re.Match[str]) -> str:
    if found["kept"]:
        return found[0]
    if found["image"]:
        return _image(definitions, pixels, found)
    if formula := found["formula"] or found["inline"] or found["displayed"]:
        limited = sizes.limited(formula)
        return _as_code(found[0]) if limited is None else _formula(limited, found)
    return _SIGNS[found.lastgroup](found[0]) if found.lastgroup in _SIGNS else found[0]


def _formula(formula: str, found: re.Match[str]) -> str:
    if found["formula"]:
        return formula
    return f"${' '.join(formula.split())}$" if found["inline"] else _display(formula, found)


def _as_code(formula: str) -> str:
    """Show a formula as it is written: on one line, so that it stays in the quote or the list that it is in."""
    words = " ".join(line.strip(" \t>") for line in formula.split("\n")).strip()
    ticks = "`" * (max(map(len, re.findall("`+", words)), default=0) + 1)
    return f"{ticks} {words} {ticks}"


_SIGNS: Mapping[str | None, Callable[[str], str]] = {
    "bang": lambda sign: f"\\{sign}",
    "dollar": lambda sign: f"\\{sign}",
    "directive": lambda sign: f"\\{sign}",
    # Streamlit looks for these in the text before it is parsed, so an escape would not hide them.
    "colon": lambda _: "&#58;",
}


def _display(formula: str, found: re.Match[str]) -> str:
    """Put a formula between dollars on lines of their own, if it has its lines for itself."""
    indent = found["indent"]
    if indent is None or found["ends"] is None:
        return f"{indent or ''}${' '.join(formula.split())}$"
    lines = (line.strip(" \t>") for line in formula.split("\n"))
    return "\n".join(f"{indent}{line}" for line in ("$$", *filter(None, lines), "$$"))


def _image(definitions: Mapping[str, str], pixels: Pixels, found: re.Match[str]) -> str:
    alt, target = found["alt"], found["target"]
    if target is None:
        target = definitions.get(_folded(found["label"] or alt))
        if target is None:
            return f"\\{found[0]}"
    address = unescape(target.strip("<>"))
    if pixels.fit(address):
        return found[0]
    words = plain(one_line(re.sub(r"\\(\W)", r"\1", alt))[:_ALT_LENGTH])
    title = f"Image: {words}" if words else "Image"
    host = _host(address)
    return f"[{title} ({plain(host)})]({target})" if host else title


def _host(address: str) -> str | None:
    """Tell which host an address names, None where no other host would be asked."""
    try:
        parts = urlsplit(address)
    except ValueError:  # no address at all, like http://[
        return None
    return parts.hostname if parts.scheme.lower() in {"", "http", "https"} else None


def _folded(label: str) -> str:
    return " ".join(label.split()).casefold()
