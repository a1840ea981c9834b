"""Suggests the name that a misspelled one stands for. The only module that decides what may be suggested.

A command or an option that deletes data or revokes access is suggested only for a name that is one typing error away:
a suggestion is often accepted without reading it.
"""

import difflib
from collections.abc import Iterable, Mapping
from typing import Any

DESTRUCTIVE = frozenset(
    {"delete", "disable", "passwd", "prune", "redact", "revoke"}
    | {"--no-sign-in", "--on-conflict", "--purge", "--quotes", "--repair", "--yes"}
)
"""The commands and options that are suggested only for a name that is one typing error away."""

_SYNONYMS: Mapping[str, str] = {
    "cat": "show",
    "chat": "tui",
    "find": "search",
    "get": "show",
    "info": "show",
    "ls": "list",
    "new": "add",
    "open": "show",
    "server": "api",
    "status": "doctor",
    "version": "--version",
    "view": "show",
}
"""What other programs call a command or an option, and botchat's name for it."""

_CUTOFF = 0.7


def suggestion(word: str, known: Iterable[str]) -> str:
    """Return a sentence with the known names close to a misspelled one, or with all of them."""
    names = sorted(known)
    return did_you_mean(similar(word, names)) or f"Available: {', '.join(names)}."


def did_you_mean(names: Iterable[str]) -> str:
    """Return a question with names, or "" if there are none."""
    listed = " or ".join(names)
    return f"Did you mean {listed}?" if listed else ""


def similar(word: str, known: Iterable[str]) -> list[str]:
    """Return at most two known names close to a misspelled one; dashes and case don't count."""
    names = list(known)
    plain = word.lstrip("-").lower()
    if (synonym := _SYNONYMS.get(plain)) in names:
        return [str(synonym)]
    by_text = {name.lstrip("-").lower(): name for name in names}
    close = [by_text[text] for text in difflib.get_close_matches(plain, by_text, n=2, cutoff=_CUTOFF)]
    return [name for name in close if name not in DESTRUCTIVE or _is_one_error_away(plain, name.lstrip("-"))]


def similar_options(option: str, command: Any) -> list[str]:
    """Return what an unknown option of a command could be: close names, or `-F json` for `--json`."""
    for parameter in command.params:
        if "-F" in parameter.opts and parameter.type_descriptor.is_choice:
            formats = {str(getattr(choice, "value", choice)) for choice in parameter.type_descriptor.choices}
            if option.lstrip("-") in formats:
                return [f"-F {option.lstrip('-')}"]
    return similar(option, [name for parameter in command.params for name in parameter.opts if name.startswith("--")])


def _is_one_error_away(word: str, name: str) -> bool:
    """Return whether one insertion, deletion, replacement or swap of neighbors turns a word into a name."""
    start = next((i for i, (a, b) in enumerate(zip(word, name, strict=False)) if a != b), min(len(word), len(name)))
    left, right = word[start:], name[start:]
    is_swap = left[:2] == right[1::-1] and left[2:] == right[2:]
    return left[1:] == right or left == right[1:] or left[1:] == right[1:] or is_swap
