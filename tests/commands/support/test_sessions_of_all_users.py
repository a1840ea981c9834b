"""`botchat sessions` for admins: commands that change sessions of several users by their IDs; tags."""

import pytest
from support.shell import error_line
from support.stores.sessions import stored

from botchat.commands.support.progress import progress_line
from botchat.core.models import SessionFilter


def test_sessions_of_several_users_are_changed_by_their_ids_and_counted(shell, repository_at):
    made = [stored(repository_at, user).id for user in ("ann", "bob", "cid")]
    listed = "".join(f"{each}\n" for each in made)

    def run(*arguments: str):
        done = shell.run("sessions", *arguments, "-", "--all-users", stdin=listed)
        assert (done.returncode, done.stdout) == (0, listed), done.stderr
        return done.stderr.strip().removeprefix("botchat: ")

    def states():
        return {s.state for s in repository_at.for_admins().page(where=SessionFilter(state=None)).sessions}

    assert (run("archive"), states()) == ("Archived 3 sessions of 3 users.", {"archived"})
    assert (run("unarchive"), states()) == ("Unarchived 3 sessions of 3 users.", {"active"})
    assert (run("delete", "--yes"), states()) == ("Moved to the trash: 3 sessions of 3 users.", {"trash"})
    assert (run("restore"), states()) == ("Restored 3 sessions of 3 users.", {"active"})
    assert run("pin") == "Pinned 3 sessions of 3 users."
    assert repository_at.get("cid", made[2]).pinned
    assert run("tag", "--add", "lake", "--add", "birds") == "Tagged 3 sessions of 3 users."
    assert run("tag", "--remove", "lake", "--add", "birds") == "Tagged 3 sessions of 3 users."
    assert repository_at.get("bob", made[1]).tags == ["birds"]
    assert shell.run("sessions", "rename", made[1], "Herons", "--all-users").returncode == 0
    assert repository_at.get("bob", made[1]).name == "Herons"
    assert "# Herons" in shell.run("sessions", "show", made[1], "--all-users").stdout


@pytest.mark.parametrize(
    ("arguments", "code", "reason"),
    [
        (["@last", "--all-users"], 2, "@last can't be used with --all-users: use the complete ID."),
        (["no-such-id", "--all-users"], 3, "no-such-id"),
        (["twice", "--all-users"], 2, "twice is a session of ann and bob. Choose one with --user instead."),
        (["twice", "--all-users", "--user", "bob"], 2, "not both"),
        (["once"], 3, "once"),
    ],
)
def test_an_id_of_nobody_or_of_two_users_changes_nothing(shell, repository_at, arguments, code, reason):
    for user, session_id in (("ann", "twice"), ("bob", "twice"), ("bob", "once")):
        stored(repository_at, user, id=session_id)
    done = shell.run("sessions", "archive", *arguments)
    assert (done.returncode, reason in error_line(done)) == (code, True), done.stderr
    assert repository_at.for_admins().count(SessionFilter(state="archived")) == 0


def test_tags_need_something_to_do(local_shell, store):
    stored(store)
    done = local_shell.run("sessions", "tag", "@last")
    assert (done.returncode, "Use --add TAG or --remove TAG." in error_line(done)) == (2, True)


@pytest.mark.parametrize(
    ("number", "seconds", "line"),
    [
        (1200, 3.0, "1,200/5,000 sessions  400/s  0:10 left"),
        (10, 10.0, "10/5,000 sessions  1/s  1:23:10 left"),
        (5001, 5.0, "5,001/5,000 sessions  1,000/s  0:00 left"),
    ],
)
def test_progress_has_the_rate_and_the_time_left(number, seconds, line):
    assert progress_line(number, 5000, "sessions", seconds) == line
