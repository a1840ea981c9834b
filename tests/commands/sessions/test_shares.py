"""`botchat sessions share` and `botchat shares`."""

import json


def listed(shell) -> list[dict]:
    return json.loads(shell.run("shares", "list", "-F", "json").stdout)["items"]


def test_a_link_is_made_listed_and_revoked(local_shell):
    local_shell.run("ask", "Where are herons?")
    path = local_shell.run("sessions", "share", "@last", "--expires", "never").stdout.strip()
    assert path.startswith("/share/")

    (link,) = listed(local_shell)
    assert link["expire_time"] is None
    assert path.removeprefix("/share/") not in json.dumps(link)

    local_shell.run("shares", "revoke", link["id"])
    assert listed(local_shell) == []


def test_deleting_a_user_revokes_the_links(local_shell):
    local_shell.run("ask", "Where are herons?")
    local_shell.run("sessions", "share", "@last", "--until", "1", "--expires", "7d")
    local_shell.run("users", "delete", "ann", "--yes")
    assert listed(local_shell) == []
