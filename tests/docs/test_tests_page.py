"""docs/contribute/tests.md and performance.md name files, fixtures and benchmarks that exist, and valid commands."""

import re
import shlex

import pytest
from support.paths import DOCS, ROOT

PAGE = (DOCS / "contribute" / "tests.md").read_text(encoding="utf-8")
PERFORMANCE = (DOCS / "contribute" / "performance.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```sh\n(.*?)```", PAGE + PERFORMANCE, re.DOTALL)
COMMANDS = [line for block in BLOCKS for line in block.splitlines() if not line.startswith("# ")]


def test_each_path_exists():
    paths = re.findall(r"`(tests/[\w/.]+|botchat/|[.]ci/run)`", PAGE)
    assert len(paths) > 20
    assert [path for path in paths if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_names_files_and_targets_that_exist(command):
    words = shlex.split(command)
    options = [word for part in words for word in shlex.split(part.partition("=")[2])] + words
    assert [
        word for word in options if word.startswith(("tests/", ".venv/", "benchmarks/")) and not (ROOT / word).exists()
    ] == []
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


def test_each_benchmark_exists():
    names = re.findall(r"--only (\w+)", PERFORMANCE)
    assert names
    assert [name for name in names if not (ROOT / "benchmarks" / f"{name}.py").exists()] == []
