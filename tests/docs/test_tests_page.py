"""docs/contribute/tests.md names files, folders and fixtures that exist, and commands that are valid."""

import re
import shlex

import pytest
from support.paths import DOCS, ROOT

PAGE = (DOCS / "contribute" / "tests.md").read_text(encoding="utf-8")
COMMANDS = [line for block in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL) for line in block.splitlines()]


def test_each_path_exists():
    paths = re.findall(r"`(tests/[\w/.]+|botchat/|[.]ci/run)`", PAGE)
    assert len(paths) > 20
    assert [path for path in paths if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("command", [line for line in COMMANDS if not line.startswith("# ")])
def test_each_command_names_files_and_targets_that_exist(command):
    words = shlex.split(command)
    options = [word for part in words for word in shlex.split(part.partition("=")[2])] + words
    assert [word for word in options if word.startswith(("tests/", ".venv/")) and not (ROOT / word).exists()] == []
    if words[0] == "make":
        assert f"\n{words[1]}:" in (ROOT / "Makefile").read_text(encoding="utf-8")


def test_each_fixture_and_fake_exists():
    conftest = (ROOT / "tests" / "conftest.py").read_text(encoding="utf-8")
    section = PAGE.partition("| fixture | gives |")[2].partition("\n\n")[0]
    assert [
        name for name in re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE) if f"def {name}(" not in conftest
    ] == []
    for name, path in re.findall(r"^\| `(\w+)` \| `(tests/[^`]+)` \|", PAGE, re.MULTILINE):
        assert re.search(rf"^(class|def) {name}\b", (ROOT / path).read_text(encoding="utf-8"), re.MULTILINE), name
