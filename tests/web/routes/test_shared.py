"""The route of shared links: what it shows to whom, and its headers, with a real store."""

from dataclasses import replace
from datetime import timedelta
from hashlib import sha256

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.testclient import TestClient
from support.stores.sessions import stored

from botchat.core.errors import NotSignedIn
from botchat.core.models import now
from botchat.core.storage import SignIn
from botchat.web.auth.middleware import AuthMiddleware
from botchat.web.routes.shared import SHARED_ROUTE
from botchat.web.server.security_headers import SHARE_PREFIX, SecurityHeaders

HEADERS = {
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    "x-robots-tag": "noindex, nofollow",
    "x-frame-options": "DENY",
}


class CookieUser:
    """Signs in the user that a cookie names."""

    def authenticate(self, connection) -> SignIn:
        if "user" not in connection.cookies:
            raise NotSignedIn("Sign in.")
        return SignIn(user=connection.cookies["user"], hash="", expire_time=now())

    revalidate = is_cached = authenticate


def browser(*open_paths: str, user: str | None = None) -> TestClient:
    gate = Middleware(AuthMiddleware, authenticator=CookieUser(), sign_in_path="/sign-in", open_paths=open_paths)
    app = Starlette(routes=[SHARED_ROUTE], middleware=[Middleware(SecurityHeaders), gate])
    cookies = {"user": user} if user else {}
    return TestClient(app, base_url="http://127.0.0.1:8501", cookies=cookies, follow_redirects=False)


@pytest.fixture
def session(site):
    """A session of ann's on a site with sign-in."""
    site.serve(None)
    return stored(site.store, name="Herons & <b>", messages=3)


def test_a_stranger_with_the_link_reads_the_chat_in_a_page_without_scripts(site, session):
    new = site.connect().share("ann", session.id)

    answer = browser(SHARE_PREFIX).get(new.path)

    assert answer.status_code == 200
    assert "Herons &amp; &lt;b&gt;" in answer.text
    assert "message 2" in answer.text
    assert "<script" not in answer.text
    assert "Continue in a new chat" not in answer.text
    assert {name: answer.headers[name] for name in HEADERS} == HEADERS
    assert answer.headers["content-security-policy"].startswith("default-src 'none'; style-src 'unsafe-inline';")


def test_unknown_revoked_and_ended_links_and_those_to_deleted_chats_are_the_same_page(site, session):
    chat = site.connect()
    revoked, valid = chat.share("ann", session.id), chat.share("ann", session.id)
    chat.revoke_link("ann", revoked.link.id)
    other = stored(site.store)
    deleted = chat.share("ann", other.id)
    chat.delete("ann", other.id)
    ended = replace(valid.link, id="e", hash=sha256(b"ended").hexdigest(), expire_time=now() - timedelta(seconds=1))
    site.store.links().add(ended)

    answers = [browser(SHARE_PREFIX).get(path) for path in ("/share/x", revoked.path, "/share/ended", deleted.path)]

    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.text for answer in answers}) == 1
    assert len({str(sorted(answer.headers.items())) for answer in answers}) == 1
    assert all(answers[0].headers[name] == value for name, value in HEADERS.items())
    assert browser(SHARE_PREFIX).get(valid.path).status_code == 200


def test_a_signed_in_reader_gets_a_link_to_continue(site, session):
    new = site.connect().share("ann", session.id)

    answer = browser(SHARE_PREFIX, user="bob").get(new.path)

    assert f'href="/?shared={new.secret}"' in answer.text


def test_where_only_users_read_links_a_stranger_signs_in_first_and_keeps_the_link(site, session):
    new = site.connect().share("ann", session.id)

    answer = browser().get(new.path, headers={"accept": "text/html"})

    assert (answer.status_code, answer.headers["location"]) == (303, f"/sign-in?next=shared%3D{new.secret}")
    assert browser(user="bob").get(new.path).status_code == 200


def test_the_shared_page_can_be_downloaded(site, session):
    new = site.connect().share("ann", session.id)

    answer = browser(SHARE_PREFIX, user="bob").get(f"{new.path}?download")

    assert answer.headers["content-disposition"].startswith("attachment; ")
    assert new.secret not in answer.text
    assert "message 2" in answer.text


def test_an_unreachable_store_is_no_missing_link_and_its_address_is_not_shown(site, session):
    new = site.connect().share("ann", session.id)
    site.store.down = True

    answer = browser(SHARE_PREFIX).get(new.path)

    assert answer.status_code == 503
    assert "Try again later" in answer.text
