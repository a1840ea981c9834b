"""Without a sign-in, only a client that loaded the page can use it; an open tab survives a restart of the server."""

import httpx2
import pytest
from playwright.sync_api import expect
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import HTMLResponse, PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect
from support.web.browser import chromium_binary, page_cookie
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from botchat.web.server.page_token import PageToken

PROTECTED = [
    ("GET", "/export"),
    ("GET", "/file"),
    ("GET", "/media/abc.png"),
    ("PUT", "/_stcore/upload_file/session/file"),
    ("DELETE", "/_stcore/upload_file/session/file"),
    ("POST", "/"),
]


async def _socket(socket):
    await socket.accept()
    await socket.send_text("open")


def _client(port: int = 8501) -> TestClient:
    def answer(request):
        is_page = request.url.path == "/"
        return HTMLResponse("page") if is_page else PlainTextResponse("text")

    methods = ["GET", "POST", "PUT", "DELETE"]
    routes = [WebSocketRoute("/_stcore/stream", _socket), Route("/{any:path}", answer, methods=methods)]
    token = Middleware(PageToken, port=port, exempt_prefix="/api/")
    return TestClient(Starlette(routes=routes, middleware=[token]), base_url="http://127.0.0.1")


def _is_open(client: TestClient) -> bool:
    try:
        with client.websocket_connect("ws://127.0.0.1/_stcore/stream") as socket:
            return socket.receive_text() == "open"
    except WebSocketDisconnect:
        return False


@pytest.mark.parametrize(("method", "path"), PROTECTED)
def test_what_reads_or_changes_sessions_is_refused_until_the_page_is_loaded(method, path):
    client = _client()
    answer = client.request(method, path)
    assert (answer.status_code, "set-cookie" in answer.headers) == (403, False)
    assert not _is_open(client)
    client.get("/")
    assert client.request(method, path).status_code == 200
    assert _is_open(client)


def test_the_cookie_is_for_this_server_alone_and_no_script_reads_it():
    cookie = _client(port=8502).get("/").headers["set-cookie"]
    assert cookie.startswith("botchat_page_8502=")
    assert {"HttpOnly", "SameSite=strict", "Path=/"} <= set(cookie.split("; "))


def test_a_token_of_an_earlier_process_is_replaced_before_the_tab_connects():
    client = _client()
    client.cookies.set("botchat_page_8501", "x" * 43)
    assert not _is_open(client)
    client.get("/_stcore/host-config")  # as Streamlit's script does
    assert _is_open(client)


@pytest.mark.parametrize("path", ["/botchat.js", "/static/js/index.js", "/_stcore/health", "/api/v1/sessions"])
def test_other_requests_need_no_token_and_get_none(path):
    answer = _client().get(path)
    assert (answer.status_code, "set-cookie" in answer.headers) == (200, False)


def _status(stream: str, **headers: str) -> int:
    try:
        with connect(stream, additional_headers=headers, proxy=None):
            return 101
    except InvalidStatus as refused:
        return refused.response.status_code


def test_a_program_needs_the_cookie_even_with_the_right_origin(local_shell, serve):
    page = serve(local_shell)
    stream = f"ws{page.address.removeprefix('http')}/_stcore/stream"
    assert _status(stream, Origin=page.address) == 403
    assert _status(stream, Origin=page.address, Cookie=page_cookie(page.address)) == 101
    assert httpx2.get(f"{page.address}/export?form=jsonl", trust_env=False).status_code == 403
    with httpx2.Client(base_url=page.address, trust_env=False) as client:
        client.get("/")
        assert client.get("/export?form=jsonl").status_code == 200


def test_with_a_sign_in_there_is_no_such_cookie(local_shell, serve):
    local_shell.configure('[web]\nsign_in = "password"\n')
    assert page_cookie(serve(local_shell).address + "/sign-in").startswith("botchat_form=")


@pytest.mark.skipif(chromium_binary() is None, reason="no Chromium here: install it to run these")
def test_an_open_tab_goes_on_after_a_restart_without_a_reload(local_shell, serve, visitor):
    page = serve(local_shell)
    visitor.visit(page.address)
    visitor.say("Hello")
    expect(visitor.messages).to_have_count(2)
    visitor.rests()
    before = visitor.page.context.cookies()
    visitor.page.evaluate("window.isStill = true")
    connected = visitor.page.locator("[data-test-connection-state=CONNECTED]")
    page.stop()
    expect(connected).to_have_count(0)
    page.start(page.port)
    expect(connected).to_have_count(1)
    visitor.rests()
    visitor.say("Still there?")
    expect(visitor.messages).to_have_count(4)
    assert visitor.page.evaluate("window.isStill")
    names = {cookie["name"] for cookie in before if cookie["name"].startswith("botchat_page_")}
    after = {cookie["name"]: cookie["value"] for cookie in visitor.page.context.cookies()}
    assert names == {f"botchat_page_{page.port}"}
    assert all(after[cookie["name"]] != cookie["value"] for cookie in before if cookie["name"] in names)
