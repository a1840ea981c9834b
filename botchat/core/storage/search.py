"""What is looked for in sessions: patterns that every regular expression engine reads alike.

A store's own "ignore the case" differs from another's beyond ASCII; here each letter is spelt out with its variants.
"""

import re
import unicodedata
from collections import defaultdict
from functools import cache

from botchat.core.errors import InvalidInput
from botchat.core.models import valid_text

_BEFORE, _AFTER = 20, 60

_BEYOND_ALL_CASES = 0x20000  # letters with cases are in the first two planes: CaseFolding.txt of Unicode 17

TEXT_LIMIT = 1000
"""Characters of a search. Each may become some 20 bytes of a pattern, and MongoDB takes 32,764 of them."""


def search_patterns(text: str) -> list[str]:
    """Make a pattern of each word: upper or lower case alike, letters with marks in one character or in several alike.

    Raises:
        InvalidInput: there is no word in it, or too much of them.
    """
    words = unicodedata.normalize("NFC", valid_text(text)).split()
    if not words:
        raise InvalidInput("There is nothing to search for: give a word.")
    if len(text) > TEXT_LIMIT:
        raise InvalidInput(f"That is too much to search for: at most {TEXT_LIMIT} characters.")
    return ["".join(map(_alternatives, word)) for word in dict.fromkeys(words)]


def excerpt_around(text: str, wanted: str) -> str | None:
    """Return the place of a text where a word of what is wanted stands first, on one line; None if none does."""
    found = re.search("|".join(search_patterns(wanted)), text)
    if found is None:
        return None
    start, stop = max(0, found.start() - _BEFORE), found.end() + _AFTER
    excerpt = " ".join(text[start:stop].split())
    return ("…" if start else "") + excerpt + ("…" if stop < len(text) else "")


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
    """Map each letter that has cases to all that differ from it in nothing else (k, K and the Kelvin sign)."""
    groups: dict[str, set[str]] = defaultdict(set)
    for character in map(chr, range(_BEYOND_ALL_CASES)):
        lower, upper = character.lower(), character.upper()
        if len(upper) == 1 and len(lower) == 1 and (lower != character or upper != character):
            groups[upper.lower()] |= {character, lower, upper}
    return {letter: tuple(sorted(group)) for group in groups.values() for letter in group}
