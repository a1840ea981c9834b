"""What all commands have in common: help, completion, exit codes, and one-line errors."""

import re
import shlex
import signal
import subprocess
import sys

import pytest
from support.environment import environment
from support.paths import ROOT
from support.shell import error_line, run_on_terminal
from typer.main import get_command

from botchat.cli import app
from botchat.commands.help_topics import TOPICS
from botchat.commands.support import exit_codes
from botchat.commands.support.help_text import example, leaf_commands
from botchat.core import errors
from botchat.core.urls import without_password


def command_paths(command, path=()):
    """Yield the words of every command and group, such as ("sessions", "list")."""
    if path:
        yield path
    for name, below in getattr(command, "commands", {}).items():
        yield from command_paths(below, (*path, name))


@pytest.fixture
def printed(capsys):
    """Return a function that runs a command in this process and returns what it prints."""

    def run(*arguments: str) -> str:
        with environment(COLUMNS="80"):
            app(args=list(arguments), prog_name="botchat", standalone_mode=False)
        return capsys.readouterr().out

    return run


VERBS = set(
    "Add Archive Ask Change Chat Check Clear Copy Create Delete Disable Enable Export Follow Import List Manage Move "  # noqa: SIM905
    "Permanently Pin Print Rate Rename Restore Revoke Search Serve Show Test Unarchive Unpin".split()
)
COMMANDS = [*command_paths(get_command(app))]


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_help_prints_what_the_option_prints(printed, path):
    assert printed("help", *path) == printed(*path, "--help")


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_a_commands_help_is_plain_words_of_80_columns(printed, path):
    text = printed(*path, "--help")
    assert re.search(r"<|\{|\blist\[|\[[a-z]+\]\.\.\.|…|Without it", text) is None
    assert max(map(len, text.splitlines())) < 80
    words = re.search(r"\nUsage: .*\n\n  (\w+)", f"\n{text}")[1]
    assert words in VERBS


def test_every_commands_help_has_an_example_of_it():
    without = [
        path
        for path, command in leaf_commands(get_command(app))
        if not re.search(rf"(^|\| ){path}\b", example(command))
    ]
    assert without == []


def test_every_example_is_a_command_line_that_can_be_read():
    root = get_command(app)
    for _, command in leaf_commands(root):
        for part in re.split(r" \| | > \S+", example(command)):
            words = shlex.split(part)
            if words[:1] == ["botchat"]:
                name, below = words[1], root.commands[words[1]]
                rest = words[2:]
                if hasattr(below, "commands"):
                    name, below, rest = rest[0], below.commands[rest[0]], rest[1:]
                below.make_context(name, rest)  # an unknown option or a missing argument is an error


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["sesions"], "No such command 'sesions'. Did you mean sessions? Try 'botchat --help' for help."),
        (
            ["sessions", "list", "--afer", "x"],
            "No such option: --afer. Did you mean --after? Try 'botchat sessions list --help' for help.",
        ),
        (
            ["sessions", "show"],
            "Missing argument ID. A session's ID, the start of it, its name, @last or @1 (botchat help ids). Try",
        ),
        (["sessions", "show", "a", "b"], "Unexpected argument: b. Try 'botchat sessions show --help' for help."),
        (["sessions", "list", "--limit", "many"], "Invalid value for '--limit' / '-n': not an integer. Try"),
        (["version"], "No such command 'version'. Did you mean --version? Try"),
        (["sessions", "list", "--json"], "No such option: --json. Did you mean -F json? Try"),
        (["sessions", "edit", "@1"], "No such command 'edit'. Try"),
        (["redact"], "No such command 'redact'. Try"),
        (["users", "export", "ann"], "Missing option --output FILE. Output file; - is stdout. Try"),
        (["bots", "list", "-F", "xml"], "'xml' is not one of 'table', 'tsv'"),
        (["help", "exitcodes"], "No help for 'exitcodes'. Did you mean exit-codes?\n"),
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
    assert (done.returncode, done.stderr) == (1, b"Sure? [y/N]:" + after + b"botchat: Canceled. Nothing was changed.\n")


def test_ctrl_c_at_a_question_is_told_from_a_no():
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", CONFIRM_SCRIPT], **pipes) as process:
        assert process.stderr.read(12) == b"Sure? [y/N]:"
        process.send_signal(signal.SIGINT)
        assert process.stderr.read() == b"\nbotchat: Canceled. Nothing was changed.\n"
    assert process.returncode == 130


def test_a_group_without_a_command_says_what_there_is(local_shell):
    done = local_shell.run("bots")
    assert (done.returncode, done.stderr, "list" in done.stdout) == (2, "", True)


def test_help_explains_its_topics(local_shell):
    assert [topic.name for topic in TOPICS] == ["exit-codes", "environment", "formats", "ids", "storage"]
    listed = local_shell.run("help").stdout
    assert listed == local_shell.run("--help").stdout
    for topic in TOPICS:
        assert re.search(rf"^  {topic.name} +{topic.summary}$", listed, re.MULTILINE)
        done = local_shell.run("help", topic.name)
        assert (done.returncode, done.stderr, done.stdout) == (0, "", topic.text)
        assert max(map(len, done.stdout.splitlines())) < 80


def test_a_topic_has_no_name_of_a_command():
    assert {topic.name for topic in TOPICS} & set(get_command(app).commands) == set()


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
