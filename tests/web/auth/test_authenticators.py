"""What a sign-out ends, sign-in through a proxy's header, and the checks of the configuration."""

from datetime import timedelta

import pytest
from starlette.requests import HTTPConnection
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect
from support.api.client import CHEAP_PASSWORDS
from support.web.sign_in import STREAM, has_access, is_refused, sign_in, sign_out, world_in

from botchat.core.auth import AuthService
from botchat.core.auth.ttl_cache import TTL_SECONDS
from botchat.core.errors import ConfigError, NotSignedIn, StoreUnavailable
from botchat.core.models import now
from botchat.settings import Settings, WebSettings
from botchat.web.auth.authenticators import SIGN_IN_COOKIE, HeaderAuthenticator
from botchat.web.launcher import _admins, _check_exposure


@pytest.fixture
def world(tmp_path):
    yield from world_in(tmp_path)


def test_signing_out_in_one_tab_ends_the_others_and_no_other_device(world):
    here, elsewhere = world.signed_in("ann"), world.signed_in("ann")
    with here.websocket_connect(STREAM) as tab, elsewhere.websocket_connect(STREAM) as other:
        assert (tab.receive_text(), other.receive_text()) == ("ann", "ann")
        kept = here.cookies[SIGN_IN_COOKIE]
        answer = sign_out(here)
        assert (answer.status_code, answer.headers["location"], SIGN_IN_COOKIE in here.cookies) == (
            303,
            "/sign-in",
            False,
        )
        assert (is_refused(tab), is_refused(other)) == (True, False)
        here.cookies.set(SIGN_IN_COOKIE, kept)
        assert not has_access(here)  # the cookie is worth nothing, wherever it was kept
        sign_out(elsewhere, everywhere="yes")
        assert is_refused(other)


def test_a_request_that_crosses_a_signing_out_is_not_remembered(world):
    kept = world.signed_in("ann").cookies
    accounts = world.repository.accounts()

    class Crossed:
        """A store of which another tab signs out between two answers."""

        def __getattr__(self, name):
            return getattr(accounts, name)

        def account(self, user):
            found = accounts.account(user)
            world.access.sign_out(kept[SIGN_IN_COOKIE].split("_")[1])
            return found

    world.access = AuthService(Crossed(), CHEAP_PASSWORDS)
    ann = world.browser()
    ann.cookies = kept
    assert has_access(ann)  # it was asked before
    assert not has_access(ann)


@pytest.mark.parametrize("signs_in", ["password", "header"])
def test_what_ends_in_another_process_ends_a_tab_that_only_listens(world, signs_in):
    ann = world.signed_in("ann") if signs_in == "password" else world.browser(sign_in="header", header="Remote-User")
    with ann.websocket_connect(STREAM, headers={"Remote-User": "ann"}) as tab:
        assert tab.receive_text() == "ann"
        elsewhere = AuthService(world.repository.accounts(), CHEAP_PASSWORDS)
        elsewhere.disable("ann")
        with pytest.raises(WebSocketDisconnect) as ended:
            tab.receive_text()
    assert ended.value.code == 1008


@pytest.mark.parametrize("what", ["disable", "set_password", "remove_account"])
def test_who_is_disabled_or_gets_another_password_is_signed_out_at_once(world, what):
    ann = world.signed_in("ann")
    with ann.websocket_connect(STREAM) as tab:
        tab.receive_text()
        getattr(world.access, what)("ann", *(["another word"] if what == "set_password" else []))
        assert is_refused(tab)
    assert not has_access(ann)


def test_a_sign_in_goes_on_while_one_comes_back_and_ends_a_week_later(world):
    browser = world.signed_in("ann")
    accounts = world.repository.accounts()
    sign_in_id = browser.cookies[SIGN_IN_COOKIE].split("_")[1]
    for days, is_in in ((3, True), (-1, False)):
        kept = accounts.sign_in(sign_in_id)
        accounts.renew_sign_in(sign_in_id, kept.hash, kept.hash, now() + timedelta(days=days))
        world.access = AuthService(accounts, CHEAP_PASSWORDS)  # another process: it remembers nobody
        again = world.browser()
        again.cookies = browser.cookies
        assert has_access(again) == is_in
        if is_in:
            assert accounts.sign_in(sign_in_id).expire_time > now() + timedelta(days=6)


def test_while_the_store_is_down_nobody_comes_in_and_who_is_there_stays(world):
    accounts, is_down, seconds = world.repository.accounts(), [], [0.0]

    class Failing:
        def __getattr__(self, name):
            if is_down:
                raise StoreUnavailable("The store is down.")
            return getattr(accounts, name)

    world.access = AuthService(Failing(), CHEAP_PASSWORDS, clock=lambda: seconds[0])
    ann = world.signed_in("ann")
    with ann.websocket_connect(STREAM) as tab:
        tab.receive_text()
        is_down.append(True)
        seconds[0] += TTL_SECONDS - 1
        assert has_access(ann)
        assert not is_refused(tab)
        seconds[0] += 1
        assert not is_refused(tab)
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
        authenticator = HeaderAuthenticator(world.access, "Remote-User", WebSettings().proxies)
        headers = [(b"remote-user", name) for name in names]
        with pytest.raises(NotSignedIn):
            authenticator.authenticate(HTTPConnection({"type": "http", "headers": headers, "client": ("127.0.0.1", 1)}))

    def test_who_is_disabled_here_does_not_come_in_and_their_tabs_end(self, world):
        browser = world.browser(sign_in="header", header="Remote-User")
        headers = {"Remote-User": "ann"}
        with browser.websocket_connect(STREAM, headers=headers) as tab:
            tab.receive_text()
            world.access.disable("ann")
            assert is_refused(tab)
        assert browser.get("/", headers=headers).status_code == 401


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1"])
def test_where_others_come_somebody_signs_in_or_it_was_said_that_nobody_needs_to(host):
    open_to_all = Settings(user="ann", host=host)
    with pytest.raises(ConfigError, match="all visitors would act as 'ann'"):
        _check_exposure(open_to_all, no_sign_in=False)
    _check_exposure(open_to_all, no_sign_in=True)
    closed = Settings(user="ann", host=host, web=WebSettings(sign_in="password"))
    _check_exposure(closed, no_sign_in=False)
    with pytest.raises(ConfigError, match="--no-sign-in conflicts with"):
        _check_exposure(closed, no_sign_in=True)


def test_where_people_sign_in_only_those_are_admins_whom_the_config_names():
    settings = Settings(user="ann", web=WebSettings(sign_in="password"))
    assert _admins(settings) == ()
    assert _admins(settings.model_copy(update={"admins": ("root",)})) == ("root",)
