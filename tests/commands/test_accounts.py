"""The commands for accounts and tokens."""

import sqlite3
from pathlib import Path

from support.shell import error_line

from botchat.core.auth import AuthService


def test_an_account_is_added_listed_disabled_and_removed_with_its_tokens(local_shell, local_repository):
    shell = local_shell
    assert shell.run("users", "add", "ann", stdin="correct horse\n").returncode == 0
    assert "already has an account" in error_line(shell.run("users", "add", "ann", stdin="correct horse\n"))
    assert "8 to 1,024" in error_line(shell.run("users", "add", "bob", stdin="short\n"))
    assert "Without a terminal" in error_line(shell.run("users", "add", "bob"))
    assert shell.lines("users", "list", "--fields", "user,sessions,account") == [["ann", "0", "active"]]
    access = AuthService(local_repository.accounts())
    assert access.check_password("ann", "correct horse") == "ann"
    assert shell.run("users", "passwd", "ann", stdin="battery staple\n").returncode == 0
    assert access.check_password("ann", "battery staple") == "ann"
    assert shell.run("users", "disable", "ann").returncode == 0
    assert shell.lines("users", "list", "--fields", "account") == [["disabled"]]
    assert shell.run("users", "enable", "ann").returncode == 0
    assert shell.run("users", "disable", "bob").returncode == 3
    assert shell.run("users", "delete", "ann", "--yes").returncode == 0
    assert list(access.accounts()) == []


def test_a_token_is_shown_once_stored_as_a_hash_listed_and_revoked(local_shell, local_repository):
    made = local_shell.run("tokens", "create", "ann", "--name", "laptop", "--expires", "90d", "--scope", "read")
    text = made.stdout.strip()
    access = AuthService(local_repository.accounts())
    token = access.check_token(text)
    assert (token.user, token.name, token.scopes) == ("ann", "laptop", ("read",))
    assert text.split("_", 2)[2].encode() not in Path(local_shell.store).read_bytes()
    assert local_shell.lines("tokens", "list", "--fields", "id,user,name") == [[token.id, "ann", "laptop"]]
    assert local_shell.lines("tokens", "list", "--user", "bob") == []
    assert local_shell.run("tokens", "revoke", token.id).returncode == 0
    assert local_shell.run("tokens", "revoke", token.id).returncode == 3
    for wrong in (["--expires", "soon"], ["--expires", "0d"], ["--scope", "everything"]):
        assert local_shell.run("tokens", "create", "ann", *wrong).returncode == 2


def test_a_file_without_accounts_has_no_tables_for_them(local_shell, local_repository):
    assert local_shell.lines("users", "list") == local_shell.lines("tokens", "list") == []
    assert local_shell.run("tokens", "revoke", "none").returncode == 3
    with sqlite3.connect(local_shell.store) as db:
        assert db.execute("SELECT 1 FROM sqlite_master WHERE name = 'tokens'").fetchone() is None
    db.close()
