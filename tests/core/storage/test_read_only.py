"""Read-only stores can be read and say that they are read-only; no password has to be on a command line."""

import os

import pymongo
import pytest
from support.child import in_a_child
from support.shell import Shell, error_line, findings_by_status
from support.stores.servers import Mongod, mongod_binary

from botchat.bootstrap import build_repository
from botchat.core.errors import StoreRefused
from botchat.core.models import Message, Session

PASSWORD = "geheim-17"


@pytest.fixture(scope="module")
def locked_mongod(tmp_path_factory):
    """A server with authentication, with users `reader` and `writer` of the database botchat."""
    if mongod_binary() is None:
        pytest.skip("no mongod here: the dev extra carries one for Linux on x86-64 only")
    server = Mongod(tmp_path_factory.mktemp("locked"), "--auth")
    server.start()
    with pymongo.MongoClient(server.uri) as client:  # from this machine the first user can be made without a password
        client.admin.command("createUser", "root", pwd=PASSWORD, roles=["root"])
    with pymongo.MongoClient(address(server, "root", "admin")) as client:
        for name, role in (("reader", "read"), ("writer", "readWrite")):
            roles = [{"role": role, "db": "botchat"}]
            client.admin.command("createUser", name, pwd=PASSWORD, roles=roles)
        client.admin.command("createUser", "stranger", pwd=PASSWORD, roles=[])
    yield server
    server.stop()


def address(server: Mongod, user: str, database: str = "botchat", password: str = PASSWORD) -> str:
    return f"mongodb://{user}:{password}@127.0.0.1:{server.port}/{database}?authSource=admin"


@pytest.fixture
def said(locked_mongod):
    """A session that the user `writer` has stored."""
    repository = build_repository(address(locked_mongod, "writer"))
    repository.prepare()
    repository.append(session := Session(user="ann", bot_id="demo"), Message(role="user", content="Hello"))
    yield session
    repository.close()


def shell_of(server: Mongod, user: str, tmp_path) -> Shell:
    return Shell(tmp_path, address(server, user))


def test_a_user_who_may_only_read_lists_and_reads(locked_mongod, said, tmp_path):
    shell = shell_of(locked_mongod, "reader", tmp_path)
    assert said.id in shell.run("sessions", "list", "-F", "json").stdout
    assert "Hello" in shell.run("sessions", "show", said.id).stdout
    assert said.id in shell.run("sessions", "export", said.id, "-F", "json").stdout


def test_what_a_user_who_may_only_read_asks_is_refused_before_the_bot_is_asked(locked_mongod, said, tmp_path):
    done = shell_of(locked_mongod, "reader", tmp_path).run("ask", "What?")
    assert done.returncode != 0
    assert "denied access" in error_line(done)
    repository = build_repository(address(locked_mongod, "reader"))
    repository.prepare()
    with pytest.raises(StoreRefused):
        repository.append(said, Message(role="user", content="more"))
    assert [message.content for message in repository.get("ann", said.id).messages] == ["Hello"]
    repository.close()


@pytest.mark.parametrize(("user", "password"), [("stranger", PASSWORD), ("reader", "wrong")])
def test_a_user_who_may_not_read_is_told_so(locked_mongod, tmp_path, user, password):
    done = Shell(tmp_path, address(locked_mongod, user, password=password)).run("sessions", "list")
    assert done.returncode != 0
    assert "MongoDB at" in error_line(done)


def test_doctor_notices_who_may_only_read(locked_mongod, said, tmp_path):
    for user, count in (("reader", 1), ("writer", 0)):
        found = findings_by_status(shell_of(locked_mongod, user, tmp_path).run("doctor", "-F", "json"))
        assert len([what for what, _ in found["warning"] if "read-only" in what]) == count
        assert not [what for what, _ in found["failed"] if "store" in what]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can try to write as somebody else")
def test_doctor_notices_a_file_that_may_only_be_read(tmp_path):
    repository = build_repository(str(tmp_path / "botchat.db"))
    repository.prepare()
    repository.append(Session(user="ann", bot_id="b"), Message(role="user", content="Hi"))
    repository.close()
    (tmp_path / "botchat.db").chmod(0o444)
    for folder in [tmp_path, *tmp_path.parents][:-2]:
        folder.chmod(0o755)

    def look() -> None:
        os.setresuid(65534, 65534, 65534)
        reading = build_repository(str(tmp_path / "botchat.db"))
        reading.prepare()
        assert any("read-only" in finding.what for finding in reading.for_admins().findings())
        reading.close()

    assert in_a_child(look) == 0


# Addresses that are not on the command line


def test_a_copy_takes_its_addresses_from_the_environment_and_from_files(locked_mongod, said, tmp_path):
    shell = Shell(tmp_path, str(tmp_path / "own.db"))
    shell.environment["BOTCHAT_SOURCE"] = address(locked_mongod, "reader")
    secret = tmp_path / "target.txt"
    secret.write_text(f"{tmp_path}/copy.db\n")
    done = shell.run("store", "copy", "env:BOTCHAT_SOURCE", f"file:{secret}")
    assert done.returncode == 0, done.stderr
    assert PASSWORD not in done.stdout + done.stderr
    assert said.id in shell.run("sessions", "list", "--store", f"file:{secret}", "-F", "json").stdout
    shell.environment["BOTCHAT_STORE"] = "env:BOTCHAT_SOURCE"
    assert said.id in shell.run("sessions", "list", "-F", "json").stdout


@pytest.mark.parametrize(
    ("store", "content", "words"),
    [
        ("env:BOTCHAT_NOWHERE", None, "variable BOTCHAT_NOWHERE must contain the store address"),
        ("file:{path}", None, "Can't read the store address"),
        ("file:{path}", b"  \n", "must contain the store address"),
        ("file:{path}", b"mongodb://a:geheim-17@h/b\nmongodb://a:geheim-17@h/c\n", "on one line"),
        ("file:{path}", b"geheim-17 \xff", "on one line"),
    ],
)
def test_an_address_that_is_not_there_is_an_error_that_repeats_nothing(tmp_path, store, content, words):
    path = tmp_path / "address.txt"
    if content is not None:
        path.write_bytes(content)
    shell = Shell(tmp_path, str(tmp_path / "own.db"))
    done = shell.run("store", "copy", store.format(path=path), "x.db")
    assert done.returncode == 2
    assert words in error_line(done)
    assert PASSWORD not in done.stderr
