"""The sign-in pages: every path for every identity, and the forms."""

import pytest
from starlette.websockets import WebSocketDisconnect
from support.stores.sessions import stored
from support.web.sign_in import PASSWORD, STREAM, form_key, has_access, sign_in, sign_out, world_in

from botchat.core.models import Message, read_file
from botchat.web.auth.authenticators import SIGN_IN_COOKIE


@pytest.fixture
def world(tmp_path):
    yield from world_in(tmp_path)


def test_the_right_password_opens_the_page_and_a_new_tab_of_the_same_browser(world):
    browser = world.browser()
    asked = browser.get("/?session=abc&x=%26", headers={"Accept": "text/html"})
    assert (asked.status_code, asked.headers["location"]) == (303, "/sign-in?next=session%3Dabc%26x%3D%2526")
    answer = sign_in(browser, path=asked.headers["location"])
    assert (answer.status_code, answer.headers["location"]) == (303, "/?session=abc&x=%26")
    cookie = next(line for line in answer.headers.get_list("set-cookie") if line.startswith(SIGN_IN_COOKIE))
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert browser.get("/").text == "ann"
    with browser.websocket_connect(STREAM) as tab:
        assert tab.receive_text() == "ann"


@pytest.mark.parametrize("after", ["//evil.example", "https://evil.example", "\\\\evil.example", "\r\nX: y"])
def test_nobody_is_led_elsewhere_after_signing_in(world, after):
    browser = world.browser()
    answer = browser.post(
        "/sign-in", params={"next": after}, data={"form": form_key(browser), "user": "ann", "password": PASSWORD}
    )
    assert answer.headers["location"].startswith("/?")
    assert "x" not in answer.headers


@pytest.mark.parametrize(
    ("user", "password"),
    [
        ("ann", "wrong"),
        ("ann", ""),
        ("", PASSWORD),
        ("nobody", PASSWORD),
        ("proxied", PASSWORD),
        ("disabled", PASSWORD),
        ("<b>", "x"),
    ],
)
def test_a_wrong_password_says_so_in_the_same_words_and_lets_nobody_in(world, user, password):
    world.access.add_account("proxied")
    world.access.add_account("disabled", PASSWORD)
    world.access.disable("disabled")
    browser = world.browser()
    answer = sign_in(browser, user, password)
    assert answer.status_code == 401
    assert '<p role="alert">' in answer.text
    assert "<b>" not in answer.text
    assert SIGN_IN_COOKIE not in answer.cookies
    assert not has_access(browser)


@pytest.mark.parametrize("form", [None, "", "x" * 43, "\xe9"])
def test_a_form_of_another_site_signs_nobody_in_or_out(world, form):
    browser = world.browser()
    form_key(browser)
    data = {"user": "ann", "password": PASSWORD} | ({} if form is None else {"form": form})
    assert (browser.post("/sign-in", data=data).status_code, has_access(browser)) == (400, False)
    bare = world.browser()
    assert bare.post("/sign-in", data=data | {"form": form_key(browser)}).status_code == 400  # not this browser's
    ann = world.signed_in("ann")
    assert (ann.post("/sign-out", data=data).status_code, has_access(ann)) == (400, True)
    assert browser.post("/sign-in", content=b"x" * 20_000).status_code == 400


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
    forged.cookies.set(SIGN_IN_COOKIE, "br_00000000-0000-0000-0000-000000000000_" + "x" * 43)
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
