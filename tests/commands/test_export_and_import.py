"""Export and import from a shell: sessions, store copies, users and feedback."""

import json
import os
import resource
import signal
import subprocess
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from support.shell import error_line
from support.stores.attachments import BIG, SMALL, file_of
from support.stores.sessions import stored, user_says

from botchat.bootstrap import build_repository
from botchat.core.models import Message, Session, SessionFilter

START = datetime(2026, 1, 1, tzinfo=UTC)
ALL_SESSIONS = SessionFilter(state=None)
ODD_TEXT = "tab\tnew\nline \x1b[31m [/] 👩‍👩‍👧 עברית \0 \ud800 =1+1"


def store_sessions(repository) -> None:
    """Store sessions of two users, in every state, with unusual text."""
    for i in range(12):
        session = stored(repository, "ann" if i % 3 else "bob", messages=3, create_time=START + timedelta(hours=i // 2))
        files = [file_of(data, name=ODD_TEXT.replace("\ud800", "")) for data in (SMALL, BIG)] if i % 5 == 0 else []
        repository.append(session, user_says(f"{ODD_TEXT} {i}", files=files))
        reply = Message(role="assistant", content="x" * i, reasoning_content="hm", usage={"total_tokens": i})
        repository.append(session, reply)
        repository.update(session.user, session.id, tags=["t"], metadata={"n": i}, pinned=bool(i % 2))
        if i == 4:
            repository.delete(session.user, session.id)
        if i == 5:
            repository.update(session.user, session.id, state="archived")


def limit_file_size(size: int) -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


def all_records(repository) -> list:
    return list(repository.for_admins().records(ALL_SESSIONS))


@pytest.mark.parametrize("form", ["jsonl", "json"])
def test_what_is_exported_deleted_and_imported_is_what_it_was_to_the_byte(shell, repository_at, tmp_path, form):
    store_sessions(repository_at)
    before = all_records(repository_at)
    first, second = tmp_path / f"first.{form}", tmp_path / f"second.{form}"
    export = ["sessions", "export", "--all-users", "--all", "-F", form, "-o"]
    assert "Exported 12 sessions" in shell.run(*export, str(first)).stderr
    assert first.stat().st_mode & 0o777 == 0o600
    for user in ("ann", "bob"):
        assert shell.run("users", "delete", user, "--yes").returncode == 0
    assert all_records(repository_at) == []
    done = shell.run("sessions", "import", str(first))
    assert (done.returncode, len(done.stdout.split()), "12 sessions imported." in done.stderr) == (0, 12, True)
    assert all_records(repository_at) == before
    shell.run(*export, str(second))
    assert first.read_bytes() == second.read_bytes()
    assert list(tmp_path.glob("*.part")) == []


def test_an_export_that_was_killed_goes_on_where_it_was(shell, repository_at, tmp_path):
    store_sessions(repository_at)
    whole, resumed = tmp_path / "whole.jsonl", tmp_path / "resumed.jsonl"
    export = ["sessions", "export", "--all-users", "--all", "-F", "jsonl", "-o"]
    shell.run(*export, str(whole))
    lines = whole.read_bytes().splitlines(keepends=True)
    unfinished = tmp_path / "resumed.jsonl.part"
    for size in (300, len(b"".join(lines[:5])), len(b"".join(lines[:5])) + 40):
        # A file may grow to this size, and the next byte is an error: as if the disk were full there.
        with shell.start(*export, str(resumed), preexec_fn=partial(limit_file_size, size)) as process:
            assert b"File too large" in process.stderr.read()
        assert unfinished.read_bytes() == whole.read_bytes()[:size]
        assert shell.run(*export, str(resumed)).returncode == 2
        assert unfinished.read_bytes() == whole.read_bytes()[:size]
        done = shell.run("sessions", "export", "--user", "ann", "-F", "jsonl", "-o", str(resumed), "--resume")
        assert (done.returncode, "it is from another store or other options" in error_line(done)) == (
            2,
            True,
        )
        assert shell.run(*export, str(resumed), "--resume").returncode == 0
        assert resumed.read_bytes() == whole.read_bytes()
        assert [path.name for path in tmp_path.glob("resumed*")] == ["resumed.jsonl"]
        resumed.unlink()


def test_a_folder_gets_a_file_for_each_session(local_shell, store, tmp_path):
    stored(store, id="../../etc/passwd", name="Herons", create_time=START)
    stored(store, id="plain", create_time=START)
    folder = tmp_path / "out"
    for form in ("md", "html", "csv", "json"):
        assert local_shell.run("sessions", "export", "-F", form, "-o", f"{folder}/").returncode == 0
    names = sorted(path.name for path in folder.iterdir())
    assert len(names) == 8
    assert "2026-01-01-plain.md" in names
    assert all(name.startswith("2026-01-01-") for name in names)
    assert (
        local_shell.run("sessions", "import", str(folder / "2026-01-01-plain.json")).stderr.count("already present")
        == 1
    )


def test_one_session_is_markdown_and_a_page_can_do_nothing(local_shell, store, tmp_path):
    session = stored(store, name="Herons <script>")
    store.append(session, Message(role="assistant", content="<script>alert(1)</script> ![x](http://127.0.0.1/x.png)"))
    assert local_shell.run("sessions", "export", session.id).stdout.startswith("# Herons <script>\n")
    page = local_shell.run("sessions", "export", session.id, "-F", "html").stdout
    assert page.startswith("<!doctype html>")
    assert "<script" not in page
    assert "<img" not in page


def test_an_import_tells_what_it_could_not_take_and_takes_the_rest(shell, repository_at, tmp_path):
    store_sessions(repository_at)
    file = tmp_path / "x.jsonl"
    shell.run("sessions", "export", "-F", "jsonl", "-o", str(file))
    lines = file.read_text().splitlines()
    broken = json.loads(lines[1]) | {"message_count": "many", "messages": 7}
    file.write_text("\n".join([lines[0], json.dumps(broken), "{", *lines[2:]]))
    shell.run("users", "delete", "ann", "--yes")
    done = shell.run("sessions", "import", str(file))
    assert done.returncode == 7
    assert len(done.stdout.split()) == len(lines) - 1
    assert "botchat: line 2: " in done.stderr
    assert "botchat: line 3: " in done.stderr
    assert "2 skipped" in done.stderr
    nothing = tmp_path / "nothing.txt"
    nothing.write_text("these are my notes")
    done = shell.run("sessions", "import", str(nothing))
    assert (done.returncode, done.stdout) == (2, "")
    assert shell.run("sessions", "import", str(tmp_path / "none")).returncode == 2


def test_what_the_store_has_already_is_kept_replaced_doubled_or_refused_as_wished(local_shell, store, tmp_path):
    session = stored(store, name="before")
    file = tmp_path / "x.jsonl"
    local_shell.run("sessions", "export", "-F", "jsonl", "-o", str(file))
    store.update("ann", session.id, name="after")
    take = ["sessions", "import", str(file)]
    assert "1 already present" in local_shell.run(*take).stderr
    assert store.get("ann", session.id).name == "after"
    assert local_shell.run(*take, "--on-conflict", "fail").returncode == 1
    assert local_shell.run(*take, "--on-conflict", "replace", "--dry-run").stdout == f"{session.id}\n"
    assert store.get("ann", session.id).name == "after"
    local_shell.run(*take, "--on-conflict", "replace")
    assert store.get("ann", session.id).name == "before"
    new_id = local_shell.run(*take, "--on-conflict", "newid").stdout.strip()
    assert store.get("ann", new_id).messages == store.get("ann", session.id).messages
    for choice, taken in (("skip", session.id), ("replace", session.id), ("skip", "")):
        done = local_shell.run(*take, "--user", "bob", "--on-conflict", choice)
        assert (done.returncode, done.stdout.strip()) == (0, taken)
    assert (store.count("bob"), store.count("ann")) == (1, 2)


def has_begun(address: str, target) -> bool:
    """Return whether something was copied. Of a file only the size is read: a query would block the copy, or wait."""
    if address.startswith("mongodb"):
        return target.for_admins().count(ALL_SESSIONS) >= 5
    return Path(address).stat().st_size > 200_000


def test_a_copy_that_is_killed_goes_on_and_is_equal(shell, repository_at, tmp_path, database, mongod):
    store_sessions(repository_at)
    for i in range(300):
        stored(repository_at, "eve", messages=5, create_time=START + timedelta(days=1, minutes=i))
    other = f"{mongod.uri}/{database.name}_copy" if shell.store.endswith(".db") else str(tmp_path / "copy.db")
    target = build_repository(other)
    target.prepare()
    copy = ["store", "copy", shell.store, other]
    process = shell.start(*copy)
    while not has_begun(other, target):
        assert process.poll() is None
    process.send_signal(signal.SIGKILL)
    process.communicate()
    before = target.for_admins().count(ALL_SESSIONS)
    assert before < 312
    done = shell.run(*copy)
    assert done.returncode == 0
    assert f"Copied {312 - before:,} sessions" in done.stderr
    assert f"{before:,} already present" in done.stderr
    assert all_records(target) == all_records(repository_at)
    back = tmp_path / "back.db"
    assert shell.run("store", "copy", other, str(back)).returncode == 0
    again = build_repository(str(back))
    assert all_records(again) == all_records(repository_at)
    for repository in (target, again):
        repository.close()
    if other.startswith("mongodb"):
        database.client.drop_database(f"{database.name}_copy")


def test_a_store_is_not_copied_onto_itself(shell, repository_at):
    done = shell.run("store", "copy", shell.store, shell.store)
    assert (done.returncode, "same store" in error_line(done)) == (2, True)


def test_a_store_tells_what_it_is_and_that_it_is_sound(shell, repository_at):
    store_sessions(repository_at)
    facts = dict(shell.lines("store", "info"))
    assert (facts["active"], facts["archived"], facts["trash"]) == ("10", "1", "1")
    assert (facts["users"], facts["messages"]) == ("2", "60")
    done = shell.run("store", "check")
    assert done.returncode == 0
    assert "Read 12 sessions" in done.stdout
    record = all_records(repository_at)[0]
    repository_at.for_admins().put(record | {"message_count": 99}, replace=True)
    done = shell.run("store", "check")
    assert done.returncode == 7
    assert "failed" in done.stdout


def test_users_are_listed_shown_exported_and_deleted(shell, repository_at, tmp_path):
    store_sessions(repository_at)
    assert [line[:3] for line in shell.lines("users", "list")] == [["ann", "8", "40"], ["bob", "4", "20"]]
    facts = dict(shell.lines("users", "show", "ann"))
    assert (facts["active"], facts["archived"], facts["trash"], facts["messages"]) == ("6", "1", "1", "40")
    file = tmp_path / "ann.jsonl"
    shell.run("users", "export", "ann", "-o", str(file))
    assert {json.loads(line)["user"] for line in file.read_text().splitlines()} == {"ann"}
    assert len(file.read_text().splitlines()) == 8
    told = shell.run("users", "delete", "ann", "--dry-run")
    assert len(told.stdout.split()) == 8
    assert shell.run("users", "delete", "ann").returncode == 2
    assert sorted(shell.run("users", "delete", "ann", "--yes").stdout.split()) == sorted(told.stdout.split())
    assert [record["user"] for record in all_records(repository_at)] == ["bob"] * 4
    for command in ("show", "delete"):
        assert shell.run("users", command, "nobody").returncode == 3
    repository_at.set_preferences("ann", reasoning="shown")
    assert shell.run("users", "delete", "ann", "--yes").returncode == 0
    assert list(repository_at.for_admins().preferences()) == []


def test_feedback_is_given_listed_and_written_to_a_file(shell, repository_at, tmp_path):
    session = stored(repository_at, messages=2)
    give = ["feedback", "give", session.id]
    assert shell.run(*give, "down", "--comment", "=no\theron", "--message", "1").returncode == 0
    assert shell.run(*give, "up").returncode == 0
    assert [line[2:4] for line in shell.lines("feedback", "list")] == [["down", "=no heron"], ["up", ""]]
    file = tmp_path / "feedback.csv"
    shell.run("feedback", "export", "--all-users", "-o", str(file))
    assert "'=no" in file.read_text()
    shell.run(*give, "none")
    assert len(shell.lines("feedback", "list")) == 1


def test_a_full_disk_is_told_and_leaves_no_half_file(local_shell, store, tmp_path):
    folder = tmp_path / "small"
    folder.mkdir()
    small = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", folder]
    if subprocess.run(small, check=False, capture_output=True).returncode:
        pytest.skip("only root can mount a small disk")
    try:
        session = Session(user="ann", bot_id="demo")
        store.append(session, user_says("x" * 200_000))
        for form in ("md", "jsonl"):
            done = local_shell.run("sessions", "export", session.id, "-F", form, "-o", str(folder / f"x.{form}"))
            assert (done.returncode, "No space left on device" in error_line(done)) == (1, True)
            assert not (folder / f"x.{form}").exists()
    finally:
        subprocess.run(["umount", folder], check=True)


def test_a_reader_that_leaves_ends_an_export_quietly(local_shell, store):
    for _ in range(3):
        stored(store, messages=50)
    ours, theirs = os.pipe()
    with local_shell.start("sessions", "export", "-F", "csv", stdout=theirs) as process:
        os.close(theirs)
        os.read(ours, 10)
        os.close(ours)
        assert process.wait() in {0, 141}
        assert process.stderr.read() == b""
