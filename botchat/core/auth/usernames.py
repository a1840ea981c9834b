"""Valid names of new users: no two that look the same. Existing names keep working."""

import unicodedata
from collections.abc import Iterable, Iterator

from botchat.core.errors import InvalidInput
from botchat.core.models import check_name

# Scripts that one name can combine, by the level "highly restrictive" of UTS #39:
# https://www.unicode.org/reports/tr39/#Restriction_Level_Detection
_COMBINED_SCRIPTS = (
    frozenset({"LATIN", "CJK", "HIRAGANA", "KATAKANA"}),
    frozenset({"LATIN", "CJK", "BOPOMOFO"}),
    frozenset({"LATIN", "CJK", "HANGUL"}),
)
# Categories of controls, invisible characters, surrogates, unassigned code points, and separators except the space.
_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
# Invisible characters of other categories: Hangul fillers, variation selectors and the like.
_FILLERS = frozenset("\u115f\u1160\u3164\uffa0\u2800\u034f\u17b4\u17b5") | {chr(code) for code in range(0xFE00, 0xFE10)}


def normalize_username(name: str, existing: Iterable[str]) -> str:
    """Return the normalized name (NFKC) under which a new user is stored.

    Args:
        name: as entered.
        existing: the names of all users.

    Raises:
        InvalidInput: it has invisible characters, mixes scripts whose letters look alike, or differs from the name of
            another user only in case or in invisible characters.
    """
    normal = unicodedata.normalize("NFKC", check_name("The user", name))
    if problem := _problem(normal):
        raise InvalidInput(f"Invalid username {name!r}: {problem}.")
    skeleton = _skeleton(normal)
    if any(_skeleton(user) == skeleton for user in existing if user != normal):
        raise InvalidInput(f"Invalid username {name!r}: it is too similar to another user's.")
    return normal


def to_nfc(name: str) -> str:
    """Return the name in NFC, which is the same text; NFKC would turn some names into others."""
    return unicodedata.normalize("NFC", name)


def check_new_username(name: str, existing: Iterable[str]) -> None:
    """Check the name of a new user who will sign in with it again, so that it can't be stored in another form.

    Raises:
        InvalidInput: as `normalize_username`, or its NFKC is another name, which may be another user's.
    """
    normal = normalize_username(name, existing)
    if normal != to_nfc(name):
        raise InvalidInput(
            f"Invalid username {name!r}: it is not normalized (NFKC). Use {normal!r} if that is the user you mean."
        )


def invalid_usernames(existing: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield the existing users whose names a new user could not have, in their order, each with the reason."""
    first: dict[str, str] = {}
    for user in existing:
        other = first.setdefault(_skeleton(user), user)
        if problem := _problem(user):
            yield user, problem
        elif other != user:
            yield user, f"it is too similar to {other!r}"


def _problem(name: str) -> str | None:
    if any(unicodedata.category(character) in _INVISIBLE or character in _FILLERS for character in name):
        return "it contains invisible characters"
    scripts = {_script(character) for character in name if character.isalpha()} - {"MODIFIER"}
    if len(scripts) > 1 and not any(scripts <= together for together in _COMBINED_SCRIPTS):
        return f"it mixes letters from several scripts ({', '.join(sorted(scripts)).lower()})"
    if not unicodedata.is_normalized("NFKC", name):
        return "it is not normalized (NFKC)"
    return None


def _script(letter: str) -> str:
    """Return a letter's script, which is the first word of its Unicode name."""
    script = unicodedata.name(letter, "UNKNOWN").partition(" ")[0].partition("-")[0]
    return "CJK" if script == "IDEOGRAPHIC" else script  # as in 佐々木


def _skeleton(name: str) -> str:
    """Return a key that is equal for names that look the same or differ only in case."""
    seen = (c for c in unicodedata.normalize("NFKC", name) if unicodedata.category(c) not in _INVISIBLE)
    shown = "".join(character for character in seen if character not in _FILLERS).strip()
    return unicodedata.normalize("NFKC", shown.casefold())
