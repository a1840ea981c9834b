"""Search terms as regular expressions that mean the same to every engine, and excerpts around a match.

Case-insensitive matching differs between stores beyond ASCII, so each letter is spelled out with its variants.
"""

import re
import unicodedata
from collections import defaultdict
from functools import cache

from botchat.core.errors import InvalidInput
from botchat.core.models import Span, valid_text

_BEFORE, _AFTER = 20, 60
_SNIPPET_BEFORE, _SNIPPET_AFTER = 40, 80

_BEYOND_ALL_CASES = 0x20000  # letters with cases are in the first two planes: CaseFolding.txt of Unicode 17

TEXT_LIMIT = 1000
"""Maximum characters of a search. Each can become some 20 bytes of a pattern; MongoDB accepts 32,764 bytes."""


def search_patterns(text: str) -> list[str]:
    """Return a case-insensitive pattern for each word, which matches composed and decomposed characters alike.

    Raises:
        InvalidInput: there is no word in it, or it is too long.
    """
    words = unicodedata.normalize("NFC", valid_text(text)).split()
    if not words:
        raise InvalidInput("The search is empty. Enter at least one word.")
    if len(text) > TEXT_LIMIT:
        raise InvalidInput(f"The search is too long: it can have at most {TEXT_LIMIT} characters.")
    return ["".join(map(_alternatives, word)) for word in dict.fromkeys(words)]


def excerpt_around(text: str, wanted: str) -> str | None:
    """Return the excerpt around the first match of any search word, on one line; None if none matches."""
    found = re.search("|".join(search_patterns(wanted)), text)
    if found is None:
        return None
    start, stop = max(0, found.start() - _BEFORE), found.end() + _AFTER
    excerpt = " ".join(text[start:stop].split())
    return ("…" if start else "") + excerpt + ("…" if stop < len(text) else "")


class WordMatcher:
    """Finds the words of a search in texts, as the stores do.

    Raises:
        InvalidInput: there is no word in the search, or it is too long.
    """

    def __init__(self, wanted: str) -> None:
        patterns = search_patterns(wanted)
        self._words = [re.compile(pattern) for pattern in patterns]
        self._any = re.compile("|".join(sorted(patterns, key=len, reverse=True)))

    def count(self, text: str) -> int:
        """Return how many of the words are in a text."""
        return sum(word.search(text) is not None for word in self._words)

    def spans(self, text: str) -> tuple[Span, ...]:
        """Return where the words are in a text, in order, without overlaps."""
        return tuple(found.span() for found in self._any.finditer(text))

    def snippet(self, text: str) -> str:
        """Return some 120 characters around the first match, on one line."""
        found = self._any.search(text)
        start, stop = (max(0, found.start() - _SNIPPET_BEFORE), found.end() + _SNIPPET_AFTER) if found else (0, 120)
        snippet = " ".join(text[start:stop].split())
        return ("…" if start else "") + snippet + ("…" if stop < len(text) else "")


def _alternatives(character: str) -> str:
    single = _case_variants().get(character, (character,))
    several = sorted({unicodedata.normalize("NFD", one) for one in single} - set(single))
    if not several:
        # A pattern of MongoDB holds no NUL itself.
        plain = re.escape(character).replace("\0", r"\x00")
        return plain if len(single) == 1 else f"[{''.join(single)}]"
    return f"(?:{'|'.join([*single, *several])})"


@cache
def _case_variants() -> dict[str, tuple[str, ...]]:
    """Map each cased letter to all of its case variants (k, K and the Kelvin sign)."""
    groups: dict[str, set[str]] = defaultdict(set)
    for character in map(chr, range(_BEYOND_ALL_CASES)):
        lower, upper = character.lower(), character.upper()
        if len(upper) == 1 and len(lower) == 1 and (lower != character or upper != character):
            groups[upper.lower()] |= {character, lower, upper}
    return {letter: tuple(sorted(group)) for group in groups.values() for letter in group}
