"""The audit log: what is stored on every store, what the API records, what `botchat audit` lists."""

import contextlib
import json
import signal
import sqlite3
from datetime import timedelta

import httpx2
import pytest
from pydantic import ValidationError
from support.api.client import Api, Client
from support.fakes import ScriptedBot

from botchat.api.dependencies import Serving
from botchat.bootstrap import build_repository
from botchat.core.chat import Chat
from botchat.core.errors import InvalidInput, StoreRefused
from botchat.core.models import Message, Session, now
from botchat.core.storage import AuditEvent, AuditFilter
from botchat.core.turn import Turns
from botchat.settings import ApiSettings, Settings

FORGED = 'ann\nbob read the session 1 of eve\x1b[2J\u202e\u2028\x7f"'
LATER = timedelta(hours=1)


def event(**fields) -> AuditEvent:
    return AuditEvent(**({"admin": "bob", "action": "read_session", "user": "ann", "session_id": "s1"} | fields))


def test_events_are_read_back_newest_first_and_by_filter(repository):
    log, at = repository.audit(), now()
    assert list(log.events(AuditFilter())) == []
    first = event(time=at - 2 * LATER)
    second = event(time=at - LATER, action="list_sessions", user=FORGED, session_id=None)
    third = event(time=at, admin="eve", session_id="s2")
    for each in (second, third, first):
        log.add(each, at + LATER)
    found = {
        "all": AuditFilter(),
        "admin": AuditFilter(admin="bob"),
        "user": AuditFilter(user=FORGED),
        "action": AuditFilter(action="read_session"),
        "session": AuditFilter(session_id="s2"),
        "since": AuditFilter(since=second.time),
        "until": AuditFilter(until=second.time),
        "none": AuditFilter(admin="bob", session_id="s2"),
    }
    assert {name: list(log.events(where)) for name, where in found.items()} == {
        "all": [third, second, first],
        "admin": [second, first],
        "user": [second],
        "action": [third, first],
        "session": [third],
        "since": [third, second],
        "until": [first],
        "none": [],
    }
    assert list(log.events(AuditFilter(), limit=2)) == [third, second]


def test_expired_events_are_not_listed(repository):
    log, at = repository.audit(), now()
    log.add(event(), at - LATER)
    assert list(log.events(AuditFilter())) == []


def test_expired_events_leave_the_file_with_the_next_event(tmp_path):
    repository = build_repository(str(tmp_path / "a.db"))
    repository.prepare()
    repository.audit().add(event(), now() - LATER)
    repository.audit().add(event(), now() + LATER)
    with contextlib.closing(sqlite3.connect(tmp_path / "a.db")) as db:
        assert db.execute("SELECT count(*) FROM audit_events").fetchone() == (1,)
    repository.close()


def test_the_database_removes_expired_events_by_itself(repository, request):
    if "mongo" not in request.node.callspec.id:
        pytest.skip("the file removes them with the next event")
    repository.audit().add(event(), now() + LATER)
    assert repository._database["audit_events"].index_information()["expiry"]["expireAfterSeconds"] == 0


def test_what_no_store_could_hold_is_refused(repository):
    for wrong in (event(user="a\0b"), event(admin=""), event(session_id="\ud800")):
        with pytest.raises(InvalidInput):
            repository.audit().add(wrong, now() + LATER)


@pytest.fixture
def chat(repository):
    turns = Turns({"b": ScriptedBot("Hello")})
    yield Chat(repository, turns, default_bot="b")
    turns.close()


def admin_client(chat) -> Client:
    _, token = chat.auth.create_token("bob", scopes=("read", "write", "admin"))
    return Client(Serving(chat=chat, settings=ApiSettings(admins_read=True), admins=("bob",)), token)


def test_each_access_is_an_event_that_no_route_removes(chat, repository):
    session = Session(user="ann", bot_id="b")
    repository.append(session, Message(role="user", content="Secret plans"))
    client = admin_client(chat)
    assert client.get(f"/admin/session/{session.id}").status_code == 200
    assert client.get("/admin/sessions", params={"user": FORGED}).status_code == 200
    assert client.get("/admin/session/none").status_code == 404
    listed, read = chat.audit.events(AuditFilter())
    assert (listed.admin, listed.action, listed.user, listed.session_id) == ("bob", "list_sessions", FORGED, None)
    assert (read.admin, read.action, read.user, read.session_id) == ("bob", "read_session", "ann", session.id)
    paths = client.get("/openapi.json").json()["paths"]
    assert not [path for path in paths if "audit" in path]
    chat.purge("ann", session.id)
    chat.auth.remove_account("ann")
    chat.for_admins().delete_preferences("ann")
    assert list(chat.audit.events(AuditFilter())) == [listed, read]


class Full:
    """An audit log on a full disk."""

    def add(self, *_):
        raise StoreRefused("The disk is full.")


def test_without_its_event_nothing_is_read(chat, repository):
    session = Session(user="ann", bot_id="b")
    repository.append(session, Message(role="user", content="Secret plans"))
    client = admin_client(chat)
    chat.audit = Full()
    for path in (f"/admin/session/{session.id}", "/admin/sessions?user=ann"):
        answer = client.get(path)
        assert (answer.status_code, "Secret" in answer.text) == (503, False)


def test_a_user_that_no_store_could_hold_is_refused(chat):
    assert admin_client(chat).get("/admin/sessions", params={"user": "a\0b"}).status_code == 422


def test_a_line_break_and_an_escape_in_a_parameter_write_no_second_line(shell):
    """The attack: a parameter that would write a line of its own, and erase the screen of whoever reads the log."""
    shell.configure('admins = ["ann"]\n[api]\nadmins_read = true\n')
    token = shell.run("tokens", "create", "ann", "--scope", "admin", "--scope", "read").stdout.strip()
    api = Api(shell)
    url = f"{api.address}/admin/sessions"
    answer = httpx2.get(url, params={"user": FORGED}, headers={"Authorization": f"Bearer {token}"})
    api.process.send_signal(signal.SIGTERM)
    _, errors = api.process.communicate()
    assert answer.status_code == 200, answer.text
    assert errors.isascii()
    assert not set(errors) - {10, *range(32, 127)}
    (line,) = errors.decode().splitlines()
    logged = json.loads(line)
    assert (logged["admin"], logged["user"], logged["action"]) == ("ann", FORGED, "list_sessions")

    listed = shell.run("audit", "-F", "jsonl", "--user", FORGED)
    assert listed.returncode == 0, listed.stderr
    (stored,) = listed.stdout.split("\n")[:-1]
    assert json.loads(stored)["user"] == FORGED
    (cells,) = shell.lines("audit")
    assert (cells[1], cells[3], "\x1b" in cells[2]) == ("ann", "list_sessions", False)
    assert "No audit events match" in shell.run("audit", "--admin", "bob").stderr
    assert shell.lines("audit", "--action", "list_sessions", "--since", "1d", "-n", "1", "--fields", "admin") == [
        ["ann"]
    ]


def test_how_long_events_are_kept_is_configured(chat, repository):
    _, token = chat.auth.create_token("bob", scopes=("read", "admin"))
    settings = Settings.model_validate({"api": {"admins_read": True, "audit_retention": "30d"}}).api
    client = Client(Serving(chat=chat, settings=settings, admins=("bob",)), token)
    kept = []

    class Log:
        def add(self, event, expire_time):
            kept.append(expire_time - event.time)

    chat.audit = Log()
    client.get("/admin/sessions", params={"user": "ann"})
    assert kept == [timedelta(days=30)]
    assert ApiSettings().audit_retention == timedelta(days=365)
    with pytest.raises(ValidationError):
        ApiSettings.model_validate({"audit_retention": "999999y"})
