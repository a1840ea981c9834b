"""The man pages that `make man` writes: one for each command, and each is one that groff formats without a warning."""

import os
import re
import shutil
import subprocess
import sys

import pytest
from support.paths import DOCS, ROOT


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("man")
    command = [sys.executable, DOCS / "scripts" / "man_pages.py", folder]
    done = subprocess.run(
        command, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    return folder / "man1"


@pytest.fixture(scope="module")
def formatted(folder):
    if shutil.which("groff") is None:
        pytest.skip("no groff here")

    def read(name: str) -> str:
        command = ["groff", "-man", "-Tutf8", "-Kutf8", "-ww", "-P-cbou", "-rLL=100n", folder / f"{name}.1"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout

    return read


def test_there_is_a_page_for_each_command(folder):
    names = {path.stem for path in folder.iterdir()}
    listed = re.findall(
        r"^\| \[`(botchat .+?)`\]", (DOCS / "reference" / "cli" / "index.md").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert listed
    assert {name.replace(" ", "-") for name in listed} <= names
    assert "botchat" in names


def test_every_page_is_formatted_without_a_warning(folder, formatted):
    for path in folder.iterdir():
        assert "NAME" in formatted(path.stem)


def test_a_page_tells_how_the_command_is_typed_and_what_its_options_do(formatted):
    text = formatted("botchat-sessions-export")
    assert "botchat sessions export [OPTIONS]" in text
    assert re.search(r"^ +--store ADDRESS$", text, re.MULTILINE)
    assert "EXAMPLE" in text


def test_the_page_of_botchat_has_the_commands_the_exit_codes_and_the_environment(formatted):
    text = formatted("botchat")
    assert "botchat-sessions-list(1)" in text
    for title in ("EXIT CODES", "ENVIRONMENT", "STORAGE"):
        assert f"\n{title}\n" in text
    assert "sqlite:////home/ann/botchat.db" in text
