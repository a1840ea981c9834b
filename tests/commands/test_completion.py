"""What a shell is answered at Tab: sessions, users, tokens, bots and columns, and nothing that it could run."""

import re
import shutil
import subprocess
import sys

import pytest
from support.stores.sessions import stored

HOSTILE = [
    "$(touch pwned)",
    "`touch pwned`",
    'a" ; touch pwned ; "',
    "a' ; touch pwned ; '",
    "a\\",
    "b)) ; touch pwned",
]


@pytest.fixture
def tab(local_shell):
    """Press Tab in bash behind these words; the last one is the one that is being typed."""

    def press(*words: str) -> list[str]:
        local_shell.environment |= {
            "_BOTCHAT_COMPLETE": "complete_bash",
            "COMP_WORDS": " ".join(["botchat", *words]),
            "COMP_CWORD": str(len(words)),
        }
        done = local_shell.run()
        assert (done.returncode, done.stderr) == (0, "")
        return [line for line in done.stdout.splitlines() if line]

    return press


def test_sessions_are_completed_by_id_and_by_name(tab, local_repository):
    heron = stored(local_repository, name="Heron lake")
    other = stored(local_repository, name="Budget")
    stored(local_repository, user="bob", name="Heron of bob")
    assert tab("sessions", "show", "Her") == ["Heron\\ lake"]
    assert tab("sessions", "show", heron.id[:6]) == [heron.id]
    assert tab("sessions", "delete", other.id, heron.id[:6]) == [heron.id]
    assert tab("ask", "--session", "Heron\\ l") == ["Heron\\ lake"]
    assert tab("sessions", "show", "--user", "bob", "Her") == ["Heron\\ of\\ bob"]
    assert {heron.id, other.id, "Budget"} <= set(tab("sessions", "export", ""))


def test_users_and_tokens_are_completed(tab, local_shell, local_repository):
    stored(local_repository, user="anton")
    shown = local_shell.run("tokens", "create", "anna", "--name", "laptop")
    token = re.search(r"tokens revoke (\w+)", shown.stderr)[1]
    assert tab("users", "show", "an") == ["anna", "anton"]
    assert tab("sessions", "list", "--user", "ant") == ["anton"]
    assert tab("tokens", "list", "--user", "ann") == ["anna"]
    assert tab("tokens", "revoke", token[:4]) == [token]


def test_bots_and_columns_are_completed(tab, local_shell):
    local_shell.configure('[bots.local]\nmodel = "x"\n')
    assert tab("ask", "-b", "lo") == ["local"]
    assert tab("sessions", "list", "--fields", "cr") == ["create_time"]
    assert tab("sessions", "list", "--fields", "id,name,na") == []
    assert tab("users", "list", "--fields", "user,se") == ["user,sessions"]
    assert tab("doctor", "--fields", "ad") == ["advice"]


def test_each_list_completes_its_own_columns(tab, local_shell, local_repository):
    stored(local_repository)
    for command in (["sessions", "list"], ["sessions", "search", "message"], ["sessions", "stats", "--by", "bot"]):
        columns = set(tab(*command, "--fields", ""))
        del local_shell.environment["_BOTCHAT_COMPLETE"]
        head = local_shell.run(*command, "-F", "csv").stdout.splitlines()[0]
        assert set(head.split(",")) <= columns


def test_without_a_store_or_with_a_mistake_there_is_nothing_and_nothing_is_made(tab, local_shell, tmp_path):
    before = set(tmp_path.rglob("*"))
    assert tab("sessions", "show", "x") == []
    del local_shell.environment["BOTCHAT_STORE"]
    assert tab("sessions", "show", "x") == []
    assert set(tmp_path.rglob("*")) == before
    local_shell.environment["BOTCHAT_STORE"] = "mongodb://127.0.0.1:1/x"
    assert tab("sessions", "show", "x") == []
    local_shell.configure("stor = 'x'")
    assert tab("users", "show", "x") == []


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_that_a_shell_could_run_is_not_answered(local_shell, local_repository, name):
    session = stored(local_repository, name=name)
    for kind, arguments in (("zsh", {"_TYPER_COMPLETE_ARGS": "botchat sessions show "}), ("fish", {})):
        local_shell.environment |= {"_BOTCHAT_COMPLETE": f"complete_{kind}", "_TYPER_COMPLETE_FISH_ACTION": "get-args"}
        local_shell.environment |= arguments
        done = local_shell.run()
        assert session.id in done.stdout
        assert set("$`\\;") & set(done.stdout) == set()
        assert name not in done.stdout


def test_the_script_for_bash_completes_a_name_with_a_space(local_shell, local_repository, tmp_path):
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("no bash here")
    stored(local_repository, name="Heron lake")
    program = tmp_path / "bin" / "botchat"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m botchat "$@"\n')
    program.chmod(0o755)
    local_shell.environment["PATH"] = f"{program.parent}:{local_shell.environment['PATH']}"
    script = local_shell.run("completion", "bash").stdout
    press = 'COMP_WORDS=(botchat sessions show Her); COMP_CWORD=3; _botchat_completion botchat; echo "${COMPREPLY[@]}"'
    done = subprocess.run(
        [bash, "--norc", "-c", f"{script}\n{press}"],
        env=local_shell.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("Heron\\ lake\n", "")
