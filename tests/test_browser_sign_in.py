"""Signing in to the real page: with a password in Chromium, and elsewhere at a provider on this machine."""

import signal
from typing import NamedTuple

import httpx2
import pytest
from browser import Visitor, chromium_binary
from oidc_provider import Provider
from playwright.sync_api import expect
from servers import free_port

from botchat.core.access import Access

needs_browser = pytest.mark.skipif(chromium_binary() is None, reason="no Chromium here")
WORD = "correct horse"


def configure(shell, tmp_path, text: str) -> None:
    config = tmp_path / "config.toml"
    config.write_text(f'titles = false\nadmins = ["root"]\n{text}')
    shell.environment["BOTCHAT_CONFIG"] = str(config)


@needs_browser
def test_a_story_of_two_people_two_tabs_and_a_program(local_shell, local_repository, serve, browser, tmp_path):
    configure(local_shell, tmp_path, '[web]\nsign_in = "password"\n')
    access = Access(local_repository.accounts())
    for user in ("ann", "bob"):
        access.add(user, WORD)
    site = serve(local_shell, "--api")
    assert "for who signs in" in site.line
    context = browser.new_context()
    ann = Visitor(context.new_page())
    sign_in(ann, site.address, "ann", "a wrong one")
    expect(ann.page.get_by_role("alert")).to_have_text("There is nobody of that name and password.")
    sign_in(ann, site.address, "ann", WORD)
    ann.say("What is a heron?")
    expect(ann.messages).to_have_count(2)
    session = ann.page.url
    assert "session=" in session
    ann.visit(session)  # a reload
    ann.sees("What is a heron?")
    assert ann.page.evaluate("document.cookie.includes('botchat')") is False

    token = access.create_token("ann")[1]
    with httpx2.Client(base_url=site.address, trust_env=False, headers={"Authorization": f"Bearer {token}"}) as program:
        sessions = program.get("/api/sessions").json()["sessions"]
        assert [item["name"] for item in sessions] == ["What is a heron?"]
        stopped = program.post(
            f"/api/session/{sessions[0]['id']}/stop"
        )  # it is the page's reply, if there still is one
        assert stopped.status_code in {200, 204}
        said = program.post(f"/api/session/{sessions[0]['id']}/message", json={"content": "From a program"})
        assert (said.status_code, program.get("/api/session/none").json()["status"]) == (200, 404)
    ann.sees("From a program")  # the page has the same replies

    other = Visitor(browser.new_context().new_page())
    other.page.goto(session)
    sign_in(other, None, "bob", WORD)  # is led to where they wanted to go
    other.sees("There is no session")
    other.page.goto(f"{site.address}/?view=admin")
    other.sees("There is no such page.")

    second = Visitor(context.new_page())
    second.visit(site.address)
    second.page.get_by_role("link", name="Sign out").click()
    second.page.get_by_role("button", name="Sign out", exact=True).click()
    expect(second.page.get_by_label("Password")).to_be_visible()
    expect(ann.page.get_by_label("Password")).to_be_visible()  # the tab that was open, by itself
    sign_in(ann, None, "bob", WORD)
    ann.sees("There is no session")
    for made in (context, other.page.context):
        made.close()
    assert site.stop() in {0, -signal.SIGTERM}


def sign_in(visitor, address: str | None, user: str, password: str) -> None:
    if address:
        visitor.page.goto(address)
    visitor.page.get_by_label("Name").fill(user)
    visitor.page.get_by_label("Password").fill(password)
    visitor.page.get_by_role("button", name="Sign in").click()


@pytest.fixture
def provider():
    with Provider() as provider:
        yield provider


class Arrival(NamedTuple):
    """What a browser has that went to the provider and came back."""

    answer: httpx2.Response
    cookies: set[str]
    export: int


def come_back(address: str) -> Arrival:
    with httpx2.Client(trust_env=False, follow_redirects=True, timeout=30) as browser:
        assert browser.get(address, headers={"Accept": "text/html"}).url.path == "/sign-in"
        answer = browser.get(f"{address}/sign-in/elsewhere")
        return Arrival(answer, set(browser.cookies), browser.get(f"{address}/export?form=json").status_code)


def test_who_has_an_account_signs_in_at_a_provider(local_shell, local_repository, serve, provider, tmp_path):
    port = free_port()
    configure(
        local_shell,
        tmp_path,
        f'[web]\nsign_in = "oidc"\n[web.oidc]\nprovider = "{provider.description}"\nclient_id = "botchat"\n'
        f'address = "http://127.0.0.1:{port}"\n',
    )
    local_shell.environment["BOTCHAT_OIDC_SECRET"] = provider.secret
    access = Access(local_repository.accounts())
    access.add("ann@example.org")
    site = serve(local_shell, "--port", str(port))

    provider.claims = {"sub": "1", "email": "ann@example.org", "email_verified": True}
    ann = come_back(site.address)
    assert (ann.answer.status_code, ann.answer.url.path, ann.export) == (200, "/", 200)
    assert [name for name in ann.cookies if name.startswith("_streamlit_user")] == []

    for claims, told in (
        ({"email": "eve@example.org", "email_verified": True}, "has no account here"),
        ({"email": "ann@example.org"}, "has not verified"),
        ({"email": "ann@example.org", "email_verified": False}, "has not verified"),
        ({"name": "ann@example.org"}, "email is missing"),
    ):
        provider.claims = {"sub": "2", **claims}
        refused = come_back(site.address)
        assert (told in refused.answer.text, refused.export) == (True, 401)
        assert "botchat_sign_in" not in refused.cookies
    provider.claims = {"sub": "1", "email": "ann@example.org", "email_verified": True}
    provider.forges = True  # signed by somebody else
    assert come_back(site.address).export == 401
