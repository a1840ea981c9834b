"""Every command on a store with damaged sessions: it reports them, and does its work for all others."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from support.shell import error_line
from support.stores.damage import (
    OF_FILE,
    WRONG,
    big_file,
    change_message,
    damage_document,
    damage_rows,
    overwrite_page,
    pages_of,
)
from support.stores.sessions import stored, user_says

from botchat.bootstrap import build_repository

START = datetime(2026, 1, 1, tzinfo=UTC)
SOUND_SESSIONS = ["sound-0", "sound-1"]


@pytest.fixture
def damaged(request, repository_at, address, tmp_path):
    """Store damaged sessions of ann beside two sound ones; return the ids of the damaged."""
    is_file = address.endswith(".db")
    damages = OF_FILE if is_file else WRONG
    for i, session_id in enumerate([*SOUND_SESSIONS, *damages]):
        stored(repository_at, id=session_id, messages=2, create_time=START + timedelta(minutes=i))
    for session_id, changes in damages.items():
        if is_file:
            damage_rows(tmp_path / "botchat.db", session_id, changes)
        else:
            damage_document(request.getfixturevalue("database"), session_id, changes)
    if is_file:
        stored(repository_at, id="a bad byte", messages=2)
        change_message(
            tmp_path / "botchat.db", "a bad byte", lambda stored: stored.replace(b"message 0", b"\xffessage 0")
        )
    return [*damages, *(["a bad byte"] if is_file else [])]


def test_every_command_does_its_work_for_the_other_sessions(shell, damaged, tmp_path):
    whole = {
        ("sessions", "list", "-n", "100"): 0,
        ("sessions", "list", "--all-users", "-F", "json", "-n", "100"): 0,
        ("sessions", "search", "essage", "-n", "100"): 0,
        ("sessions", "export", "--all", "-F", "jsonl"): 7,
        ("sessions", "export", "--all", "-F", "md"): 7,
        ("sessions", "export", "--all", "-F", "html"): 7,
        ("sessions", "show", "sound-0", "-F", "json"): 0,
        ("store", "check"): 7,
    }
    for command, code in whole.items():
        done = shell.run(*command)
        assert (done.returncode, "Traceback" in done.stderr) == (code, False), (command, done.stderr)
        assert command[:2] == ("store", "check") or "sound-0" in done.stdout, command
        assert code != 7 or all(name in done.stdout + done.stderr for name in damaged)
    for command in (["sessions", "stats"], ["users", "list"], ["users", "show", "ann"], ["store", "info"], ["doctor"]):
        done = shell.run(*command)
        assert (done.returncode, "Traceback" in done.stderr) == (0, False), (command, done.stderr)
    done = shell.run("users", "export", "ann", "-o", str(tmp_path / "ann.jsonl"))
    assert done.returncode == 7
    exported = {json.loads(line)["id"] for line in (tmp_path / "ann.jsonl").read_text().splitlines()}
    assert exported == {*SOUND_SESSIONS, *damaged}
    done = shell.run("sessions", "import", str(tmp_path / "ann.jsonl"), "--store", str(tmp_path / "imported.db"))
    assert (done.returncode, len(done.stdout.splitlines())) == (0, len(exported)), done.stderr


def test_one_damaged_session_says_what_is_wrong_is_printed_raw_and_goes_for_good(shell, damaged, repository_at):
    name = "a role that is none"
    assert name in damaged
    done = shell.run("sessions", "show", name)
    assert done.returncode == 5
    assert "role" in error_line(done)
    done = shell.run("sessions", "show", name, "-F", "json")
    assert done.returncode == 7
    assert json.loads(done.stdout)["messages"][0]["role"] == "wizard"
    assert shell.run("sessions", "delete", name, "--purge", "--yes").stdout == f"{name}\n"
    assert name not in shell.run("store", "check").stdout
    assert repository_at.get("ann", "sound-0").messages


def test_a_repair_keeps_each_record_as_it_was_in_a_file_and_ends_all_damage(shell, damaged, tmp_path):
    file = tmp_path / "kept.jsonl"
    done = shell.run("store", "check", "--repair", "--quarantine", str(file))
    assert (done.returncode, done.stdout.count("Repaired: ")) == (0, len(damaged)), done.stdout + done.stderr
    assert file.stat().st_mode & 0o777 == 0o600
    kept = {line["session_id"]: line for line in map(json.loads, file.read_text().splitlines())}
    assert sorted(kept) == sorted(damaged)
    assert kept["a role that is none"]["record"]["messages"][0]["role"] == "wizard"
    done = shell.run("store", "check")
    assert (done.returncode, f"Read {len(damaged) + 2} sessions" in done.stdout) == (0, True)
    for name in damaged:
        shown = shell.run("sessions", "show", name)
        assert shown.returncode == 0, shown.stderr


def test_a_repair_writes_beside_the_file_without_another_word(local_shell, store, tmp_path):
    session = stored(store)
    damage_rows(tmp_path / "botchat.db", session.id, {"messages.0.role": "wizard"})
    assert local_shell.run("store", "check", "--repair").returncode == 0
    assert session.id in (tmp_path / "botchat.db.damaged.jsonl").read_text()
    assert local_shell.run("store", "check", "--quarantine", "x").returncode == 2


def test_a_copy_goes_on_past_damage_and_says_what_it_could_not_read(shell, damaged, tmp_path):
    target = str(tmp_path / "copy.db")
    done = shell.run("store", "copy", shell.store, target)
    assert done.returncode == 7
    assert f"Copied {len(damaged) + 2} sessions" in done.stderr
    assert all(name in done.stderr for name in damaged)
    assert f"{len(damaged)} damaged and copied in part" in done.stderr
    again = shell.run("store", "copy", shell.store, target)
    assert f"Copied 0 sessions to {target}; {len(damaged) + 2} already present" in again.stderr
    assert shell.run("store", "check", "--store", target).returncode == 0


def test_a_copy_of_what_was_written_in_both_stores_is_told(local_shell, store, tmp_path):
    session = stored(store, messages=2)
    target = str(tmp_path / "copy.db")
    assert local_shell.run("store", "copy", local_shell.store, target).returncode == 0
    for address in (local_shell.store, target):
        repository = build_repository(address)
        repository.append(repository.get("ann", session.id), user_says("written here"))
        repository.close()
    done = local_shell.run("store", "copy", local_shell.store, target)
    assert done.returncode == 0
    assert f"{session.id}: it continued in both stores" in done.stderr
    assert "Copied 0 sessions" in done.stderr
    assert "1 merged" in done.stderr


@pytest.mark.parametrize("tree", ["sessions", "messages", "page", "everybody"])
def test_all_sessions_of_a_file_with_a_damaged_page_are_exported_and_copied(local_shell, tmp_path, tree):
    path = tmp_path / "botchat.db"
    big_file(path)
    overwrite_page(path, pages_of(path, tree)[0])
    code = 7 if tree in {"sessions", "messages"} else 0
    done = local_shell.run("sessions", "export", "--all-users", "--all", "-F", "jsonl")
    assert (done.returncode, len(done.stdout.splitlines())) == (code, 40), done.stderr
    target = str(tmp_path / "copy.db")
    done = local_shell.run("store", "copy", str(path), target)
    assert (done.returncode, "Copied 40 sessions" in done.stderr) == (code, True), done.stderr
    done = local_shell.run("users", "export", "user 1", "-o", str(tmp_path / "one.jsonl"))
    assert (done.returncode in {0, 7}, "Exported 20 sessions of user 1" in done.stderr) == (True, True), done.stderr
    done = local_shell.run("store", "check")
    assert (done.returncode, "The file is damaged" in done.stdout) == (1, True), done.stderr
    assert "Read 40 sessions" in done.stdout
    assert "Traceback" not in local_shell.run("sessions", "list", "--all-users").stderr
    assert "Traceback" not in local_shell.run("doctor").stderr
