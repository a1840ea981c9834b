"""The route /export: its responses, with a real store."""

import http.client
import json
import threading
from urllib.parse import quote

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.testclient import TestClient
from support.fakes import WatchedStore
from support.stores.servers import free_port
from support.stores.sessions import stored, user_says

from botchat.core.errors import StoreUnavailable
from botchat.core.models import Message, SessionFilter
from botchat.web.routes.export import EXPORT_ROUTE
from botchat.web.server.security_headers import AllowedHosts

SITE = Starlette(routes=[EXPORT_ROUTE], middleware=[Middleware(AllowedHosts, hosts=["localhost", "127.0.0.1", "::1"])])


@pytest.fixture
def client(site):
    """Ann's browser."""
    site.serve("ann")
    return TestClient(SITE, base_url="http://127.0.0.1:8501")


def file_name(answer) -> str:
    """The name that a browser of today gives the file."""
    return answer.headers["content-disposition"].partition("filename*=UTF-8''")[2]


def test_one_session_is_markdown_a_page_or_json_under_its_own_name(site, client):
    session = stored(site.store, name="Herons: grey & blue?", messages=3)
    for form, type_ in (("md", "text/markdown"), ("html", "text/html"), ("json", "application/json")):
        answer = client.get(f"/export?form={form}&session={session.id}")
        assert (answer.status_code, answer.headers["content-type"].partition(";")[0]) == (200, type_)
        assert file_name(answer) == quote(f"Herons_ grey & blue.{form}")
        assert answer.headers["content-disposition"].startswith("attachment; ")
        assert (answer.headers["x-content-type-options"], answer.headers["cache-control"]) == ("nosniff", "no-store")
        assert "message 2" in answer.text
    assert answer.json()["id"] == session.id


def test_all_sessions_are_the_users_own_without_the_trash(site, client):
    kept, archived, gone = (stored(site.store, name=name) for name in ("kept", "archived", "gone"))
    stored(site.store, "bob", name="Bob's")
    site.store.update("ann", archived.id, state="archived")
    site.store.delete("ann", gone.id)
    lines = client.get("/export?form=jsonl").text.splitlines()
    assert {json.loads(line)["id"] for line in lines} == {kept.id, archived.id}
    assert {session["id"] for session in client.get("/export?form=json").json()} == {kept.id, archived.id}
    for form in ("md", "html", "csv"):
        text = client.get(f"/export?form={form}").text
        assert ("kept" in text, "archived" in text, "gone" in text, "Bob" in text) == (True, True, False, False)


def test_a_user_without_sessions_gets_an_empty_document(client):
    assert client.get("/export?form=json").json() == []
    assert client.get("/export?form=jsonl").text == ""


def test_another_users_session_and_none_are_the_same_404(site, client):
    theirs = stored(site.store, "bob")
    for session_id in (theirs.id, "nosuch", "", "\x00"):
        answer = client.get("/export", params={"form": "md", "session": session_id, "user": "bob"})
        assert (answer.status_code, answer.text.endswith(" not found.")) == (404, True)
        assert "content-disposition" not in answer.headers


@pytest.mark.parametrize("form", ["", "exe", "../md"])
def test_a_form_that_is_none_is_a_400_that_names_them(client, form):
    answer = client.get("/export", params={"form": form})
    assert (answer.status_code, "Available formats: md, html, json, jsonl, csv." in answer.text) == (400, True)


def test_a_store_that_is_down_is_a_503_that_says_so(site, client):
    site.store.down = True
    answer = client.get("/export?form=jsonl")
    assert (answer.status_code, answer.text) == (503, "The store is down.")


@pytest.mark.parametrize("asker", ["cross-site", "same-site"])
def test_another_sites_page_gets_nothing(site, client, asker):
    stored(site.store)
    answer = client.get("/export?form=jsonl", headers={"Sec-Fetch-Site": asker})
    assert (answer.status_code, "message" in answer.text) == (403, False)


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example:8501", "[::2]", "[", ""])
def test_a_name_that_points_at_this_machine_gets_nothing(site, client, host):
    stored(site.store)
    answer = client.get("/export?form=jsonl", headers={"Host": host})
    assert (answer.status_code, "message" in answer.text) == (400, False)


@pytest.mark.parametrize("host", ["localhost:8501", "127.0.0.1", "[::1]:8501", "LOCALHOST"])
def test_the_servers_own_names_are_answered(client, host):
    assert client.get("/export?form=jsonl", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("../../etc/passwd", "etc_passwd.md"),
        ('a"; filename="evil.exe', "a_; filename=_evil.exe.md"),
        ("Grüße 👋", "Grüße 👋.md"),
        ("line\r\nSet-Cookie: x=1", "line Set-Cookie_ x=1.md"),
        ("\u202efdp.exe", "fdp.exe.md"),
        ("...", "session.md"),
        ("é" * 200, "é" * 60 + ".md"),
    ],
)
def test_a_name_is_never_a_path_or_a_header(site, client, name, file):
    session = stored(site.store, name=name)
    answer = client.get(f"/export?form=md&session={session.id}")
    assert file_name(answer) == quote(file, safe="")
    assert answer.headers["content-disposition"].isascii()
    assert "set-cookie" not in answer.headers


def test_a_page_holds_nothing_that_runs(site, client):
    session = stored(site.store, name="<script>alert(1)</script>")
    site.store.append(session, Message(role="assistant", content="<script>alert(2)</script> ![x](http://x.invalid)"))
    page = client.get(f"/export?form=html&session={session.id}").text
    assert "default-src 'none'" in page
    assert "<script" not in page
    assert "<img" not in page


def test_half_of_a_character_leaves_in_every_form(site, client):
    session = stored(site.store, name="odd")
    site.store.append(session, user_says("\ud800 and more"))
    for form in ("md", "html", "json", "jsonl", "csv"):
        assert "and more" in client.get(f"/export?form={form}&session={session.id}").text


class BreaksOff:
    """A store that goes down after the first sessions of an export."""

    def __init__(self, store: WatchedStore) -> None:
        self._store = store

    def __getattr__(self, name: str):
        return getattr(self._store, name)

    def for_admins(self):
        return self

    def records(self, where: SessionFilter, after=None):
        for i, record in enumerate(self._store.for_admins().records(where, after)):
            if i == 2:
                raise StoreUnavailable("The store is down.")
            yield record


def test_an_export_that_fails_in_the_middle_is_no_complete_file(site):
    for _ in range(3):
        session = stored(site.store)
        site.store.append(session, user_says("x" * 100_000))
    site.store = BreaksOff(site.store)
    site.serve("ann")
    server = uvicorn.Server(uvicorn.Config(SITE, port=free_port(), log_level="critical"))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            pass
        connection = http.client.HTTPConnection("127.0.0.1", server.config.port, timeout=30)
        connection.request("GET", "/export?form=jsonl")
        answer = connection.getresponse()
        with pytest.raises(http.client.IncompleteRead) as broken:
            answer.read()
        assert (answer.status, b"xxx" in broken.value.partial) == (200, True)
        connection.close()
    finally:
        server.should_exit = True
        thread.join(30)
