"""The targets of the Makefile for users, in a clone whose virtual environment is there already."""

import os
import shutil
import subprocess

import pytest
from support.paths import ROOT

COMMAND = """#!/bin/sh
echo "botchat $*"
"""


class Clone:
    """A folder with the Makefile and a stand-in for the installed command, and a home of its own."""

    def __init__(self, folder):
        self.folder = folder / "a clone"
        self.home = folder / "home"
        self.command = self.folder / ".venv" / "bin" / "botchat"
        self.link = self.home / ".local" / "bin" / "botchat"
        self.command.parent.mkdir(parents=True)
        self.home.mkdir()
        self.command.write_text(COMMAND)
        self.command.chmod(0o755)
        for name in ("Makefile", "pyproject.toml"):
            shutil.copy(ROOT / name, self.folder)
        for name in ("made", "installed"):
            (self.folder / ".venv" / name).touch()

    def make(self, *arguments, path=""):
        environment = {"HOME": str(self.home), "PATH": path + os.environ["PATH"]}
        command = ["make", "--no-print-directory", *arguments]
        return subprocess.run(
            command, cwd=self.folder, env=environment, capture_output=True, text=True, timeout=60, check=False
        )


@pytest.fixture
def clone(tmp_path):
    if shutil.which("make") is None:
        pytest.skip("no make here")
    return Clone(tmp_path)


@pytest.mark.parametrize("target", ["web", "api"])
def test_it_prints_how_to_run_the_command_and_serves(clone, target):
    done = clone.make(target, "ARGS=--port 0")
    assert done.stdout.splitlines() == [
        f"In another terminal: {clone.command} --help (or just botchat, after make install)",
        f"botchat {target} --port 0",
    ]


def test_the_command_is_linked_and_works_by_its_name(clone):
    done = clone.make("install")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        f"Linked: {clone.link} -> {clone.command}",
        f"{clone.link.parent} is not on your PATH. Add it, then run: botchat --help",
    ]
    assert clone.link.readlink() == clone.command
    again = clone.make("install", path=f"{clone.link.parent}:")
    assert again.stdout.splitlines() == [f"Linked: {clone.link} -> {clone.command}"]
    shown = clone.make("web", path=f"{clone.link.parent}:").stdout
    assert shown.startswith("In another terminal: botchat --help\n")


def test_the_link_can_go_elsewhere(clone, tmp_path):
    assert clone.make("install", f"BINDIR={tmp_path / 'bin'}").returncode == 0
    assert (tmp_path / "bin" / "botchat").readlink() == clone.command
    assert not clone.link.exists()


def identity(path):
    stat = path.lstat()
    return stat.st_ino, stat.st_size, stat.st_mtime_ns


@pytest.mark.parametrize("kind", ["file", "link", "dangling link", "folder"])
def test_nothing_foreign_is_overwritten_or_removed(clone, kind, tmp_path):
    clone.link.parent.mkdir(parents=True)
    match kind:
        case "file":
            clone.link.write_text("mine")
        case "folder":
            clone.link.mkdir()
        case "link":
            (tmp_path / "other").touch()
            clone.link.symlink_to(tmp_path / "other")
        case _:
            clone.link.symlink_to(tmp_path / "nowhere")
    before = identity(clone.link)
    done = clone.make("install")
    assert done.returncode != 0
    assert f"{clone.link} already exists and is not a link to this clone" in done.stderr
    assert "nothing to remove" in clone.make("uninstall").stdout
    assert identity(clone.link) == before


def test_the_link_is_removed(clone):
    clone.make("install")
    assert clone.make("uninstall").stdout == f"Removed: {clone.link}\n"
    assert not clone.link.is_symlink()


def test_the_docs_are_built_with_warnings_as_errors_and_served_on_this_machine(clone):
    shown = clone.make("--dry-run", "docs", "DOCS_PORT=8123").stdout
    assert shown.index("docs/scripts/reference.py") < shown.index("sphinx-build -W --keep-going -n ")
    assert "http://127.0.0.1:8123/" in shown
    assert "http.server --bind 127.0.0.1 --directory build/docs '8123'" in shown
    assert "http.server" not in clone.make("--dry-run", "docs-build").stdout
