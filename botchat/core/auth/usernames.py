"""Which names a new user can have: no two that look the same. Names that exist already keep working."""

import unicodedata
from collections.abc import Iterable, Iterator

from botchat.core.errors import InvalidInput
from botchat.core.models import check_name

# Scripts that are written together, as UTS #39 has it ("highly restrictive"):
# https://www.unicode.org/reports/tr39/#Restriction_Level_Detection
_COMBINED_SCRIPTS = (
    frozenset({"LATIN", "CJK", "HIRAGANA", "KATAKANA"}),
    frozenset({"LATIN", "CJK", "BOPOMOFO"}),
    frozenset({"LATIN", "CJK", "HANGUL"}),
)
# Controls, invisible characters, halves of characters, what no character is, and separators but the space.
_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
# They are no controls and yet nothing of them is seen: fillers of Hangul, and a selector of a glyph.
_FILLERS = frozenset("\u115f\u1160\u3164\uffa0\u2800\u034f\u17b4\u17b5") | {chr(code) for code in range(0xFE00, 0xFE10)}


def normalize_username(name: str, existing: Iterable[str]) -> str:
    """Return the name, in its normal form (NFKC), under which a new user is stored.

    Args:
        name: as it was given.
        existing: the users that there are.

    Raises:
        InvalidInput: it holds something that can't be seen, mixes scripts whose letters look alike, or differs from
            the name of another user by nothing that can be seen, or by case alone.
    """
    normal = unicodedata.normalize("NFKC", check_name("The user", name))
    if problem := _problem(normal):
        raise InvalidInput(f"{name!r} can't be the name of a new user: {problem}.")
    folded = _folded(normal)
    if any(_folded(user) == folded for user in existing if user != normal):
        raise InvalidInput(f"{name!r} can't be the name of a new user: it differs too little from another user's.")
    return normal


def to_nfc(name: str) -> str:
    """Return the name in NFC: the same text to everybody, where NFKC makes others' names of some."""
    return unicodedata.normalize("NFC", name)


def check_new_username(name: str, existing: Iterable[str]) -> None:
    """Check the name of a new user who comes with it again, so that it can't be stored in another form.

    Raises:
        InvalidInput: as `normalize_username`, or its normal form is another name, which may be somebody else's.
    """
    normal = normalize_username(name, existing)
    if normal != to_nfc(name):
        raise InvalidInput(f"{name!r} can't be the name of a new user: write it as {normal!r}, if that is the user.")


def invalid_usernames(existing: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Tell of existing users, in their order, whose names no new user could have, and why."""
    first: dict[str, str] = {}
    for user in existing:
        other = first.setdefault(_folded(user), user)
        if problem := _problem(user):
            yield user, problem
        elif other != user:
            yield user, f"it differs too little from {other!r}"


def _problem(name: str) -> str | None:
    if any(unicodedata.category(character) in _INVISIBLE or character in _FILLERS for character in name):
        return "it holds characters that can't be seen"
    scripts = {_script(character) for character in name if character.isalpha()} - {"MODIFIER"}
    if len(scripts) > 1 and not any(scripts <= together for together in _COMBINED_SCRIPTS):
        return f"it mixes letters of several scripts ({', '.join(sorted(scripts)).lower()})"
    if not unicodedata.is_normalized("NFKC", name):
        return "it is not in its normal form"
    return None


def _script(letter: str) -> str:
    """Tell a letter's script by its name in Unicode, which begins with it."""
    script = unicodedata.name(letter, "UNKNOWN").partition(" ")[0].partition("-")[0]
    return "CJK" if script == "IDEOGRAPHIC" else script  # as in 佐々木


def _folded(name: str) -> str:
    """Return what is the same for names that look the same, or differ by case alone."""
    seen = (c for c in unicodedata.normalize("NFKC", name) if unicodedata.category(c) not in _INVISIBLE)
    shown = "".join(character for character in seen if character not in _FILLERS).strip()
    return unicodedata.normalize("NFKC", shown.casefold())
