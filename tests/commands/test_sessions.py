"""The commands of `botchat sessions`, on SQLite and on a real MongoDB: finding, changing and pruning."""

import json
import os
import pty
import signal
from datetime import UTC, datetime, timedelta

import pytest
from support.shell import error_line, run_on_terminal
from support.stores.sessions import stored, user_says

from botchat.core.models import Message, Session, SessionFilter, now

START = datetime(2026, 1, 1, tzinfo=UTC)
ODD_TEXT = "tab\tnew\nline \x1b]0;title\x07 [/] 👩‍👩‍👧 עברית \0 \x9b31m"
ALL_SESSIONS = SessionFilter(state=None)


def printed_ids(done) -> list[str]:
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def store_old_session(repository, days: int, **more) -> str:
    """Store a session that was last written to some days ago; return its id."""
    session = stored(repository, **more)
    everybody = repository.for_admins()
    (record,) = everybody.records(SessionFilter(state=None, ids=(session.id,)))
    everybody.put(record | {"update_time": now() - timedelta(days=days)}, replace=True)
    return session.id


# Finding


def test_three_pages_are_listed_by_cursor_of_one_user_and_of_all(shell, repository_at):
    for i in range(120):
        stored(repository_at, "ann" if i % 2 else "bob", create_time=START + timedelta(minutes=i // 3))
    for whose, number in ((["--user", "bob"], 60), (["--all-users"], 120)):
        seen, sizes, after = [], [], []
        while True:
            document = json.loads(shell.run("sessions", "list", *whose, *after, "-F", "json").stdout)
            seen += [item["id"] for item in document["items"]]
            sizes.append(len(document["items"]))
            if document["next"] is None:
                break
            after = ["--after", document["next"]]
        assert sum(sizes) == len(set(seen)) == number
        assert sizes == [50] * (number // 50) + [number % 50]


def test_a_list_is_of_one_bot_one_time_and_one_state(shell, repository_at):
    made = [
        stored(repository_at, bot_id=bot, create_time=START + timedelta(days=day)).id
        for day, bot in enumerate(["a", "b", "a"])
    ]
    repository_at.update("ann", made[2], state="archived")
    repository_at.delete("ann", made[1])

    def listed(*options):
        return [made.index(found) for found in printed_ids(shell.run("sessions", "list", "--ids-only", *options))]

    assert listed() == [0]
    assert listed("--archived") == [2]
    assert listed("--deleted", "--bot", "b") == [1]
    assert listed("--since", "2026-01-02") == []
    assert listed("--until", "2026-01-02T00:00Z", "-n", "1") == [0]


def test_fields_and_formats_are_as_they_are_asked_for(local_shell, store):
    session = stored(store, name="Herons, =1+1", create_time=START)
    base = ["sessions", "list", "--fields", "name,message_count"]
    assert local_shell.run(*base).stdout == "Herons, =1+1\t1\n"
    assert local_shell.run(*base, "-F", "csv").stdout == 'name,message_count\r\n"Herons, =1+1",1\r\n'
    assert json.loads(local_shell.run(*base, "-F", "jsonl").stdout) == {"name": "Herons, =1+1", "message_count": 1}
    assert json.loads(local_shell.run("sessions", "list", "-F", "json").stdout)["items"][0] | {"update_time": None} == {
        "id": session.id,
        "name": "Herons, =1+1",
        "bot_id": "demo",
        "message_count": 1,
        "create_time": "2026-01-01T00:00:00.000Z",
        "update_time": None,
        "state": "active",
        "pinned": False,
        "user": "ann",
    }
    done = local_shell.run("sessions", "list", "--fields", "nonsense")
    assert (done.returncode, "Unknown field 'nonsense'. Available: bot_id, create_time" in error_line(done)) == (
        2,
        True,
    )


def test_a_search_tells_where_it_found_what(shell, repository_at):
    session = stored(repository_at, messages=3)
    repository_at.append(session, user_says("By the LAKE stands\na heron, " + "x" * 200))
    stored(repository_at, "bob", name="heron at the lake")
    ((session_id, *_, number, excerpt),) = shell.lines("sessions", "search", "lake", "heron")
    assert (session_id, number) == (session.id, "4")
    assert excerpt.startswith("By the LAKE stands a heron, x")
    assert len(shell.lines("sessions", "search", "--all-users", "heron")) == 2
    assert printed_ids(shell.run("sessions", "search", "owl")) == []


def test_a_session_is_named_by_its_beginning_its_name_and_its_place(local_shell, store):
    first = stored(store, id="aaaa1111", name="first", create_time=START)
    second = stored(store, id="aaaa2222", name="second one", create_time=START + timedelta(days=1))
    for text, session in {"aaaa1": first, "second one": second, "@1": second, "@2": first, "aaaa2222": second}.items():
        assert f"· {session.id}\n" in local_shell.run("sessions", "show", text).stdout
    done = local_shell.run("sessions", "show", "aaaa")
    assert (done.returncode, "matches several sessions" in error_line(done)) == (2, True)
    for text in ("aaa", "@3", "bbbb"):
        assert local_shell.run("sessions", "show", text).returncode == 3
    done = local_shell.run("sessions", "show", "secnd one")
    assert (done.returncode, "Did you mean aaaa2222 (second one)?" in error_line(done)) == (3, True)
    assert "Did you mean aaaa2222 (second one)?" in error_line(local_shell.run("sessions", "show", "cond"))


def test_an_unrelated_session_is_not_suggested(local_shell, store):
    for name in ("hope", "note", "one", "no pen"):
        stored(store, name=name)
    for command in (["sessions", "show", "nope"], ["ask", "--session", "nope", "hi"], ["sessions", "show", "3f1c2f0e"]):
        done = local_shell.run(*command)
        assert (done.returncode, "Did you mean" in error_line(done)) == (3, False)


def test_what_is_said_meanwhile_is_followed(local_shell, store):
    session = stored(store, messages=2)
    with local_shell.start("sessions", "tail", session.id) as process:
        while b"message 1" not in process.stdout.readline():
            pass
        reply = Message(role="assistant", content="half ", status="streaming", heartbeat=now())
        store.append(session, reply)
        while b"streaming" not in process.stdout.readline():
            pass
        store.update_message("ann", session.id, reply.id, content="half of a \x1b[31mheron\n", status=None)
        assert process.stdout.readline() == b"\n"
        assert process.stdout.readline() == "half of a ␛[31mheron\n".encode()
        process.send_signal(signal.SIGINT)
        assert process.wait() == 130


def test_what_was_said_is_counted(shell, repository_at):
    session = stored(repository_at, create_time=START)
    usage = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
    repository_at.append(session, Message(role="assistant", content="x", usage=usage, latency_ms=120))
    stored(repository_at, "bob", bot_id="b")
    assert shell.lines("sessions", "stats", "--by", "bot") == [["demo", "1", "2", "10", "5", "120", "120", "0", "0"]]
    assert [line[0] for line in shell.lines("sessions", "stats", "--all-users", "--by", "user")] == ["ann", "bob"]
    assert shell.lines("sessions", "stats", "--by", "user", "--until", "1d") == []


# Changing


def test_sessions_are_renamed_pinned_archived_and_brought_back(shell, repository_at):
    session = stored(repository_at)
    assert shell.run("sessions", "rename", session.id, "New", "name").returncode == 0
    assert printed_ids(shell.run("sessions", "pin", session.id[:8])) == [session.id]
    assert printed_ids(shell.run("sessions", "archive", "New name")) == [session.id]
    read = repository_at.get("ann", session.id)
    assert (read.name, read.pinned, read.state) == ("New name", True, "archived")
    shell.run("sessions", "unarchive", session.id)
    shell.run("sessions", "unpin", session.id)
    read = repository_at.get("ann", session.id)
    assert (read.pinned, read.state) == (False, "active")
    assert shell.run("sessions", "rename", session.id, "--user", "bob", "Mine").returncode == 3


def test_deleting_asks_goes_to_the_trash_and_can_be_undone(shell, repository_at):
    made = [stored(repository_at, create_time=START + timedelta(days=day)).id for day in range(3)]
    done = shell.run("sessions", "delete", *made)
    assert done.returncode == 2
    assert "Move 3 sessions of ann to the trash? Can't prompt without a terminal: pass --yes" in error_line(done)
    assert printed_ids(shell.run("sessions", "delete", *made[:2], "--dry-run")) == made[:2]
    assert repository_at.count("ann") == 3
    assert printed_ids(shell.run("sessions", "delete", *made[:2], "--yes")) == made[:2]
    trash = shell.run("sessions", "list", "--deleted", "--ids-only")
    assert sorted(printed_ids(trash)) == sorted(made[:2])
    done = shell.run("sessions", "restore", "-", stdin=trash.stdout)
    assert sorted(printed_ids(done)) == sorted(made[:2])
    assert repository_at.count("ann") == 3
    shell.run("sessions", "delete", made[0], "--purge", "--yes")
    assert shell.run("sessions", "restore", made[0]).returncode == 3
    assert repository_at.count("ann", ALL_SESSIONS) == 2


def test_one_wrong_id_among_several_and_nothing_is_deleted(local_shell, store):
    session = stored(store)
    done = local_shell.run("sessions", "delete", session.id, "nonsense", "--yes")
    assert (done.returncode, "nonsense" in error_line(done)) == (3, True)
    assert store.count("ann") == 1


@pytest.mark.parametrize(("answer", "code", "left"), [(b"y\n", 0, 0), (b"n\n", 1, 1), (b"\x04", 1, 1)])
def test_a_person_is_asked_on_the_terminal(local_shell, store, answer, code, left):
    stored(store, name="Herons [/] \x1b[31m")
    ours, theirs = pty.openpty()
    with local_shell.start("sessions", "delete", "@1", stdin=theirs, stderr=theirs) as process:
        os.close(theirs)
        said = b""
        while b"[y/N]" not in said:
            said += os.read(ours, 4096)
        os.write(ours, answer)
        assert process.wait() == code
    os.close(ours)
    assert "Move 1 session of ann to the trash? [y/N]" in said.decode()
    assert "Herons [/] ␛[31m" in said.decode()
    assert store.count("ann") == left


def test_a_message_is_redacted_by_its_number(shell, repository_at):
    session = stored(repository_at, messages=3)
    assert shell.run("sessions", "redact", session.id, "--message", "2", "--yes").returncode == 0
    read = [m.content for m in repository_at.get("ann", session.id).messages]
    assert read == ["message 0", "[redacted]", "message 2"]
    for wrong in ("0", "4", "nonsense"):
        assert shell.run("sessions", "redact", session.id, "-m", wrong, "--yes").returncode == 3


def test_a_fork_is_told_by_its_id(shell, repository_at):
    session = stored(repository_at, messages=3)
    (fork,) = printed_ids(shell.run("sessions", "fork", session.id, "--at", "2"))
    assert [m.content for m in repository_at.get("ann", fork).messages] == ["message 0", "message 1"]
    assert shell.run("sessions", "fork", session.id, "--at", "9").returncode == 2


# Pruning


def test_a_dry_run_tells_exactly_what_then_goes(shell, repository_at):
    old = [store_old_session(repository_at, 100 + i) for i in range(3)]
    store_old_session(repository_at, 100, pinned=True)
    store_old_session(repository_at, 10)
    theirs = store_old_session(repository_at, 100, user="bob")
    mine = ["sessions", "prune", "--older-than", "90d"]
    told = shell.run(*mine, "--dry-run")
    assert sorted(line.split("\t")[0] for line in told.stdout.splitlines()) == sorted(old)
    assert repository_at.count("ann") == 5
    assert shell.run(*mine).returncode == 2
    assert shell.run(*mine, "--yes").stdout == told.stdout
    assert sorted(s.id for s in repository_at.page("ann", where=SessionFilter(state="trash")).sessions) == sorted(old)
    assert repository_at.get("bob", theirs).state == "active"
    shell.run(*mine, "--all-users", "--archive", "--yes")
    assert repository_at.get("bob", theirs).state == "archived"


def test_the_policy_of_the_config_is_carried_out(shell, repository_at):
    shell.configure(
        '[[retention]]\nolder_than = "30d"\naction = "delete"\nuser = "bob"\n'
        '[[retention]]\nolder_than = "90d"\naction = "archive"\n'
    )
    old, bobs = store_old_session(repository_at, 100), store_old_session(repository_at, 40, user="bob")
    told = shell.run("sessions", "prune", "--all-users", "--dry-run", "-F", "json")
    planned = {(item["id"], item["action"]) for item in json.loads(told.stdout)["items"]}
    assert planned == {(old, "archive"), (bobs, "delete")}
    assert shell.run("sessions", "prune", "--all-users", "--yes").returncode == 0
    assert repository_at.get("ann", old).state == "archived"
    assert repository_at.count("bob", ALL_SESSIONS) == 0
    done = shell.run("sessions", "prune", "--all-users", "--yes")
    assert (done.returncode, done.stdout, "No sessions to prune." in done.stderr) == (0, "", True)


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ('older_than = "90"\naction = "delete"', "Invalid duration '90'"),
        ('older_than = "90d"\naction = "burn"', "retention.0.action"),
        ('older_then = "90d"\naction = "delete"', "Did you mean older_than?"),
    ],
)
def test_a_mistake_in_the_policy_is_told(local_shell, rule, said):
    local_shell.configure(f"[[retention]]\n{rule}\n")
    done = local_shell.run("sessions", "prune", "--dry-run")
    assert (done.returncode, said in error_line(done)) == (2, True)


# Unusual text


def test_odd_words_come_through_whole_and_harm_no_terminal(shell, repository_at):
    user = ODD_TEXT.replace("\0", "")
    shell.environment["BOTCHAT_USER"] = user
    repository_at.append(session := Session(user=user, bot_id="demo"), user_says(ODD_TEXT))
    for arguments in (
        ["list"],
        ["list", "-F", "json"],
        ["list", "--all-users", "-F", "csv"],
        ["search", "line"],
        ["show", "@1"],
        ["export", "@1", "-F", "json"],
    ):
        shown = run_on_terminal(shell, "sessions", *arguments)
        assert "\x1b]" not in shown
        assert "\x9b" not in shown
        assert "\x07" not in shown
        assert "עברית" in shown
    (line,) = shell.lines("sessions", "list")
    assert line[1].startswith("tab new line ␛]0;title␇ [/] 👩‍👩‍👧 עברית ␀")
    assert line[0] == session.id
    exported = json.loads(shell.run("sessions", "export", "@1", "-F", "json").stdout)
    assert (exported["user"], exported["messages"][0]["content"]) == (user, ODD_TEXT)


def test_restore_last_brings_back_the_session_that_was_deleted_last_and_no_other(shell, repository_at):
    kept, first, second = (stored(repository_at, name=name).id for name in ("Kept", "First", "Second"))
    for session_id in (second, first):  # the one that was used last is deleted first
        repository_at.delete("ann", session_id)
    assert printed_ids(shell.run("sessions", "restore", "@last")) == [first]
    assert printed_ids(shell.run("sessions", "restore", "@1")) == [second]
    assert shell.run("sessions", "restore", "@last").returncode == 3
    done = shell.run("sessions", "restore", kept)
    assert (done.returncode, done.stdout) == (2, "")
    assert "isn't in the trash" in done.stderr
    assert repository_at.count("ann") == 3
