"""HTTP to a botchat server. The only module here that knows the client, and what its errors mean."""

import asyncio
import json
import threading
from collections.abc import AsyncGenerator, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple, TypeVar
from urllib.parse import quote, urlsplit

import httpx2

from botchat import __version__
from botchat.core.bots.http_client import certificate_problem, is_valid, open_client, proxy_problem
from botchat.core.errors import BotchatError, ConfigError, NotSignedIn, ServerUnavailable
from botchat.core.turn import new_loop
from botchat.core.urls import is_local, without_password
from botchat.remote.problems import error_from_problem
from botchat.remote.records import decoding

TOKEN_VARIABLE = "BOTCHAT_TOKEN"  # noqa: S105  (where it is, and no secret)
"""The environment variable that the token is taken from."""

_CALL = httpx2.Timeout(20, connect=5)
_STREAM = httpx2.Timeout(45, connect=5)  # a server with nothing to say says so every 15 s
_MAX_BYTES = 512 * 1024 * 1024  # of an answer: a page of messages, each of 15 MiB at most
_MAX_EVENT_BYTES = 64 * 1024 * 1024

Value = TypeVar("Value")


class Event(NamedTuple):
    """A piece of what a server streams."""

    name: str
    data: dict[str, Any]


CONNECTED = Event("connected", {})


def check_server_url(server: str) -> None:
    """Check where the token is to be sent.

    Raises:
        ConfigError: that is no address, or everybody on the way could read the token.
    """
    shown = without_password(server)
    if not (server.startswith(("http://", "https://")) and is_valid(server)):
        raise ConfigError(f"--server must be http://HOST:PORT or https://HOST, which {shown!r} is not.")
    parts = urlsplit(server)
    if "@" in parts.netloc:
        raise ConfigError(f"--server {shown!r} names a user: who you are says the token in {TOKEN_VARIABLE} alone.")
    if parts.scheme == "http" and not is_local(server):
        raise ConfigError(
            f"--server {shown!r} would send the token over the network for everybody to read: say https://, "
            "or come through a tunnel (ssh -L)."
        )


class Connection:
    """A server's API, asked with a token.

    The client is on an event loop in a thread of its own, because there a stream can be ended at once.
    """

    def __init__(self, server: str, token: str | None) -> None:
        self.server = without_password(server)
        self._has_token = token is not None
        headers = {"User-Agent": f"botchat/{__version__}"} | ({"Authorization": f"Bearer {token}"} if token else {})
        self._client = open_client(server, base_url=server, headers=headers, timeout=_CALL, most_bytes=_MAX_BYTES)
        self._tasks: set[asyncio.Task[Any]] = set()
        self._loop = new_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="botchat-remote", daemon=True)
        self._thread.start()

    def call(self, method: str, *place: str, key: str | None = None, body: Any = None, **parameters: Any) -> Any:
        """Ask for what is at a place, and return it; None where the answer is empty.

        Raises:
            ServerUnavailable: the server can't be reached, or does not take the call now.
            BotchatError: it refused.
        """
        return self.run(self.acall(method, *place, key=key, body=body, **parameters))

    async def acall(self, method: str, *place: str, key: str | None = None, body: Any = None, **parameters: Any) -> Any:
        """Ask on the loop, as `ask` does from elsewhere."""
        with self._client_errors():
            answer = await self._client.request(
                method, _path(place), json=body, params=_given(parameters), headers=_given({"Idempotency-Key": key})
            )
        self._check(answer, place)
        with decoding():
            return answer.json() if answer.content else None

    async def events(
        self,
        method: str,
        *place: str,
        key: str | None = None,
        last_event_id: str | None = None,
        body: Any = None,
        **parameters: Any,
    ) -> AsyncGenerator[Event]:
        """Give CONNECTED, then events as they come; `last_event_id` is the id of what came last.

        Raises:
            ServerUnavailable: the connection broke off, or was never there.
            BotchatError: the server refused.
        """
        headers = _given({"Idempotency-Key": key, "Last-Event-ID": last_event_id})
        with self._client_errors():
            async with self._client.stream(
                method, _path(place), json=body, params=_given(parameters), headers=headers, timeout=_STREAM
            ) as answer:
                if answer.status_code != httpx2.codes.OK:
                    await answer.aread()
                self._check(answer, place, kind="text/event-stream")
                yield CONNECTED
                async for event in httpx2.EventSource(answer, max_event_size=_MAX_EVENT_BYTES):
                    with decoding():
                        data = json.loads(event.data)
                    yield Event(event.event, data)
        raise ServerUnavailable(f"Connection to {self.server} lost.")

    def run_in_background(self, coroutine: Coroutine[Any, Any, None]) -> None:
        """Let something run on the loop until it or the connection ends."""
        self._loop.call_soon_threadsafe(self._start, coroutine)

    def run(self, coroutine: Coroutine[Any, Any, Value]) -> Value:
        """Run something on the loop and wait for what it gives."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result()

    def close(self) -> None:
        """End what runs, and give back connections. What the server does goes on."""
        self.run(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _start(self, coroutine: Coroutine[Any, Any, None]) -> None:
        task = self._loop.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _end(self) -> None:
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._client.aclose()

    def _check(self, answer: httpx2.Response, place: tuple[str, ...], kind: str = "application/json") -> None:
        given = answer.headers.get("content-type", "").partition(";")[0]
        if answer.is_success and given in {"", kind}:
            return
        with decoding():
            problem = answer.json() if given == "application/problem+json" else {}
        if "code" in problem or (problem and answer.status_code != httpx2.codes.NOT_FOUND):
            raise self._refusal(problem, place)
        if answer.is_server_error or answer.status_code == httpx2.codes.TOO_MANY_REQUESTS:  # of a proxy before it
            raise ServerUnavailable(f"{self.server} can't be used now (HTTP {answer.status_code}). Try again.")
        what = f"is no botchat API, or an older one (HTTP {answer.status_code})"
        raise ConfigError(f"{self.server} {what}: check --server.")

    def _refusal(self, problem: dict[str, Any], place: tuple[str, ...]) -> BotchatError:
        error = error_from_problem(problem, place)
        if not isinstance(error, NotSignedIn):
            return error
        if not self._has_token:
            return NotSignedIn(f"{self.server} wants a token: set {TOKEN_VARIABLE} in the environment.")
        return NotSignedIn(
            f"{self.server} does not take the token in {TOKEN_VARIABLE}: it is wrong, expired or revoked."
        )

    @contextmanager
    def _client_errors(self) -> Iterator[None]:
        try:
            yield
        except (httpx2.RequestError, httpx2.SSEError, TimeoutError) as error:
            raise ServerUnavailable(self._unavailable_text(error)) from error

    def _unavailable_text(self, error: Exception) -> str:
        why = str(error) or type(error).__name__
        if problem := proxy_problem(error, self._client.proxy, self.server) or certificate_problem(error, self.server):
            return problem
        if isinstance(error, httpx2.ConnectError | httpx2.ConnectTimeout):
            return f"Can't reach {self.server} ({why}). Check that the server is running and the URL is correct."
        if isinstance(error, httpx2.TimeoutException | TimeoutError):
            return f"{self.server} didn't respond in time. Try again."
        return f"Connection to {self.server} lost ({why})."


def _path(place: tuple[str, ...]) -> str:
    return "/".join(quote(part, safe="") for part in place)


def _given(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}
