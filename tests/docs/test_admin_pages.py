"""docs/admin/serve.md: its processes have the ports that nginx has, and its containers get commands that exist."""

import os
import re
import shlex
import subprocess

from support.docs.documents import blocks
from support.paths import DOCS, ROOT
from typer.main import get_command

from botchat.cli import app

SERVE = DOCS / "admin" / "serve.md"


def shell_blocks() -> list[str]:
    return [block.text.replace("\\\n", " ") for block in blocks(SERVE) if block.language == "sh"]


def check_command(arguments: list[str]) -> None:
    """Check that the command line accepts these arguments."""
    command = get_command(app)
    while hasattr(command, "commands"):
        command, arguments = command.commands[arguments[0]], arguments[1:]
    command.make_context("botchat", arguments)


def test_the_page_starts_a_process_on_each_port_that_nginx_has(tmp_path):
    (start,) = [text for text in shell_blocks() if "botchat web --port" in text]
    program = tmp_path / "botchat"
    program.write_text(f'#!/bin/sh\necho "$*" >> {tmp_path}/started\n')
    program.chmod(0o755)
    environment = {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    subprocess.run(["bash", "-euc", f"{start}\nwait"], env=environment, check=True)
    started = [line.split() for line in (tmp_path / "started").read_text().splitlines()]
    for arguments in started:
        check_command(arguments)
    upstreams = re.findall(r"^upstream botchat_(\w+) \{(.*?)^\}", SERVE.read_text(), re.MULTILINE | re.DOTALL)
    wanted = [
        [name, "--port", port] for name, servers in upstreams for port in re.findall(r"server [\d.]+:(\d+);", servers)
    ]
    assert sorted(started) == sorted(wanted)


def test_the_containers_get_commands_that_exist():
    text = "\n".join(shell_blocks())
    found = re.findall(r"docker (?:run .* botchat|compose run --rm web1) (.*)", text)
    assert [each.split()[0] for each in found] == ["web", "users"]
    for each in found:
        check_command(shlex.split(each))


def test_the_commands_name_files_that_exist():
    named = re.findall(r"\bdeploy/[\w./*@-]+", "\n".join(shell_blocks()))
    assert named
    assert [path for path in named if not list(ROOT.glob(path))] == []
