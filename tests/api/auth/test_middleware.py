"""Every route for everybody: the owner, another user, an admin, nobody, who comes too late, and ids that are none."""

from datetime import timedelta

import pytest
from support.api.client import KEY, Client, cheap_passwords
from support.fakes import DONE, ScriptedBot

from botchat.api.app import create_app
from botchat.api.auth.middleware import OPEN
from botchat.api.dependencies import Serving
from botchat.api.jwt import Signer
from botchat.core.chat import Chat
from botchat.core.storage.sqlite.repository import SqliteRepository
from botchat.core.turn import Turns
from botchat.settings import ApiSettings

BODIES = {
    "create_session": {},
    "send_message": {"content": "Hi"},
    "edit_message": {"content": "Hello"},
    "change_session": {"name": "New"},
    "give_feedback": {"rating": "up"},
    "cut_session": {"message_id": None},
    "change_preferences": {"topics": "shown"},
    "sign_in": {"user": "ann", "password": "wrong one"},
    "refresh": {"refresh_token": "none"},
    "complete": {"model": "b", "messages": [{"role": "user", "content": "Hi"}]},
}
"""What is sent to a route that takes a body."""

PARAMETERS = {"list_sessions_of": {"user": "ann"}, "find_sessions": {"text": "Hi"}}
"""What an address must say."""

EXPECTED = {
    "retry_reply": {422},
    "attach": {200, 204},
    "stop_reply": {204},
    "read_file": {404},
    "sign_in": {401},
    "refresh": {401},
    "metrics": {403},
    "list_sessions_of": {404},
    "read_session_of": {404},
}
"""What its owner gets, where that is no plain success."""

MALFORMED = ["none", "%00", "%2E%2E", "x" * 3000, "%F0%9F%90%A6", "%ED%A0%80", "$ne", "' OR 1=1 --", "{}"]


def routes():
    app = create_app(Serving(chat=None))
    for path, operations in app.openapi()["paths"].items():
        for method, operation in operations.items():
            yield pytest.param(method.upper(), path, operation["operationId"], id=operation["operationId"])


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A store with two users and an admin, and the API on it."""
    repository = SqliteRepository(tmp_path_factory.mktemp("api") / "botchat.db")
    repository.prepare()
    turns = Turns({"b": ScriptedBot("Hello", DONE)})
    chat = Chat(repository, turns, default_bot="b")
    cheap_passwords(chat)
    limits = ApiSettings(requests_per_minute=100_000, requests_per_minute_by_address=100_000)
    serving = Serving(chat=chat, settings=limits, admins=("root",), signer=Signer(KEY))
    tokens = {user: chat.auth.create_token(user)[1] for user in ("ann", "bob")}
    tokens["admin"] = chat.auth.create_token("root", scopes=("read", "write", "admin"))[1]
    tokens["expired"] = chat.auth.create_token("ann", lifetime=timedelta(seconds=-1))[1]
    tokens["forged"] = tokens["ann"][:-1] + "AB"[tokens["ann"][-1] == "A"]
    tokens["signed out"] = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbm4ifQ."
    tokens["no"] = None
    yield {who: Client(serving, token) for who, token in tokens.items()}
    turns.close(timeout=0)
    repository.close()


def asked(client: Client, method: str, path: str, name: str, session_id: str, message_id: str):
    place = path.format(session_id=session_id, message_id=message_id, file_id=message_id)
    return client.request(method, place, params=PARAMETERS.get(name), json=BODIES.get(name))


def stored(client: Client) -> tuple[str, str]:
    session_id = client.begin()
    return session_id, client.say(session_id).json()["message"]["id"]


@pytest.mark.parametrize(("method", "path", "name"), list(routes()))
def test_a_route_serves_its_owner_and_nobody_else(world, method, path, name):
    ids = stored(world["ann"])
    before = world["ann"].get(f"/session/{ids[0]}").json()
    has_id = "{" in path
    for who in ("no", "expired", "forged", "signed out"):
        answer = asked(world[who], method, path, name, *ids)
        if path in OPEN:
            assert answer.status_code == min(EXPECTED.get(name, {200}))
        else:
            assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
    for who in ("bob", "admin") if has_id else ():
        answer = asked(world[who], method, path, name, *ids)
        assert answer.status_code == 404
        missing = asked(world[who], method, path, name, "none", "none")
        assert answer.json()["detail"].replace(ids[0], "none") == missing.json()["detail"]
        unsaid = world["ann"].begin()  # known, and not stored
        assert asked(world[who], method, path, name, unsaid, ids[1]).status_code == 404
    assert world["ann"].get(f"/session/{ids[0]}").json() == before
    for malformed in MALFORMED if has_id else ():
        assert asked(world["ann"], method, path, name, malformed, ids[1]).status_code in {404, 405}
        if "{message_id}" in path or "{file_id}" in path:
            assert asked(world["ann"], method, path, name, ids[0], malformed).status_code in {404, 405}
    assert asked(world["ann"], method, path, name, *ids).status_code in EXPECTED.get(name, {200, 201, 204})


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", "application/json"),
        (b"[]", "application/json"),
        (b'"text"', "application/json"),
        (b"{", "application/json"),
        (b"nul", "application/json"),
        (b"\xff\xfe\xfd", "application/json"),
        (b'{"content": "\xff"}', "application/json"),
        (b'{"content": "\\ud800"}', "application/json"),
        (b'{"content": 1e999}', "application/json"),
        (b'{"content": null, "messages": {"a": NaN}}', "application/json"),
        (b'{"metadata": ' + b'{"a":' * 1000 + b"1" + b"}" * 1001, "application/json"),
        (b"[" * 1000 + b"]" * 1000, "application/json"),
        (b"[" * 200_000, "application/json"),
        (b'{"content": "' + b"x" * 10_000_000 + b'"}', "application/json"),
        (b'{"content": "Hi"}', "text/plain"),
        (b"content=Hi", "application/x-www-form-urlencoded"),
        (b"\x00" * 100, "application/octet-stream"),
    ],
    ids=lambda value: repr(value[:20]) if isinstance(value, bytes) else value,
)
def test_a_body_that_is_none_is_refused_by_every_route_that_takes_one(world, body, kind):
    session_id, message_id = stored(world["ann"])
    for route in routes():
        method, path, name = route.values
        if name in BODIES:
            place = path.format(session_id=session_id, message_id=message_id)
            answer = world["ann"].request(method, place, content=body, headers={"Content-Type": kind})
            assert answer.status_code in {400, 413, 422}, (name, answer.text)
            shape = {"error"} if path.startswith("/v1/") else {"title", "status", "detail"}
            assert shape <= answer.json().keys()
            assert len(answer.content) < 10_000


def test_a_body_that_is_too_large_and_does_not_say_so_is_broken_off(world):
    pieces = (b"x" * 100_000 for _ in range(100))
    answer = world["ann"].post("/session/create", content=pieces, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["status"]) == (413, 413)


def test_a_megabyte_of_deep_metadata_is_refused_and_what_a_store_can_hold_is_not(world):
    def nested(levels: int):
        return {"a": nested(levels - 1)} if levels else 1

    assert world["ann"].post("/session/create", json={"metadata": nested(80)}).status_code == 201
    session_id = world["ann"].post("/session/create", json={"metadata": nested(95)}).json().get("id")
    assert session_id is None or world["ann"].say(session_id).status_code == 422
