"""The page's routes with a sign-in, without a server."""

import re
from contextlib import suppress

from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect
from support.api.client import CHEAP_PASSWORDS
from support.web.tabs import Site

from botchat.core.auth import AuthService, Devices
from botchat.core.storage.sqlite.repository import SqliteRepository
from botchat.serving import PasswordSignIn, SignInLimiter
from botchat.settings import WebSettings
from botchat.web import cache, runtime
from botchat.web.auth.setup import set_up_auth
from botchat.web.routes.export import EXPORT_ROUTE
from botchat.web.routes.files import FILE_ROUTE

PASSWORD = "correct horse"
STREAM = "ws://127.0.0.1/_stcore/stream"


async def echo(socket):
    """Stand in for the page's WebSocket: send the user that Streamlit would be told, then echo each message."""
    await socket.accept()
    await socket.send_text(socket.headers.get("x-botchat-user", "nobody"))
    with suppress(WebSocketDisconnect):
        while True:
            await socket.send_text(await socket.receive_text())


def page(request):
    return PlainTextResponse(request.headers.get("x-botchat-user", "nobody"))


class World:
    """A store with accounts, and the page's routes on it."""

    def __init__(self, folder) -> None:
        self.repository = SqliteRepository(folder / "botchat.db")
        self.repository.prepare()
        self.site = Site(self.repository)
        self.access = AuthService(self.repository.accounts(), CHEAP_PASSWORDS)
        self.waits: list[float] = []
        self.clock = 0.0
        self.guesses = SignInLimiter(clock=lambda: self.clock)
        for user in ("ann", "bob", "root"):
            self.access.add_account(user, PASSWORD)

    @property
    def passwords(self) -> PasswordSignIn:
        devices = Devices(self.repository.expiring_values())
        return PasswordSignIn(self.access, devices, self.guesses, self.wait)

    async def wait(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.clock += seconds

    def app(self, **settings) -> Starlette:
        auth = set_up_auth(WebSettings(**settings), self.access, self.passwords, self.repository.expiring_values(), {})
        site_runtime = runtime.Runtime(
            user=None, connect=self.site.connect, replies=self.site, admins=("root",), can_sign_out=True
        )
        runtime.install(site_runtime)
        own = [
            EXPORT_ROUTE,
            FILE_ROUTE,
            *auth.routes,
            WebSocketRoute("/_stcore/stream", echo),
            Route("/{any:path}", page),
        ]
        return Starlette(routes=own, middleware=auth.middleware)

    def browser(self, address: str = "127.0.0.1", **settings) -> TestClient:
        app = self.app(**({"sign_in": "password"} | settings))
        return TestClient(app, base_url="http://127.0.0.1", follow_redirects=False, client=(address, 50000))

    def signed_in(self, user: str) -> TestClient:
        browser = self.browser()
        assert sign_in(browser, user).status_code == 303
        return browser


def world_in(tmp_path):
    cache.connection.clear()
    world = World(tmp_path)
    yield world
    cache.connection.clear()
    for turns in world.site.made:
        turns.close(timeout=0)
    world.repository.close()


def form_key(browser: TestClient, path: str = "/sign-in") -> str:
    """Return the hidden key of a form."""
    return re.search(r'name="form" value="([\w-]{43})"', browser.get(path).text)[1]


def sign_in(browser: TestClient, user: str = "ann", password: str = PASSWORD, path: str = "/sign-in", **form):
    return browser.post(path, data={"form": form_key(browser), "user": user, "password": password} | form)


def sign_out(browser: TestClient, **form):
    return browser.post("/sign-out", data={"form": form_key(browser, "/sign-out")} | form)


def has_access(browser: TestClient) -> bool:
    return browser.get("/").status_code == 200


def is_refused(tab) -> bool:
    """Return whether the server no longer answers an open tab."""
    tab.send_text("click")
    try:
        return tab.receive_text() != "click"
    except WebSocketDisconnect as ended:
        return ended.code == 1008
