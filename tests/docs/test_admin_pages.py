"""The blocks of docs/admin: commands run in order as printed, configurations load, and files that they name exist."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
import yaml
from support.paths import DOCS, ROOT
from typer.main import get_command

from botchat.cli import app
from botchat.settings import load_settings

PAGES = sorted((DOCS / "admin").glob("*.md"))
ELSEWHERE = re.compile(r"\b(docker|sudo|mongodump|mongorestore)\b")
"""Commands for a machine with root, a container engine or a remote server: only their syntax and files are checked."""

_BLOCK = re.compile(r"^( *)```(\w+)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
_BOTCHAT = """#!/bin/bash
# botchat as a person would run it: a password is typed, and a server is started and noted.
case "$1 $2" in
    "web "* | "api "*) printf '%s\\n' "$*" >> "$HOME/served"; exit ;;
    "users add" | "users passwd") exec {python} -m botchat "$@" <<< "correct horse battery" ;;
    *) exec {python} -m botchat "$@" ;;
esac
"""


def blocks(page: Path) -> list[tuple[str, str]]:
    """Return the language and the text of each block of a page, without its indent."""
    found = _BLOCK.findall(page.read_text(encoding="utf-8"))
    return [(language, textwrap.dedent(text)) for _, language, text in found]


def check_command(line: str) -> None:
    """Check that botchat's command line accepts these arguments."""
    command, arguments = get_command(app), shlex.split(line)
    while hasattr(command, "commands"):
        command = command.commands[arguments.pop(0)]
    command.make_context("botchat", arguments)


@pytest.fixture
def shell(tmp_path):
    """A function that runs a block with bash in a home of its own, and keeps what it exports."""
    command = tmp_path / "bin" / "botchat"
    command.parent.mkdir()
    command.write_text(_BOTCHAT.format(python=sys.executable))
    command.chmod(0o755)
    environment = {
        "HOME": str(tmp_path),
        "PATH": f"{command.parent}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "BOTCHAT_USER": "ann",
        "BOTCHAT_CONFIG": str(tmp_path / "config.toml"),
    }
    (tmp_path / "config.toml").touch()
    script: list[str] = []

    def run(block: str) -> subprocess.CompletedProcess[str]:
        exports = "\n".join(script)
        script.extend(line for line in block.splitlines() if line.startswith("export "))
        bash = ["bash", "-euo", "pipefail", "-c", f"{exports}\n{block}\nwait"]
        return subprocess.run(
            bash, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120, check=False
        )

    return run


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_commands_of_a_page_run_in_their_order(page, shell, tmp_path, request):
    written = blocks(page)
    if any("sqlite3 " in block for _, block in written) and shutil.which("sqlite3") is None:
        pytest.skip("no sqlite3 here")
    target = "mongodb://127.0.0.1/botchat"
    if any(target in block for _, block in written):
        server, database = request.getfixturevalue("mongod"), request.getfixturevalue("database")
        written = [(language, block.replace(target, f"{server.uri}/{database.name}")) for language, block in written]
    for language, block in written:
        if language == "toml":
            (tmp_path / "config.toml").write_text(block)
        if language == "sh" and not ELSEWHERE.search(block):
            done = shell(block)
            assert done.returncode == 0, (block, done.stdout, done.stderr)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_block_is_valid(page, tmp_path):
    for language, block in blocks(page):
        match language:
            case "sh":
                subprocess.run(["bash", "-n"], input=block, text=True, check=True)
            case "toml":
                path = tmp_path / "config.toml"
                path.write_text(block)
                load_settings({"BOTCHAT_CONFIG": str(path)})
            case "json":
                json.loads(block)
            case "yaml":
                yaml.safe_load(block)
            case _:
                assert language in {"nginx", "text"}  # tests/api/test_nginx.py runs nginx with the former


def test_the_servers_of_the_page_start_with_the_ports_that_nginx_has(shell, tmp_path):
    page = DOCS / "admin" / "serve.md"
    (start,) = [block for language, block in blocks(page) if language == "sh" and "botchat web --port" in block]
    done = shell(start)
    assert done.returncode == 0, done.stderr
    served = sorted((tmp_path / "served").read_text().splitlines())
    assert served == ["api --port 8601", "api --port 8602", "web --port 8501", "web --port 8502"]
    for line in served:
        check_command(line)


def test_commands_for_other_machines_name_files_that_exist_and_options_that_botchat_has():
    commands = [
        block for page in PAGES for language, block in blocks(page) if language == "sh" if ELSEWHERE.search(block)
    ]
    assert commands
    for block in commands:
        for path in re.findall(r"\bdeploy/[\w./*@-]+", block):
            assert list(ROOT.glob(path)), path
        joined = block.replace("\\\n", " ")
        for line in re.findall(r"docker run .* botchat (.*)|docker compose run --rm web1 (.*)", joined):
            check_command("".join(line))
    services = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))["services"]
    assert "web1" in services
