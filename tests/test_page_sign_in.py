"""Signing in to the page: every address for everybody, the forms, and what ends with a sign-in."""

import re
from contextlib import suppress
from datetime import timedelta

import pytest
from api_client import CHEAP
from sessions import stored
from starlette.applications import Starlette
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect
from tabs import Site

from botchat.core.access import Access
from botchat.core.errors import ConfigError, NotSignedIn, StoreUnavailable, TooMany
from botchat.core.files import read_file
from botchat.core.models import Message, now
from botchat.core.sqlite import SqliteRepository
from botchat.settings import Settings, WebSettings
from botchat.web import cached, state
from botchat.web.admission import admission
from botchat.web.attempts import Attempts
from botchat.web.doors import COOKIE, HeaderDoor
from botchat.web.export_route import EXPORT
from botchat.web.file_route import FILE
from botchat.web.launcher import _admins, _check_who_comes

WORD = "correct horse"
STREAM = "ws://127.0.0.1/_stcore/stream"


async def echo(socket):
    """What the page's websocket is: it tells who Streamlit would think it is, and answers each message."""
    await socket.accept()
    await socket.send_text(socket.headers.get("x-botchat-user", "nobody"))
    with suppress(WebSocketDisconnect):
        while True:
            await socket.send_text(await socket.receive_text())


def page(request):
    return PlainTextResponse(request.headers.get("x-botchat-user", "nobody"))


class World:
    """A store with accounts, and the page's addresses on it."""

    def __init__(self, folder) -> None:
        self.repository = SqliteRepository(folder / "botchat.db")
        self.repository.prepare()
        self.site = Site(self.repository)
        self.access = Access(self.repository.accounts(), CHEAP)
        for user in ("ann", "bob", "root"):
            self.access.add(user, WORD)

    def app(self, **settings) -> Starlette:
        made = admission(WebSettings(**settings), self.access, {})
        state.serve(state.Served(user=None, connect=self.site.connect, admins=("root",), can_sign_out=True))
        own = [EXPORT, FILE, *made.routes, WebSocketRoute("/_stcore/stream", echo), Route("/{any:path}", page)]
        return Starlette(routes=own, middleware=made.middleware)

    def browser(self, **settings) -> TestClient:
        app = self.app(**({"sign_in": "password"} | settings))
        return TestClient(app, base_url="http://127.0.0.1", follow_redirects=False, client=("127.0.0.1", 50000))

    def signed_in(self, user: str) -> TestClient:
        browser = self.browser()
        assert sign_in(browser, user).status_code == 303
        return browser


@pytest.fixture
def world(tmp_path):
    cached.connection.clear()
    world = World(tmp_path)
    yield world
    cached.connection.clear()
    for turns in world.site.made:
        turns.close(timeout=0)
    world.repository.close()


def key_of(browser: TestClient, path: str = "/sign-in") -> str:
    """The hidden key of a form."""
    return re.search(r'name="form" value="([\w-]{43})"', browser.get(path).text)[1]


def sign_in(browser: TestClient, user: str = "ann", password: str = WORD, path: str = "/sign-in", **form):
    return browser.post(path, data={"form": key_of(browser), "user": user, "password": password} | form)


def sign_out(browser: TestClient, **form):
    return browser.post("/sign-out", data={"form": key_of(browser, "/sign-out")} | form)


def may_see(browser: TestClient) -> bool:
    return browser.get("/").status_code == 200


def test_the_right_password_opens_the_page_and_a_new_tab_of_the_same_browser(world):
    browser = world.browser()
    asked = browser.get("/?session=abc&x=%26", headers={"Accept": "text/html"})
    assert (asked.status_code, asked.headers["location"]) == (303, "/sign-in?next=session%3Dabc%26x%3D%2526")
    answer = sign_in(browser, path=asked.headers["location"])
    assert (answer.status_code, answer.headers["location"]) == (303, "/?session=abc&x=%26")
    cookie = next(line for line in answer.headers.get_list("set-cookie") if line.startswith(COOKIE))
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert browser.get("/").text == "ann"
    with browser.websocket_connect(STREAM) as tab:
        assert tab.receive_text() == "ann"


@pytest.mark.parametrize("after", ["//evil.example", "https://evil.example", "\\\\evil.example", "\r\nX: y"])
def test_nobody_is_led_elsewhere_after_signing_in(world, after):
    browser = world.browser()
    answer = browser.post(
        "/sign-in", params={"next": after}, data={"form": key_of(browser), "user": "ann", "password": WORD}
    )
    assert answer.headers["location"].startswith("/?")
    assert "x" not in answer.headers


@pytest.mark.parametrize(
    ("user", "password"),
    [("ann", "wrong"), ("ann", ""), ("", WORD), ("nobody", WORD), ("proxied", WORD), ("disabled", WORD), ("<b>", "x")],
)
def test_a_wrong_password_says_so_in_the_same_words_and_lets_nobody_in(world, user, password):
    world.access.add("proxied")
    world.access.add("disabled", WORD)
    world.access.disable("disabled")
    browser = world.browser()
    answer = sign_in(browser, user, password)
    assert answer.status_code == 401
    assert '<p role="alert">' in answer.text
    assert "<b>" not in answer.text
    assert COOKIE not in answer.cookies
    assert not may_see(browser)


@pytest.mark.parametrize("form", [None, "", "x" * 43, "\xe9"])
def test_a_form_of_another_site_signs_nobody_in_or_out(world, form):
    browser = world.browser()
    key_of(browser)
    data = {"user": "ann", "password": WORD} | ({} if form is None else {"form": form})
    assert (browser.post("/sign-in", data=data).status_code, may_see(browser)) == (400, False)
    bare = world.browser()
    assert bare.post("/sign-in", data=data | {"form": key_of(browser)}).status_code == 400  # not this browser's
    ann = world.signed_in("ann")
    assert (ann.post("/sign-out", data=data).status_code, may_see(ann)) == (400, True)
    assert browser.post("/sign-in", content=b"x" * 20_000).status_code == 400


def test_ten_tries_a_minute_are_enough_for_a_user_and_for_an_address(world):
    browser = world.browser()
    statuses = [sign_in(browser, "ann", "wrong").status_code for _ in range(11)]
    assert statuses == [401] * 10 + [429]
    late = [0.0]
    attempts = Attempts(lambda: late[0])
    for _ in range(10):
        attempts.count("of ann")
    with pytest.raises(TooMany) as refused:
        attempts.count("of ann")
    assert 1 <= refused.value.retry_after <= 61
    attempts.count("of bob")
    late[0] = 61.0
    attempts.count("of ann")


ADDRESSES = {
    "a session as a file": "/export?form=json&session={session}",
    "what came with a message": "/file?session={session}&id={file}",
}
MALFORMED = ["", "none", "%00", "..%2f", "x" * 3000, "%F0%9F%90%A6", "%ED%A0%80", "$ne", "' OR 1=1 --", "{{}}"]


@pytest.mark.parametrize("address", ADDRESSES.values(), ids=ADDRESSES)
def test_an_address_serves_its_owner_and_nobody_else(world, address):
    session = stored(world.repository)
    world.repository.append(session, Message(role="user", content="Look", files=[read_file("a.txt", b"heron")]))
    file = world.repository.get("ann", session.id).messages[-1].files[0]
    place = address.format(session=session.id, file=file.id)
    assert world.signed_in("ann").get(place).status_code == 200
    nowhere = address.format(session="none", file=file.id)
    for other in map(world.signed_in, ("bob", "root")):
        answer = other.get(place)
        assert answer.status_code == 404
        assert answer.text.replace(session.id, "none") == other.get(nowhere).text
    ann = world.signed_in("ann")
    for malformed in MALFORMED:
        assert ann.get(address.format(session=malformed, file=file.id)).status_code == 404
    sign_out(ann)
    forged = world.browser()
    forged.cookies.set(COOKIE, "br_00000000-0000-0000-0000-000000000000_" + "x" * 43)
    for nobody in (world.browser(), ann, forged):
        assert nobody.get(place).status_code == 401


@pytest.mark.parametrize("path", ["/", "/_stcore/host-config", "/_stcore/metrics", "/export", "/sign-out"])
def test_who_is_not_signed_in_gets_nothing_whatever_they_say_they_are(world, path):
    browser = world.browser()
    for spoofed in ({}, {"X-Botchat-User": "ann"}, {"x-botchat-user": "root"}, {"X-Forwarded-User": "ann"}):
        answer = browser.get(path, headers=spoofed)
        assert (answer.status_code, "ann" in answer.text) == (401, False)
        with pytest.raises(WebSocketDisconnect), browser.websocket_connect(STREAM, headers=spoofed):
            pass
    bob = world.signed_in("bob")
    assert bob.get("/", headers={"X-Botchat-User": "ann"}).text == "bob"
    with bob.websocket_connect(STREAM, headers={"X-Botchat-User": "ann"}) as tab:
        assert tab.receive_text() == "bob"


def refused(tab) -> bool:
    """Whether a tab that was open is served no more."""
    tab.send_text("click")
    try:
        return tab.receive_text() != "click"
    except WebSocketDisconnect as ended:
        return ended.code == 1008


def test_signing_out_in_one_tab_ends_the_others_and_no_other_device(world):
    here, elsewhere = world.signed_in("ann"), world.signed_in("ann")
    with here.websocket_connect(STREAM) as tab, elsewhere.websocket_connect(STREAM) as other:
        assert (tab.receive_text(), other.receive_text()) == ("ann", "ann")
        kept = here.cookies[COOKIE]
        answer = sign_out(here)
        assert (answer.status_code, answer.headers["location"], COOKIE in here.cookies) == (303, "/sign-in", False)
        assert (refused(tab), refused(other)) == (True, False)
        here.cookies.set(COOKIE, kept)
        assert not may_see(here)  # the cookie is worth nothing, wherever it was kept
        sign_out(elsewhere, everywhere="yes")
        assert refused(other)


def test_a_request_that_crosses_a_signing_out_is_not_remembered(world):
    ann = world.signed_in("ann")
    accounts = world.repository.accounts()

    class Crossed:
        """A store of which another tab signs out between two answers."""

        def __getattr__(self, name):
            return getattr(accounts, name)

        def account(self, user):
            found = accounts.account(user)
            world.access.sign_out(ann.cookies[COOKIE].split("_")[1])
            return found

    world.access._sign_ins.forget(lambda _: True)
    world.access._accounts = Crossed()
    assert may_see(ann)  # it was asked before
    assert not may_see(ann)


@pytest.mark.parametrize("what", ["disable", "set_password", "remove"])
def test_who_is_disabled_or_gets_another_password_is_signed_out_at_once(world, what):
    ann = world.signed_in("ann")
    with ann.websocket_connect(STREAM) as tab:
        tab.receive_text()
        getattr(world.access, what)("ann", *(["another word"] if what == "set_password" else []))
        assert refused(tab)
    assert not may_see(ann)


def test_a_sign_in_goes_on_while_one_comes_back_and_ends_a_week_later(world):
    browser = world.signed_in("ann")
    accounts = world.repository.accounts()
    sign_in_id = browser.cookies[COOKIE].split("_")[1]
    for days, is_in in ((3, True), (-1, False)):
        kept = accounts.sign_in(sign_in_id)
        accounts.renew_sign_in(sign_in_id, kept.hash, kept.hash, now() + timedelta(days=days))
        world.access = Access(accounts, CHEAP)  # another process: it remembers nobody
        again = world.browser()
        again.cookies = browser.cookies
        assert may_see(again) == is_in
        if is_in:
            assert accounts.sign_in(sign_in_id).expire_time > now() + timedelta(days=6)


def test_while_the_store_is_down_nobody_comes_in_and_who_is_there_stays(world):
    class Down:
        def __getattr__(self, name):
            raise StoreUnavailable("The store is down.")

    ann = world.signed_in("ann")
    with ann.websocket_connect(STREAM) as tab:
        tab.receive_text()
        world.access._accounts = Down()
        world.access._sign_ins.forget(lambda _: True)
        assert not refused(tab)
        assert ann.get("/", headers={"Accept": "text/html"}).status_code == 503
        assert sign_in(world.browser()).status_code == 503


class TestAProxysHeader:
    """Who signs in at a proxy."""

    def test_it_is_taken_from_the_proxy_and_from_nobody_else(self, world):
        here = {"Remote-User": "zoë".encode()}
        near = world.browser(sign_in="header", header="Remote-User")
        assert near.get("/", headers=here).text == "zo%C3%AB"
        with near.websocket_connect(STREAM, headers=here) as tab:
            assert tab.receive_text() == "zo%C3%AB"
        far = TestClient(near.app, client=("10.0.0.7", 50000))
        assert far.get("/", headers=here).status_code == 401
        behind = world.browser(sign_in="header", header="Remote-User", proxies=["10.0.0.0/8"])
        assert TestClient(behind.app, client=("10.0.0.7", 50000)).get("/", headers=here).status_code == 200
        assert behind.get("/", headers=here).status_code == 401

    @pytest.mark.parametrize("names", [[], [b""], [b"ann", b"bob"], [b"\xff"]])
    def test_none_two_or_no_text_are_nobody(self, world, names):
        door = HeaderDoor(world.access, "Remote-User", WebSettings().proxies)
        headers = [(b"remote-user", name) for name in names]
        with pytest.raises(NotSignedIn):
            door.enter(HTTPConnection({"type": "http", "headers": headers, "client": ("127.0.0.1", 1)}))

    def test_who_is_disabled_here_does_not_come_in_and_their_tabs_end(self, world):
        browser = world.browser(sign_in="header", header="Remote-User")
        headers = {"Remote-User": "ann"}
        with browser.websocket_connect(STREAM, headers=headers) as tab:
            tab.receive_text()
            world.access.disable("ann")
            assert refused(tab)
        assert browser.get("/", headers=headers).status_code == 401


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1"])
def test_where_others_come_somebody_signs_in_or_it_was_said_that_nobody_needs_to(host):
    open_to_all = Settings(user="ann", host=host)
    with pytest.raises(ConfigError, match="everybody there would be 'ann'"):
        _check_who_comes(open_to_all, no_sign_in=False)
    _check_who_comes(open_to_all, no_sign_in=True)
    closed = Settings(user="ann", host=host, web=WebSettings(sign_in="password"))
    _check_who_comes(closed, no_sign_in=False)
    with pytest.raises(ConfigError, match="leave out --no-sign-in"):
        _check_who_comes(closed, no_sign_in=True)


def test_where_people_sign_in_only_those_are_admins_whom_the_config_names():
    settings = Settings(user="ann", web=WebSettings(sign_in="password"))
    assert _admins(settings) == ()
    assert _admins(settings.model_copy(update={"admins": ("root",)})) == ("root",)
