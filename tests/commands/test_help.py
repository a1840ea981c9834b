"""What all commands have in common: help, completion, exit codes, and one-line errors."""

import re
import signal
import subprocess
import sys

import pytest
from support.paths import ROOT
from support.shell import error_line, run_on_terminal
from typer.main import get_command

from botchat.cli import app
from botchat.commands.support import exit_codes
from botchat.core import errors
from botchat.core.urls import without_password


def leaf_commands(command, path="botchat"):
    """Yield every command with its path."""
    if not hasattr(command, "commands"):
        yield path, command
        return
    for name, below in command.commands.items():
        yield from leaf_commands(below, f"{path} {name}")


def test_every_commands_help_ends_with_an_example():
    without = [
        path
        for path, command in leaf_commands(get_command(app))
        if not re.match(f"Example: .*{path}", command.help.strip().splitlines()[-1])
    ]
    assert without == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["sesions"], "No such command 'sesions'. Did you mean 'sessions'? (botchat --help)"),
        (
            ["sessions", "list", "--afer", "x"],
            "No such option: --afer. Did you mean --after or --user? (botchat sessions list --help)",
        ),
        (["sessions", "show"], "Missing argument 'ID'. (botchat sessions show --help)"),
        (["sessions", "show", "a", "b"], "Got unexpected extra argument(s) (b) (botchat sessions show --help)"),
        (["sessions", "list", "--limit", "many"], "--limit"),
        (["bots", "list", "-F", "xml"], "'xml' is not one of 'table', 'tsv'"),
        (["help", "exitcodes"], "There is no topic 'exitcodes'. Did you mean exit-codes?"),
        (["bots", "test", "--all", "demo"], "not both"),
    ],
)
def test_a_mistake_is_told_on_one_line_with_what_was_perhaps_meant(local_shell, arguments, said):
    done = local_shell.run(*arguments)
    assert done.returncode == 2
    assert said in error_line(done)


@pytest.mark.parametrize("arguments", [["--help"], ["help", "formats"]])
def test_a_reader_who_goes_is_no_error_to_talk_about(local_shell, arguments):
    process = local_shell.start(*arguments)
    process.stdout.close()
    assert (process.stderr.read(), process.wait()) == (b"", 141)
    process.stderr.close()


CONFIRM_SCRIPT = """
import typer
from botchat.cli import app, run
@app.command()
def sure():
    typer.confirm("Sure?", err=True, abort=True)
run(["sure"])
"""


@pytest.mark.parametrize(("answer", "after"), [(b"n\n", b""), (b"", b"\n")])
def test_a_question_that_is_not_answered_with_yes_is_a_failure_in_a_line(answer, after):
    done = subprocess.run([sys.executable, "-c", CONFIRM_SCRIPT], input=answer, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (1, b"Sure? [y/N]:" + after + b"botchat: Nothing was done.\n")


def test_ctrl_c_at_a_question_is_told_from_a_no():
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", CONFIRM_SCRIPT], **pipes) as process:
        assert process.stderr.read(12) == b"Sure? [y/N]:"
        process.send_signal(signal.SIGINT)
        assert process.stderr.read() == b"\nbotchat: Nothing was done.\n"
    assert process.returncode == 130


def test_a_group_without_a_command_says_what_there_is(local_shell):
    done = local_shell.run("bots")
    assert (done.returncode, done.stderr, "list" in done.stdout) == (2, "", True)


def test_help_explains_its_topics(local_shell):
    topics = [line.split()[0] for line in local_shell.run("help").stdout.splitlines()]
    assert topics == ["exit-codes", "environment", "formats", "ids", "store"]
    for topic in topics:
        done = local_shell.run("help", topic)
        assert (done.returncode, done.stderr) == (0, "")
        assert max(map(len, done.stdout.splitlines())) < 80


def test_every_error_has_an_exit_code_that_help_explains(local_shell):
    explained = {int(line.split()[0]) for line in local_shell.run("help", "exit-codes").stdout.splitlines()}
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, Exception)]
    codes = {exit_codes.exit_code(kind.__new__(kind)) for kind in kinds}
    assert codes <= explained
    assert explained == {0, 1, 2, 3, 4, 5, 6, 7, 130, 141, 143}


def test_reading_commands_make_no_file_of_a_misspelt_name(local_shell, tmp_path):
    typo = tmp_path / "typo.db"
    for command in (["list"], ["show", "x"], ["export", "x"]):
        done = local_shell.run("sessions", *command, "--store", f"sqlite:///{typo}")
        assert done.returncode == 5
        assert error_line(done) == f"botchat: {typo} not found. Check --store.\n"
    assert not typo.exists()


# Completion


COMPLETION_SCRIPT = """
eval "$(botchat completion bash)"
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
_botchat_completion botchat
printf '%s\n' "${COMPREPLY[@]}"
"""


@pytest.fixture
def completed(local_shell, tmp_path):
    """Return a function that presses Tab in bash after some words and returns the completions."""
    program = tmp_path / "bin" / "botchat"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nPYTHONPATH={ROOT} exec {sys.executable} -m botchat "$@"\n')
    program.chmod(0o755)

    def press(*words: str) -> list[str]:
        environment = local_shell.environment | {"PATH": f"{program.parent}:{local_shell.environment['PATH']}"}
        command = ["bash", "--norc", "-c", COMPLETION_SCRIPT, "bash", *words]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        assert done.stderr == ""
        return done.stdout.split()

    return press


def test_bash_completes_commands_and_options(completed):
    assert completed("botchat", "sess") == ["sessions"]
    assert completed("botchat", "sessions", "re") == ["rename", "redact", "restore"]
    assert completed("botchat", "config", "show", "--fo") == ["--format"]


def test_bash_completes_the_names_of_bots_and_is_silent_about_a_config_with_a_mistake(completed, local_shell):
    local_shell.configure("[bots.local]\nmodel = 'm'\n[bots.lisa]\nmodel = 'm'")
    assert completed("botchat", "ask", "-b", "l") == ["local", "lisa"]
    local_shell.configure("mistake")
    assert completed("botchat", "bots", "show", "") == []


def test_the_script_is_for_the_shell_one_is_in(local_shell):
    local_shell.environment["SHELL"] = "/usr/bin/fish"
    guessed = local_shell.run("completion")
    assert (guessed.returncode, guessed.stderr) == (0, "")
    assert guessed.stdout == local_shell.run("completion", "fish").stdout
    assert "--command botchat" in guessed.stdout
    local_shell.environment["SHELL"] = "/bin/dash"
    done = local_shell.run("completion")
    assert (done.returncode, "bash|zsh|fish|powershell" in error_line(done)) == (2, True)


def test_what_is_longer_than_a_narrow_terminal_is_shown_whole_where_it_matters(local_shell, store):
    words = " ".join(["Q" * 100, *(f"word{n}" for n in range(40))])
    local_shell.configure(f"[bots.a]\nbase_url = 'http://127.0.0.1:1/v1'\nsystem = '{words}'")
    for command in (["bots", "show", "a"], ["config", "show"]):
        shown = re.sub(r"\x1b\[\d+m", "", run_on_terminal(local_shell, *command, columns=60))
        assert shown.count("Q") == 100
        assert all(f"word{n}" in shown for n in range(40))
        assert max(len(line.rstrip()) for line in shown.splitlines()) <= 60


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("/home/ann/my?file@home.db", "/home/ann/my?file@home.db"),
        ("sqlite:////a@b.db", "sqlite:////a@b.db"),
        ("mongodb://h:1/x", "mongodb://h:1/x"),
        ("mongodb://ann@h/x", "mongodb://***@h/x"),
        ("mongodb://ann:geheim@h/x?a=geheim", "mongodb://ann:***@h/x"),
        ("mongodb://ann:ge@heim@h/x", "mongodb://ann:***@h/x"),
        ("mongodb://ann:ge?heim@h/x", "mongodb://***"),
        ("mongodb://h/x?tlsCertificateKeyFilePassword=ge@heim", "mongodb://***"),
    ],
)
def test_an_address_is_shown_without_anything_that_may_be_secret(address, shown):
    assert without_password(address) == shown
