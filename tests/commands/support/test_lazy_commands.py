"""Commands that are imported when they are used: their lists are right without them."""

import subprocess
import sys

import pytest
from typer.main import get_command

from botchat.cli import app
from botchat.commands.support.help_text import summary


def all_groups(group):
    yield group
    for each in group.commands.values():
        if hasattr(each, "commands"):
            yield from all_groups(each)


@pytest.mark.parametrize("group", list(all_groups(get_command(app))), ids=lambda group: group.name)
def test_a_list_of_commands_has_the_first_sentence_of_the_help_of_each(group):
    assert {name: group.commands.summary(name) for name in group.commands} == {
        name: summary(each) for name, each in group.commands.items()
    }
    assert [each.name for each in group.commands.values()] == list(group.commands)


@pytest.mark.parametrize(
    ("arguments", "imported"),
    [
        (["--help"], ["help_topics"]),
        (["sessions", "--help"], []),
        (["tokens", "list", "--help"], ["tokens"]),
    ],
)
def test_only_the_command_that_runs_is_imported(arguments, imported):
    code = (
        "import sys\nfrom botchat.cli import run\ntry: run(sys.argv[1:])\nfinally: print(*sys.modules, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True)
    names = [name.removeprefix("botchat.commands.") for name in done.stderr.split() if "botchat.commands." in name]
    assert [name for name in names if not name.startswith(("support", "output"))] == imported
    assert ("botchat.core.models" in done.stderr.split()) == ("tokens" in imported)


def test_a_command_can_be_added_and_removed():
    commands = get_command(app).commands
    assert "ask" in commands
    size = len(commands)
    commands["question"] = commands["ask"]
    assert (len(commands), list(commands)[-1], commands.summary("question")) == (size + 1, "question", None)
    del commands["question"], commands["ask"]
    assert ("ask" in commands, commands.get("ask"), len(commands)) == (False, None, size - 1)
    with pytest.raises(KeyError):
        del commands["question"]
