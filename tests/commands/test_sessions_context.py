"""Changing the bot's context from a shell: `sessions forget` and `sessions fork`."""

import json

from botchat.bootstrap import build_repository
from botchat.core.models import Message, Session


def test_what_came_before_is_forgotten_taken_back_and_begun_anew_elsewhere(local_shell):
    shell = local_shell
    session = Session(user="ann", bot_id="demo")
    texts = ["What is a heron?", "A bird.", "And a stork?", "Another bird."]
    roles = ["user", "assistant"] * 2
    session.messages = [Message(role=role, content=text) for role, text in zip(roles, texts, strict=True)]
    repository = build_repository(shell.environment["BOTCHAT_STORE"])
    repository.prepare()
    repository.save(session)
    repository.close()
    assert shell.run("sessions", "forget", session.id, "--before", "3").stdout == f"{session.id}\n"
    shown = shell.run("sessions", "show", session.id)
    line = "2 of 4 messages in context. Context cleared here. Messages above aren't sent."
    assert shown.stdout.index("A bird.") < shown.stdout.index(line) < shown.stdout.index("And a stork?")
    asked = shell.run("ask", "--session", session.id, "hello")
    assert "3 of 5 messages in context" in asked.stderr
    shell.run("sessions", "forget", session.id, "--undo")
    assert "messages in context" not in shell.run("sessions", "show", session.id).stdout
    begun = shell.run("sessions", "fork", session.id, "--from", "3").stdout.strip()
    assert "A bird." not in shell.run("sessions", "show", begun).stdout
    assert shell.run("sessions", "forget", session.id).returncode == 2
    assert shell.run("sessions", "fork", session.id, "--from", "3", "--at", "2").returncode == 2


def shares(shell) -> list[dict]:
    return json.loads(shell.run("shares", "list", "-F", "json").stdout)["items"]


def test_a_link_is_made_listed_and_revoked(local_shell):
    local_shell.run("ask", "Where are herons?")
    path = local_shell.run("sessions", "share", "@last", "--expires", "never").stdout.strip()
    assert path.startswith("/share/")

    (link,) = shares(local_shell)
    assert link["expire_time"] is None
    assert path.removeprefix("/share/") not in json.dumps(link)

    local_shell.run("shares", "revoke", link["id"])
    assert shares(local_shell) == []


def test_deleting_a_user_revokes_the_links(local_shell):
    local_shell.run("ask", "Where are herons?")
    local_shell.run("sessions", "share", "@last", "--until", "1", "--expires", "7d")
    local_shell.run("users", "delete", "ann", "--yes")
    assert shares(local_shell) == []
