"""HTTP requests to a botchat server; the only module here that uses the HTTP client and its errors."""

import asyncio
import json
import threading
from collections.abc import AsyncGenerator, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple, TypeVar
from urllib.parse import quote, urlsplit

import httpx2

from botchat import __version__
from botchat.core.bots.http_client import certificate_problem, is_valid_url, open_client, proxy_problem
from botchat.core.errors import BotchatError, ConfigError, NotSignedIn, ServerUnavailable
from botchat.core.turn import new_loop
from botchat.core.urls import is_local, without_password
from botchat.remote.problems import error_from_problem
from botchat.remote.records import decoding

TOKEN_VARIABLE = "BOTCHAT_TOKEN"  # noqa: S105  (a name, not a secret)
"""The environment variable with the token."""

_CALL = httpx2.Timeout(20, connect=5)
_STREAM = httpx2.Timeout(45, connect=5)  # an idle server sends a keep-alive every 15 s
_MAX_BYTES = 512 * 1024 * 1024  # of a response: a page of messages, each of 15 MiB at most
_MAX_EVENT_BYTES = 64 * 1024 * 1024

Value = TypeVar("Value")


class Event(NamedTuple):
    """A server-sent event."""

    name: str
    data: dict[str, Any]


CONNECTED = Event("connected", {})


def check_server_url(server: str) -> None:
    """Check the URL before a token is sent there.

    Raises:
        ConfigError: not a valid URL, or the token would be sent unencrypted over a network.
    """
    shown = without_password(server)
    if not (server.startswith(("http://", "https://")) and is_valid_url(server)):
        raise ConfigError(f"Invalid --server {shown!r}. Use http://HOST:PORT or https://HOST.")
    parts = urlsplit(server)
    if "@" in parts.netloc:
        raise ConfigError(
            f"--server {shown!r} contains a username. Remove it: the token in {TOKEN_VARIABLE} identifies you."
        )
    if parts.scheme == "http" and not is_local(server):
        raise ConfigError(
            f"--server {shown!r} would send the token unencrypted over the network. Use https://, or a tunnel (ssh -L)."
        )


class Connection:
    """A connection to a server's API with a token.

    The client runs on an event loop in its own thread, because a stream there can be cancelled at once.
    """

    def __init__(self, server: str, token: str | None) -> None:
        self.server = without_password(server)
        self._has_token = token is not None
        headers = {"User-Agent": f"botchat/{__version__}"} | ({"Authorization": f"Bearer {token}"} if token else {})
        self._client = open_client(server, base_url=server, headers=headers, timeout=_CALL, max_bytes=_MAX_BYTES)
        self._tasks: set[asyncio.Task[Any]] = set()
        self._loop = new_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="botchat-remote", daemon=True)
        self._thread.start()

    def call(self, method: str, *path: str, key: str | None = None, body: Any = None, **parameters: Any) -> Any:
        """Send a request and return the JSON response; None if it is empty.

        Raises:
            ServerUnavailable: the server can't be reached, or is busy.
            BotchatError: the server returned an error.
        """
        return self.run(self.acall(method, *path, key=key, body=body, **parameters))

    async def acall(self, method: str, *path: str, key: str | None = None, body: Any = None, **parameters: Any) -> Any:
        """Send a request like `call`, on the loop's thread."""
        with self._client_errors():
            response = await self._client.request(
                method,
                _url_path(path),
                json=body,
                params=_without_none(parameters),
                headers=_without_none({"Idempotency-Key": key}),
            )
        self._check(response, path)
        with decoding():
            return response.json() if response.content else None

    async def events(
        self,
        method: str,
        *path: str,
        key: str | None = None,
        last_event_id: str | None = None,
        body: Any = None,
        **parameters: Any,
    ) -> AsyncGenerator[Event]:
        """Yield CONNECTED, then events as they arrive; `last_event_id` is the ID of the last received one.

        Raises:
            ServerUnavailable: the connection was lost or couldn't be made.
            BotchatError: the server returned an error.
        """
        headers = _without_none({"Idempotency-Key": key, "Last-Event-ID": last_event_id})
        with self._client_errors():
            async with self._client.stream(
                method, _url_path(path), json=body, params=_without_none(parameters), headers=headers, timeout=_STREAM
            ) as response:
                if response.status_code != httpx2.codes.OK:
                    await response.aread()
                self._check(response, path, kind="text/event-stream")
                yield CONNECTED
                async for event in httpx2.EventSource(response, max_event_size=_MAX_EVENT_BYTES):
                    with decoding():
                        data = json.loads(event.data)
                    yield Event(event.event, data)
        raise ServerUnavailable(f"Connection to {self.server} lost.")

    def run_in_background(self, coroutine: Coroutine[Any, Any, None]) -> None:
        """Run a coroutine on the loop until it or the connection ends."""
        self._loop.call_soon_threadsafe(self._start, coroutine)

    def run(self, coroutine: Coroutine[Any, Any, Value]) -> Value:
        """Run a coroutine on the loop and return its result."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result()

    def close(self) -> None:
        """Cancel the tasks and close the connections. Replies on the server continue."""
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

    def _check(self, response: httpx2.Response, path: tuple[str, ...], kind: str = "application/json") -> None:
        content_type = response.headers.get("content-type", "").partition(";")[0]
        if response.is_success and content_type in {"", kind}:
            return
        with decoding():
            problem = response.json() if content_type == "application/problem+json" else {}
        if "code" in problem or (problem and response.status_code != httpx2.codes.NOT_FOUND):
            raise self._api_error(problem, path)
        if (
            response.is_server_error or response.status_code == httpx2.codes.TOO_MANY_REQUESTS
        ):  # from a proxy before the server
            raise ServerUnavailable(f"{self.server} is unavailable (HTTP {response.status_code}). Try again.")
        what = f"isn't a botchat API, or is an older version (HTTP {response.status_code})"
        raise ConfigError(f"{self.server} {what}. Check --server.")

    def _api_error(self, problem: dict[str, Any], path: tuple[str, ...]) -> BotchatError:
        error = error_from_problem(problem, path)
        if not isinstance(error, NotSignedIn):
            return error
        if not self._has_token:
            return NotSignedIn(f"{self.server} requires an API token. Set the environment variable {TOKEN_VARIABLE}.")
        return NotSignedIn(
            f"{self.server} rejected the API token in {TOKEN_VARIABLE}: it is invalid, expired or revoked."
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


def _url_path(path: tuple[str, ...]) -> str:
    return "/".join(quote(part, safe="") for part in path)


def _without_none(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}
