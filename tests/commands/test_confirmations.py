"""What commands must not do: overwrite a store, mix up sessions, reveal secrets, or exceed the dry run."""

import json
import os
from datetime import timedelta
from pathlib import Path

import pytest
from support.shell import error_line, run_on_terminal
from support.stores.sessions import stored, user_says

from botchat.core.errors import SessionChanged, SessionNotFound
from botchat.core.models import SessionFilter, now


def test_an_export_is_never_written_over_its_store(local_shell, store, tmp_path):
    session = stored(store)
    link = tmp_path / "link.db"
    link.symlink_to(tmp_path / "botchat.db")
    for output in (local_shell.store, str(link)):
        for command in (["sessions", "export", "-o"], ["users", "export", "ann", "-o"], ["feedback", "export", "-o"]):
            done = local_shell.run(*command, output)
            assert (done.returncode, "is the store itself" in error_line(done)) == (2, True)
    assert store.get("ann", session.id) == session


def test_an_output_is_a_file_a_pipe_or_stdout_and_never_nothing(local_shell, store, tmp_path):
    stored(store)
    done = local_shell.run("sessions", "export", "-F", "csv", "-o", "")
    assert (done.returncode, "is empty" in error_line(done)) == (2, True)
    assert local_shell.run("sessions", "export", "-F", "csv", "-o", "-").stdout.startswith("session_id,")
    target, link = tmp_path / "target.csv", tmp_path / "link.csv"
    target.write_text("old")
    link.symlink_to(target)
    assert local_shell.run("sessions", "export", "-F", "csv", "-o", str(link)).returncode == 0
    assert link.is_symlink()
    assert target.read_text().startswith("session_id,")
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with local_shell.start("sessions", "export", "-F", "csv", "-o", str(pipe)) as process:
        assert pipe.read_text().startswith("session_id,")
        assert process.wait() == 0
    assert pipe.is_fifo()


def test_what_lies_at_the_name_of_an_unfinished_file_is_not_touched(local_shell, store, tmp_path):
    stored(store)
    victim = tmp_path / "victim"
    victim.write_text("mine")
    (tmp_path / "x.jsonl.part").symlink_to(victim)
    done = local_shell.run("sessions", "export", "-F", "jsonl", "-o", str(tmp_path / "x.jsonl"))
    assert (done.returncode, "x.jsonl.part exists" in error_line(done)) == (2, True)
    assert victim.read_text() == "mine"


def test_output_that_can_not_be_written_is_told_in_one_line(local_shell, store):
    stored(store)
    for arguments in (["sessions", "list"], ["sessions", "list", "-F", "table"], ["help", "ids"], ["--help"]):
        with Path("/dev/full").open("wb") as full:
            process = local_shell.start(*arguments, stdout=full)
        _, said = process.communicate()
        assert (process.returncode, said) == (1, b"botchat: Can't write the output: No space left on device.\n")
    process = local_shell.start("sessions", "list", stdout=None, preexec_fn=lambda: os.close(1))
    assert (process.communicate()[1], process.returncode) == (b"", 0)


# The right sessions


def test_an_id_with_odd_spaces_comes_back_from_a_pipe_as_it_was(local_shell, store):
    odd = [" a  b", "a b", "a\tb\nc", '"a"', "-a", "\x1b[31m"]
    for session_id in odd:
        stored(store, id=session_id)
    listed = local_shell.run("sessions", "list", "--ids-only").stdout
    assert "\x1b" not in listed
    only_one = next(line for line in listed.splitlines() if line == '" a  b"')
    local_shell.run("sessions", "delete", "-", "--yes", stdin=f"{only_one}\n")
    assert sorted(s.id for s in store.page("ann").sessions) == sorted(odd[1:])
    listed = local_shell.run("sessions", "list", "--ids-only").stdout
    done = local_shell.run("sessions", "delete", "-", "--yes", "--purge", stdin=listed)
    assert done.returncode == 0
    assert store.count("ann") == 0


def test_what_was_written_or_pinned_since_it_was_looked_at_is_not_removed(repository):
    session = stored(repository)
    seen = repository.page("ann").sessions[0].update_time
    while now() <= seen:
        pass
    repository.update("ann", session.id, pinned=True)
    with pytest.raises(SessionChanged):
        repository.purge("ann", session.id, unless_written_since=seen)
    with pytest.raises(SessionNotFound):
        repository.purge("bob", session.id, unless_written_since=seen)
    repository.purge("ann", session.id, unless_written_since=repository.page("ann").sessions[0].update_time)
    assert repository.count("ann") == 0


def test_without_a_policy_prune_asks_for_an_age(local_shell, store):
    stored(store)
    done = local_shell.run("sessions", "prune", "--yes")
    assert (done.returncode, "No retention policy" in error_line(done)) == (2, True)
    done = local_shell.run("sessions", "list", "--until", "")
    assert (done.returncode, "Invalid time ''" in error_line(done)) == (2, True)


def test_a_session_of_the_trash_is_only_brought_back_by_restore(local_shell, store):
    session = stored(store)
    store.delete("ann", session.id)
    for command in ("archive", "unarchive"):
        done = local_shell.run("sessions", command, session.id)
        assert (done.returncode, "in the trash" in done.stderr) == (2, True)
    assert store.get("ann", session.id).state == "trash"


def test_a_redaction_tells_where_copies_of_the_message_are(shell, repository_at):
    session = stored(repository_at)
    (fork,) = shell.run("sessions", "fork", session.id).stdout.split()
    done = shell.run("sessions", "redact", session.id, "-m", "1", "--yes")
    assert (done.stdout, f"A copy of this message is in {fork}, message 1" in done.stderr) == (f"{session.id}\n", True)


# Questions


@pytest.mark.parametrize(
    ("arguments", "question"),
    [
        (["sessions", "delete", "@1"], "Move 1 session of ann to the trash?"),
        (["sessions", "delete", "@1", "--purge"], "Permanently delete 1 session of ann? This can't be undone."),
        (["sessions", "prune", "--older-than", "1d", "--all-users"], "Move 3 sessions of 2 users to the trash?"),
        (["sessions", "prune", "--older-than", "1d", "--archive"], "Archive 2 sessions of ann?"),
        (
            ["sessions", "prune", "--all-users"],
            "Permanently delete 1 session of bob and archive 2 sessions of ann? Deletion can't be undone.",
        ),
        (
            ["sessions", "redact", "@1", "-m", "1"],
            "Permanently remove the content of message 1 of 'Herons'? This can't be undone.",
        ),
        (
            ["users", "delete", "bob"],
            "Permanently delete all data of bob (1 session, preferences, account and API tokens)? This can't",
        ),
    ],
)
def test_a_question_names_the_sessions_their_users_and_what_happens(local_shell, store, arguments, question):
    if "--older-than" not in arguments and "prune" in arguments:
        local_shell.configure(
            '[[retention]]\nolder_than = "1d"\naction = "delete"\nuser = "bob"\n'
            '[[retention]]\nolder_than = "1d"\naction = "archive"\nuser = "ann"\n'
        )
    for user in ("ann", "ann", "bob"):
        session = stored(store, user, name="Herons")
        (record,) = store.for_admins().records(SessionFilter(state=None, ids=(session.id,)))
        store.for_admins().put(record | {"update_time": now() - timedelta(days=100)}, replace=True)
    done = local_shell.run(*arguments)
    assert done.returncode == 2
    assert error_line(done).startswith(f"botchat: {question}")
    assert "Can't prompt without a terminal: pass --yes" in error_line(done)


# Importing


def test_a_session_past_its_end_is_taken_in_to_stay(shell, repository_at, tmp_path):
    session = stored(repository_at)
    file = tmp_path / "x.jsonl"
    shell.run("sessions", "export", "-F", "jsonl", "-o", str(file))
    repository_at.purge("ann", session.id)
    record = json.loads(file.read_text()) | {"expire_time": "2020-01-01T00:00:00.000Z"}
    file.write_text(json.dumps(record))
    assert "1 had already expired; the expiry was removed." in shell.run("sessions", "import", str(file)).stderr
    assert shell.lines("sessions", "list", "--fields", "id") == [[session.id]]


def test_an_import_names_the_other_users_of_the_file(local_shell, store, tmp_path):
    stored(store)
    theirs = stored(store, "bob")
    file = str(tmp_path / "x.jsonl")
    local_shell.run("sessions", "export", "--all-users", "-F", "jsonl", "-o", file)
    done = local_shell.run("sessions", "import", file)
    hint = "Other users in the file: bob (1 session). To assign all sessions to you, use --user ann."
    assert done.stderr == f"botchat: 0 sessions imported, 2 already present. {hint}\n"
    done = local_shell.run("sessions", "import", file, "--user", "ann")
    assert (done.stdout, done.stderr) == (f"{theirs.id}\n", "botchat: 1 session imported, 1 already present.\n")


def test_a_dry_import_tells_what_the_real_one_does_and_makes_nothing(local_shell, store, tmp_path):
    mine, theirs = stored(store), stored(store, "bob")
    file = tmp_path / "x.jsonl"
    local_shell.run("sessions", "export", "--all-users", "-F", "jsonl", "-o", str(file))
    file.write_text(file.read_text() + file.read_text().splitlines()[0] + "\n")
    for options in ([], ["--user", "ann", "--on-conflict", "replace"], ["--on-conflict", "fail"]):
        dry, real = (local_shell.run("sessions", "import", str(file), *options, *last) for last in (["--dry-run"], []))
        assert (dry.returncode, dry.stdout) == (real.returncode, real.stdout)
    assert store.get("bob", theirs.id).messages == theirs.messages
    assert store.get("ann", mine.id).messages == mine.messages
    new = tmp_path / "new.db"
    assert local_shell.run("sessions", "import", str(file), "--dry-run", "--store", str(new)).returncode == 5
    assert local_shell.run("sessions", "import", "nosuch", "--store", str(new)).returncode == 2
    assert not new.exists()


# Messages


def test_a_mistake_about_bots_is_not_in_an_admins_way(local_shell, store):
    stored(store)
    local_shell.configure('default_bot = "nobody"\n')
    assert len(local_shell.lines("sessions", "list")) == 1
    assert local_shell.run("ask", "hi").returncode == 2


def test_a_secret_in_an_address_is_never_told_or_stored(local_shell, store):
    local_shell.configure(
        '[bots.x]\nmodel = "m"\nbase_url = "http://u:hunter2@127.0.0.1:1/v1?key=hunter2"\n'
        'params = { extra_headers = { Authorization = "Bearer hunter2" } }\n'
    )
    for arguments in (["ask", "hi"], ["bots", "test"], ["bots", "show", "x"], ["doctor"], ["config", "show"]):
        done = local_shell.run(*arguments)
        assert "hunter2" not in done.stdout + done.stderr, arguments
    assert "Can't reach" in local_shell.run("sessions", "show", "@1").stdout
    assert "hunter2" not in local_shell.run("sessions", "export", "-F", "jsonl").stdout
    done = local_shell.run("sessions", "list", "--store", "mongodb://u:hun/ter2@secret2@127.0.0.1/x")
    assert done.returncode == 2
    assert "ter2" not in error_line(done)
    assert "%2F" in done.stderr


def test_a_long_name_of_a_user_cuts_no_id(local_shell, store):
    session = stored(store, "u" * 300)
    assert session.id in run_on_terminal(local_shell, "sessions", "list", "--all-users", columns=120)
    assert "1" in run_on_terminal(local_shell, "users", "list", "--fields", "sessions,user", columns=80).splitlines()[1]


def test_the_words_of_a_line_do_not_turn_it_around(local_shell, store):
    session = stored(store)
    store.append(session, user_says("x"))
    store.update("ann", session.id, name="a\u202eb\u2066c")
    assert local_shell.lines("sessions", "list", "--fields", "name") == [["a\ufffdb\ufffdc"]]
