"""Sign-in with OpenID Connect: each callback signs in once, and signing out includes the provider."""

import re
from concurrent.futures import ThreadPoolExecutor
from html import unescape
from typing import NamedTuple
from urllib.parse import parse_qs, urlsplit

import httpx2
import jwt
import pytest
from playwright.sync_api import expect
from support.stores.servers import free_port
from support.web.browser import chromium_binary
from support.web.oidc_provider import Provider

from botchat.core.auth import AuthService
from botchat.web.auth.authenticators import SIGN_IN_COOKIE

ANN = {"sub": "1", "email": "ann@example.org", "email_verified": True}


@pytest.fixture
def provider():
    with Provider() as provider:
        provider.claims = ANN
        yield provider


@pytest.fixture
def site(local_shell, local_repository, serve, provider):
    port = free_port()
    local_shell.configure(
        f'[web]\nsign_in = "oidc"\n[web.oidc]\nprovider = "{provider.description}"\nclient_id = "botchat"\n'
        f'address = "http://127.0.0.1:{port}"\n',
    )
    local_shell.environment["BOTCHAT_OIDC_SECRET"] = provider.secret
    AuthService(local_repository.accounts()).add_account("ann@example.org")
    return serve(local_shell, "--port", str(port))


@pytest.fixture
def open_browser(site):
    made = []

    def make(cookies=None):
        made.append(httpx2.Client(base_url=site.address, trust_env=False, timeout=30, cookies=cookies))
        return made[-1]

    yield make
    for browser in made:
        browser.close()


class Callback(NamedTuple):
    """Where a provider sends a browser back to, and the cookies that the browser has then."""

    url: httpx2.URL
    cookies: dict[str, str]


def way_back(browser) -> Callback:
    """Let a browser go to the provider, and stop it before it follows the way back."""
    answer = browser.get("/sign-in/elsewhere")
    while "/oauth2callback" not in answer.headers["location"]:
        answer = browser.get(answer.url.join(answer.headers["location"]))
    return Callback(httpx2.URL(answer.headers["location"]), {c.name: c.value for c in browser.cookies.jar})


def signed_in(browser):
    answer = browser.get(way_back(browser).url)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    return browser


def has_access(browser) -> bool:
    return browser.get("/export?form=json").status_code == 200


def sign_ins(repository, user="ann@example.org") -> int:
    with repository._file.connection() as db:
        return db.execute("SELECT count(*) FROM auth_sessions WHERE user = ?", (user,)).fetchone()[0]


class TestReplay:
    def test_the_same_callback_with_the_same_cookies_signs_in_once(self, open_browser, local_repository):
        callback = way_back(open_browser())
        first = open_browser(callback.cookies).get(callback.url)
        assert (first.status_code, SIGN_IN_COOKIE in first.cookies) == (303, True)
        for cookies in (callback.cookies, callback.cookies | dict(first.cookies)):
            again = open_browser(cookies)
            answer = again.get(callback.url)
            assert (answer.status_code, "This sign-in was already used." in answer.text) == (400, True)
            assert SIGN_IN_COOKIE not in answer.cookies
            assert has_access(again) == (SIGN_IN_COOKIE in cookies)  # a browser that was signed in still is
        assert sign_ins(local_repository) == 1

    def test_of_many_at_once_one_signs_in(self, open_browser, local_repository):
        callback = way_back(open_browser())
        browsers = [open_browser(callback.cookies) for _ in range(8)]
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda browser: browser.get(callback.url), browsers))
        assert sorted(answer.status_code for answer in answers) == [303] + [400] * 7
        assert sign_ins(local_repository) == 1

    def test_a_refused_user_s_callback_is_used_too(self, open_browser, provider, local_repository):
        callback = way_back(open_browser())
        provider.claims = ANN | {"email": "eve@example.org"}
        assert "has no account here" in open_browser(callback.cookies).get(callback.url).text
        provider.claims = ANN
        assert "already used" in open_browser(callback.cookies).get(callback.url).text
        assert sign_ins(local_repository) == 0

    def test_another_browser_s_callback_signs_nobody_in(self, open_browser, local_repository):
        callback = way_back(open_browser())
        other = open_browser()
        way_back(other)
        answer = other.get(callback.url)
        assert (answer.status_code, "started in another browser" in answer.text) == (400, True)
        assert sign_ins(local_repository) == 0


class TestSignOut:
    def sign_out(self, browser):
        form = re.search(r'name="form" value="([\w-]{43})"', browser.get("/sign-out").text)[1]
        return browser.post("/sign-out", data={"form": form})

    def test_it_ends_at_the_provider_too(self, open_browser, provider):
        provider.signs_out = True
        browser = signed_in(open_browser())
        cookie = browser.cookies[SIGN_IN_COOKIE]
        answer = self.sign_out(browser)
        assert (answer.status_code, SIGN_IN_COOKIE in browser.cookies, has_access(browser)) == (200, False, False)
        there = answer.headers["refresh"].removeprefix("0; url=")
        assert there == unescape(re.search('<a href="([^"]*)">Also sign out of 127.0.0.1', answer.text)[1])
        asked = {name: values[0] for name, values in parse_qs(urlsplit(there).query).items()}
        told = jwt.decode(asked.pop("id_token_hint"), options={"verify_signature": False})
        assert (told["aud"], told["email"]) == ("botchat", "ann@example.org")
        state = asked.pop("state")
        assert asked == {
            "from": "page",
            "client_id": "botchat",
            "post_logout_redirect_uri": f"{browser.base_url}/sign-in".replace("//sign-in", "/sign-in"),
        }
        back = browser.get(browser.get(there).headers["location"])
        assert (back.status_code, "You are signed out." in back.text) == (200, True)
        assert provider.signed_out[0]["state"] == state
        for strange in (state, "x", ""):  # the state is good once
            assert "You are signed out." not in browser.get("/sign-in", params={"state": strange}).text
        assert "botchat_id_token" not in browser.cookies
        browser.cookies.set(SIGN_IN_COOKIE, cookie)
        assert not has_access(browser)

    def test_where_the_provider_has_no_address_for_it_it_ends_here(self, open_browser):
        browser = signed_in(open_browser())
        answer = self.sign_out(browser)
        assert (answer.status_code, answer.headers["location"], "refresh" in answer.headers) == (303, "/sign-in", False)
        assert not has_access(browser)

    def test_where_the_provider_can_t_be_reached_it_ends_here_and_says_so(self, open_browser, provider):
        browser = signed_in(open_browser())
        provider.stop()
        answer = self.sign_out(browser)
        assert "couldn't be signed out of 127.0.0.1: Can&#x27;t reach 127.0.0.1." in answer.text
        assert (answer.status_code, has_access(browser)) == (200, False)

    def test_another_site_s_form_and_a_link_end_nothing(self, open_browser, provider):
        provider.signs_out = True
        browser = signed_in(open_browser())
        for answer in (browser.post("/sign-out"), browser.post("/sign-out", data={"form": "x" * 43})):
            assert (answer.status_code, "refresh" in answer.headers) == (400, False)
        assert browser.get("/sign-out").status_code == 200
        assert has_access(browser)

    def test_an_id_token_too_long_for_a_cookie_is_not_kept(self, open_browser, provider):
        provider.signs_out = True
        provider.claims = ANN | {"groups": ["a group of many people"] * 200}
        answer = self.sign_out(signed_in(open_browser()))
        assert "client_id=botchat" in answer.headers["refresh"]
        assert "id_token_hint" not in answer.headers["refresh"]

    @pytest.mark.skipif(chromium_binary() is None, reason="no Chromium here")
    def test_a_browser_follows_to_the_provider_and_back(self, site, provider, visitor):
        provider.signs_out = True
        visitor.page.goto(site.address)
        visitor.page.get_by_role("link", name="Continue with single sign-on").click()
        visitor.page.get_by_role("link", name="Sign out").click()
        visitor.page.get_by_role("button", name="Sign out", exact=True).click()
        expect(visitor.page.get_by_role("status")).to_have_text("You are signed out.")
        assert len(provider.signed_out) == 1
