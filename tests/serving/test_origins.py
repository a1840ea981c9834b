"""A page of another origin, such as another port of this machine, can't use the page's WebSocket or its routes."""

import re
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx2
import pytest
from playwright.sync_api import expect
from support.web.browser import chromium_binary, page_cookie
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from botchat.core.auth import AuthService
from botchat.serving import is_cross_origin

OTHER_ORIGINS = [
    "http://localhost:9999",
    "http://127.0.0.1:9999",
    "http://localhost",
    "http://0.0.0.0:9999",
    "https://evil.example",
    "null",
    "",
    "http://[",
    "http://localhost:99999",
]


def _stream_url(address: str) -> str:
    return f"ws{address.removeprefix('http')}/_stcore/stream"


def _handshake_status(address: str, **headers: str) -> int:
    """Return the status of the handshake of the page's WebSocket."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    try:
        with connect(_stream_url(address), additional_headers=named, proxy=None):
            return 101
    except InvalidStatus as refused:
        return refused.response.status_code


def test_the_websocket_is_open_to_its_own_origin_alone(local_shell, serve):
    page = serve(local_shell)
    cookie = page_cookie(page.address)
    assert _handshake_status(page.address, Cookie=cookie, Origin=page.address) == 101
    assert _handshake_status(page.address, Cookie=cookie) == 101  # no browser
    assert {
        origin: _handshake_status(page.address, Cookie=cookie, Origin=origin) for origin in OTHER_ORIGINS
    } == dict.fromkeys(OTHER_ORIGINS, 403)
    assert _handshake_status(page.address, Cookie=cookie, Origin=page.address, Sec_Fetch_Site="same-site") == 403
    assert _handshake_status(page.address.replace("127.0.0.1", "localhost"), Cookie=cookie, Origin=page.address) == 403


def test_who_is_signed_in_is_not_lent_to_another_origin(local_shell, local_repository, serve):
    local_shell.configure('[web]\nsign_in = "password"\n')
    AuthService(local_repository.accounts()).add_account("ann", "correct horse")
    page = serve(local_shell)
    with httpx2.Client(base_url=page.address, trust_env=False) as browser:
        key = re.search(r'name="form" value="([^"]*)"', browser.get("/sign-in").text)[1]
        form = {"form": key, "user": "ann", "password": "correct horse"}
        other = browser.post("/sign-in", data=form, headers={"Origin": "http://127.0.0.1:9999"})
        assert (other.status_code, "botchat_sign_in" in browser.cookies) == (403, False)
        assert browser.post("/sign-in", data=form, headers={"Origin": page.address}).status_code == 303
        cookie = f"botchat_sign_in={browser.cookies['botchat_sign_in']}"
    assert _handshake_status(page.address, Cookie=cookie, Origin=page.address) == 101
    assert {_handshake_status(page.address, Cookie=cookie, Origin=origin) for origin in OTHER_ORIGINS} == {403}


@pytest.mark.parametrize("path", ["/", "/export?form=jsonl", "/_stcore/health", "/_stcore/host-config", "/sign-in"])
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
def test_every_address_refuses_what_another_origin_asks_for(shared_page, path, method):
    for headers in (
        {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "cors"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"},
        {"Origin": "http://localhost:9999"},
    ):
        answer = httpx2.request(method, f"{shared_page}{path}", headers=headers, trust_env=False)
        assert (answer.status_code, answer.text) == (
            403,
            "Cross-origin request blocked. Open this page directly at its own address.",
        )


@pytest.fixture(scope="module")
def shared_page(tmp_path_factory):
    from support.shell import Shell
    from support.web.browser import Site

    folder = tmp_path_factory.mktemp("page")
    site = Site(Shell(folder, str(folder / "botchat.db")))
    site.start()
    yield site.address
    site.stop()


def test_links_from_elsewhere_lead_to_the_page(shared_page):
    link = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    assert httpx2.get(f"{shared_page}/?session=abc", headers=link, trust_env=False).status_code == 200
    assert httpx2.post(f"{shared_page}/", headers=link, trust_env=False).status_code == 403


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("http://localhost:8501", "localhost:8501"),
        ("https://chat.example.org", "chat.example.org"),  # a proxy ends TLS
        ("https://chat.example.org", "chat.example.org:443"),
        ("http://CHAT.example.org:80", "chat.example.org"),
        ("http://[::1]:8501", "[::1]:8501"),
    ],
)
def test_the_same_place_in_other_words_is_the_same_origin(origin, host):
    headers = [(b"host", host.encode()), (b"origin", origin.encode())]
    for scope in ({"type": "websocket"}, {"type": "http", "method": "POST"}):
        assert not is_cross_origin(scope | {"headers": headers})


_EVIL = """<!doctype html><title>evil</title><p id=socket>trying</p><p id=export>trying</p><script>
const told = (id, text) => { document.getElementById(id).textContent = text };
const socket = new WebSocket("STREAM", "streamlit");
socket.onopen = () => told("socket", "open");
socket.onclose = () => told("socket", "refused");
fetch("ADDRESS/export?form=jsonl", {credentials: "include", mode: "no-cors"}).then(
  () => fetch("ADDRESS/export?form=jsonl").then(() => told("export", "read"), () => told("export", "refused")));
</script>"""


@contextmanager
def _serve_on_another_port(text: str):
    class Answer(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.skipif(chromium_binary() is None, reason="no Chromium here: install it to run these")
def test_a_page_of_another_port_opens_no_websocket_in_chromium(shared_page, visitor):
    visitor.visit(shared_page)  # its own WebSocket works
    evil = _EVIL.replace("STREAM", _stream_url(shared_page)).replace("ADDRESS", shared_page)
    with _serve_on_another_port(evil) as address:
        visitor.page.goto(address)
        expect(visitor.page.locator("#socket")).to_have_text("refused")
        expect(visitor.page.locator("#export")).to_have_text("refused")
