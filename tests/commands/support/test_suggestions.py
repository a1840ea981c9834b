"""Suggestions for misspelled names: close ones, and never a destructive one for a word that may mean something else."""

import re
from itertools import combinations

import pytest
from typer.main import get_command

from botchat.cli import app
from botchat.commands.support.help_text import leaf_commands, summary
from botchat.commands.support.suggestions import DESTRUCTIVE, similar, similar_options, suggestion

ROOT = get_command(app)
COMMANDS = [command for _, command in leaf_commands(ROOT)]
GROUPS = [ROOT, *(command for command in ROOT.commands.values() if hasattr(command, "commands"))]
OTHER_WORDS = (  # noqa: SIM905  (a list of them is 40 lines long)
    "edit remove rm drop erase clear clean react reduce detect select elect prone purge purges revise review revert "
    "provoke redo reduct credit reset relate defeat debate enable unable stable disc password pass word pin prompt "
    "yield yet pure quote report require sign"
).split()


def distance(a: str, b: str) -> int:
    """Return the number of insertions, deletions, replacements and swaps of neighbors from one word to another."""
    rows = [[*range(len(b) + 1)]]
    for i, x in enumerate(a, 1):
        row = [i]
        for j, y in enumerate(b, 1):
            row.append(min(rows[-1][j] + 1, row[-1] + 1, rows[-1][j - 1] + (x != y)))
            if i > 1 and j > 1 and (x, y) == (b[j - 2], a[i - 2]):
                row[-1] = min(row[-1], rows[-2][j - 2] + 1)
        rows.append(row)
    return rows[-1][-1]


def typed_words() -> set[str]:
    """Return the names of the whole program, the same without one or two letters, and other words."""
    names = {name for group in GROUPS for name in group.commands}
    names |= {option.strip("-") for command in COMMANDS for each in command.params for option in each.opts}
    shorter = {
        "".join(letter for place, letter in enumerate(name) if place not in removed)
        for name in names | {name.strip("-") for name in DESTRUCTIVE}
        for removed in [*combinations(range(len(name)), 1), *combinations(range(len(name)), 2)]
    }
    return {*names, *shorter, *OTHER_WORDS} - {""}


def test_a_destructive_name_is_suggested_only_one_typing_error_away():
    for word in typed_words():
        for group in GROUPS:
            found = similar(word, group.commands)
            assert [name for name in found if name in DESTRUCTIVE and distance(word, name) > 1] == [], word
        for command in COMMANDS:
            found = similar_options(f"--{word}", command)
            assert [name for name in found if name in DESTRUCTIVE and distance(word, name.strip("-")) > 1] == [], word


def test_the_destructive_names_are_those_whose_help_says_it():
    says = re.compile(
        r"\b(delete|permanently|revoke|disable\b|without sign-in|redact|repair|skip the confirm)", re.IGNORECASE
    )
    commands = {command.name for command in COMMANDS if says.search(summary(command))}
    options = {
        option
        for command in COMMANDS
        for each in command.params
        for option in each.opts
        if option.startswith("--") and each.is_flag and says.search(each.help or "")
    }
    assert commands | options <= DESTRUCTIVE
    assert {"delete", "prune", "redact", "revoke", "--purge", "--yes"} <= commands | options


@pytest.mark.parametrize(
    ("word", "found"),
    [
        ("lst", ["list"]),
        ("lits", ["list"]),
        ("ls", ["list"]),
        ("shwo", ["show"]),
        ("delte", ["delete"]),
        ("deletee", ["delete"]),
        ("edit", []),
        ("remove", []),
        ("xyz", []),
    ],
)
def test_a_misspelled_command_is_recognized(word, found):
    assert similar(word, ROOT.commands["sessions"].commands) == found


def test_the_known_names_are_listed_if_none_is_close():
    assert suggestion("lokal", ["local", "demo"]) == "Did you mean local?"
    assert suggestion("xyz", ["local", "demo"]) == "Available: demo, local."
