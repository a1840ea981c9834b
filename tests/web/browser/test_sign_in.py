"""Sign-in on the real page: with a password in Chromium, and at an identity provider on this machine."""

import re
import signal
from typing import NamedTuple

import httpx2
import pytest
from playwright.sync_api import expect
from support.stores.servers import free_port
from support.stores.sessions import stored
from support.web.browser import Visitor, chromium_binary
from support.web.oidc_provider import Provider

from botchat.core.auth import AuthService

needs_browser = pytest.mark.skipif(chromium_binary() is None, reason="no Chromium here")
WORD = "correct horse"


@pytest.fixture
def accounts(local_repository):
    access = AuthService(local_repository.accounts())
    for user in ("ann", "bob"):
        access.add_account(user, WORD)
    return access


@pytest.fixture
def site(local_shell, accounts, serve):
    local_shell.configure('titles = false\nadmins = ["root"]\n[web]\nsign_in = "password"\n')
    return serve(local_shell, "--api")


def sign_in(visitor, address: str | None, user: str, password: str) -> None:
    if address:
        visitor.page.goto(address)
    visitor.page.get_by_label("Username").fill(user)
    visitor.page.get_by_label("Password", exact=True).fill(password)
    visitor.page.get_by_role("button", name="Sign in").click()


@needs_browser
def test_who_says_the_password_comes_in_and_stays_over_a_reload(site, visitor):
    assert "for signed-in users" in site.line
    sign_in(visitor, site.address, "ann", "a wrong one")
    expect(visitor.page.get_by_role("alert")).to_have_text("Incorrect username or password.")
    sign_in(visitor, site.address, "ann", WORD)
    visitor.say("What is a heron?")
    expect(visitor.messages).to_have_count(2)
    assert "session=" in visitor.page.url
    visitor.visit(visitor.page.url)
    visitor.sees("What is a heron?")
    assert visitor.page.evaluate("document.cookie.includes('botchat')") is False
    assert site.stop() in {0, -signal.SIGTERM}  # with a tab that is still open


@needs_browser
def test_after_a_wrong_password_the_name_is_kept_and_the_focus_is_in_the_password(site, visitor):
    page = visitor.page
    page.goto(site.address)
    expect(page.get_by_label("Username")).to_be_focused()
    sign_in(visitor, None, "ann", "a wrong one")
    expect(page.get_by_role("alert")).to_have_text("Incorrect username or password.")
    expect(page.get_by_label("Username")).to_have_value("ann")
    password = page.get_by_label("Password", exact=True)
    expect(password).to_be_focused()
    expect(password).to_have_value("")
    expect(password).to_have_accessible_description("Incorrect username or password.")
    page.keyboard.type(WORD)
    page.keyboard.press("Enter")
    expect(visitor.line).to_be_visible()


@needs_browser
def test_a_password_can_be_shown_and_is_sent_as_a_password(site, visitor):
    page = visitor.page
    page.goto(site.address)
    page.get_by_label("Username").fill("ann")
    password = page.get_by_label("Password", exact=True)
    password.fill("a wrong one")
    page.get_by_label("Show password").check()
    expect(password).to_have_attribute("type", "text")
    page.get_by_label("Show password").uncheck()
    expect(password).to_have_attribute("type", "password")
    page.get_by_label("Show password").check()
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_be_visible()
    expect(password).to_have_attribute("type", "password")
    expect(page.get_by_label("Show password")).not_to_be_checked()


@needs_browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_sign_in_page_has_an_icon_contrast_and_fits_a_phone(site, visitor, scheme):
    page = visitor.page
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": 390, "height": 800})
    refused: list[str] = []
    page.on("console", lambda message: refused.append(message.text))
    sign_in(visitor, site.address, "ann", "a wrong one")
    expect(page.get_by_role("alert")).to_be_visible()
    assert page.evaluate("document.querySelector('header img').naturalWidth") == 64
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    for selector, needed in (("[role=alert]", 4.5), ("button", 4.5), ("label", 4.5), ("h1", 4.5), (".show", 4.5)):
        assert page.evaluate(_CONTRAST, selector) >= needed, selector
    assert not [text for text in refused if "Content Security Policy" in text]


_CONTRAST = """selector => {
  const channels = (color) => color.match(/[\\d.]+/g).map(Number);
  const luminance = (color) => channels(color).slice(0, 3).map((value) => value / 255)
    .map((value) => value <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4)
    .reduce((sum, value, i) => sum + value * [0.2126, 0.7152, 0.0722][i], 0);
  const element = document.querySelector(selector);
  let back = element;
  while (back && channels(getComputedStyle(back).backgroundColor)[3] === 0) back = back.parentElement;
  const found = [getComputedStyle(element).color, getComputedStyle(back).backgroundColor].map(luminance);
  return (Math.max(...found) + 0.05) / (Math.min(...found) + 0.05);
}"""


@needs_browser
def test_a_program_talks_in_the_session_that_the_page_shows(site, accounts, local_repository, visitor):
    session = stored(local_repository).id
    sign_in(visitor, f"{site.address}/?session={session}", "ann", WORD)
    visitor.sees("message 0")
    bearer = {"Authorization": f"Bearer {accounts.create_token('ann')[1]}"}
    with httpx2.Client(base_url=site.address, trust_env=False, timeout=60, headers=bearer) as program:
        assert [found["id"] for found in program.get("/api/sessions").json()["sessions"]] == [session]
        said = program.post(f"/api/session/{session}/message", json={"content": "From a program"})
        assert (said.status_code, program.get("/api/session/none").json()["status"]) == (200, 404)
    visitor.sees("From a program")


@needs_browser
def test_a_person_is_shown_neither_another_s_session_nor_the_admins_page(site, local_repository, visitor):
    session = stored(local_repository, name="Herons").id
    sign_in(visitor, f"{site.address}/?session={session}", "bob", WORD)  # is led to where they wanted to go
    visitor.sees("not found")
    assert "Herons" not in visitor.page.inner_text("body")
    visitor.page.goto(f"{site.address}/?view=admin")
    visitor.sees("Page not found.")


@needs_browser
def test_who_signs_out_in_one_tab_is_signed_out_in_all(site, accounts, local_repository, visitor):
    session = stored(local_repository).id
    sign_in(visitor, f"{site.address}/?session={session}", "ann", WORD)
    visitor.sees("message 0")
    second = Visitor(visitor.page.context.new_page())
    second.visit(site.address)
    second.page.get_by_role("link", name="Sign out").click()
    second.page.get_by_role("button", name="Sign out", exact=True).click()
    expect(second.page.get_by_label("Password", exact=True)).to_be_visible()
    expect(visitor.page.get_by_label("Password", exact=True)).to_be_visible()  # by itself
    sign_in(visitor, None, "bob", WORD)
    visitor.sees("not found")
    accounts.disable("bob")  # in this process, not in the page's
    expect(visitor.page.get_by_label("Password", exact=True)).to_be_visible()


@pytest.fixture
def provider():
    with Provider() as provider:
        yield provider


class Arrival(NamedTuple):
    """What a browser has that went to the provider and came back."""

    answer: httpx2.Response
    cookies: set[str]
    export: int


def come_back(address: str, query: str = "") -> Arrival:
    with httpx2.Client(trust_env=False, follow_redirects=True, timeout=30) as browser:
        page = browser.get(f"{address}/{query}", headers={"Accept": "text/html"})
        assert page.url.path == "/sign-in"
        answer = browser.get(page.url.join(re.search('<a class="button" href="([^"]*)">Continue with', page.text)[1]))
        return Arrival(answer, set(browser.cookies), browser.get(f"{address}/export?form=json").status_code)


def test_who_has_an_account_signs_in_at_a_provider(local_shell, local_repository, serve, provider):
    port = free_port()
    local_shell.configure(
        f'[web]\nsign_in = "oidc"\n[web.oidc]\nprovider = "{provider.description}"\nclient_id = "botchat"\n'
        f'address = "http://127.0.0.1:{port}"\n',
    )
    local_shell.environment["BOTCHAT_OIDC_SECRET"] = provider.secret
    access = AuthService(local_repository.accounts())
    access.add_account("ann@example.org")
    site = serve(local_shell, "--port", str(port))

    provider.claims = {"sub": "1", "email": "ann@example.org", "email_verified": True}
    ann = come_back(site.address, "?session=a%26b&view=%0d%0a")
    assert (ann.answer.status_code, ann.answer.url.raw_path, ann.export) == (200, b"/?session=a%26b&view=%0d%0a", 200)
    assert come_back(site.address).answer.url.raw_path == b"/"
    assert "botchat_next" not in ann.cookies
    assert [name for name in ann.cookies if name.startswith("_streamlit_user")] == []

    for claims, told in (
        ({"email": "eve@example.org", "email_verified": True}, "has no account here"),
        ({"email": "ann@example.org"}, "hasn&#x27;t verified"),
        ({"email": "ann@example.org", "email_verified": False}, "hasn&#x27;t verified"),
        ({"name": "ann@example.org"}, "has no &#x27;email&#x27; claim"),
    ):
        provider.claims = {"sub": "2", **claims}
        refused = come_back(site.address)
        assert (told in refused.answer.text, refused.export) == (True, 401)
        assert "botchat_sign_in" not in refused.cookies
    provider.claims = {"sub": "1", "email": "ann@example.org", "email_verified": True}
    provider.forges = True  # signed by somebody else
    assert come_back(site.address).export == 401
