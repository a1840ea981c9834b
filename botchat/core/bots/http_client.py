"""Makes the HTTP clients that talk to bots' servers and to botchat's own: proxies, certificates, time limits, retries.

Imported only when a client is made: the HTTP library takes a tenth of a second.
"""

import asyncio
import ipaddress
import logging
import os
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit
from urllib.request import getproxies

import httpx2

from botchat.core.bots.server_errors.retry_delay import retry_after
from botchat.core.errors import BotchatError, ConfigError
from botchat.core.urls import is_local, is_unambiguous

MOST_RETRY_SECONDS = 3.0
"""A server that wants to be left alone for longer is not asked again: its answer is the reply's error at once."""

MOST_BYTES = 32 * 1024 * 1024
"""Bytes of an answer that is not streamed, such as a list of models."""

MOST_ERROR_BYTES = 64 * 1024
"""Bytes that are read of the body of an error: its words are at the beginning."""

_BUSY = {408, 409, 429}
_SERVER_ERROR = 500
_LAST_PORT = 65_535
_NO_RETRY = {"x-should-retry": "false"}
_SCHEMES = {"http", "https", "socks5", "socks5h"}
_CERTIFICATES = ("SSL_CERT_FILE", "SSL_CERT_DIR")


class _WithoutQuery(logging.Filter):
    """Takes the query, which can hold a key, out of the addresses that the HTTP library logs."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(a.copy_with(query=None) if isinstance(a, httpx2.URL) else a for a in record.args)
        return True


logging.getLogger("httpx2").addFilter(_WithoutQuery())


class Proxy(NamedTuple):
    """A proxy of the environment; `name` is the variable that it comes from."""

    name: str
    url: str


class HttpClient(httpx2.AsyncClient):
    """An HTTP client with a time limit for the headers of each answer, which remembers its proxy.

    Attributes:
        proxy: that it goes through; None without one.
    """

    def __init__(self, *, proxy: Proxy | None, seconds: float | None, most_bytes: int, **options: Any) -> None:
        hooks = {"response": [_limit_retries]}
        super().__init__(proxy=proxy and _checked(proxy), trust_env=False, event_hooks=hooks, **options)
        self.proxy = proxy
        self._seconds = seconds
        self._most_bytes = most_bytes

    async def send(self, request: httpx2.Request, *, stream: bool = False, **options: Any) -> httpx2.Response:
        """Send a request. A body is read here but for a stream that is no error; of an error its beginning is kept.

        Raises:
            TimeoutError: no answer in time. It is not retried, as the client's own is: the server may be at work on it.
            httpx2.RequestError: the server can't be reached, the connection was lost, or the body is too large.
        """
        try:
            async with asyncio.timeout(self._seconds):
                response = await super().send(request, stream=True, **options)
                if not stream:
                    await _read(response, MOST_ERROR_BYTES if response.is_error else self._most_bytes)
        except httpx2.ReadTimeout as error:
            raise TimeoutError from error
        if stream and response.is_error:
            await _read(response, MOST_ERROR_BYTES)
        return response


def open_client(
    url: str,
    *,
    timeout: httpx2.Timeout,
    seconds: float | None = None,
    most_bytes: int = MOST_BYTES,
    environment: Mapping[str, str] = os.environ,
    **options: Any,
) -> HttpClient:
    """Make a client for one server, through the proxy that the environment names for it; none for this machine's own.

    Args:
        url: of the server; it must be one that `is_valid`.
        timeout: for connecting, and between two pieces of an answer.
        seconds: for the headers of an answer, of each try.
        most_bytes: of the body of an answer that is not streamed, unpacked.
        environment: where proxies are named.
        options: of the HTTP library's client.

    Raises:
        ConfigError: a proxy or the certificates that the environment names can't be used. The message has the names of
            the variables, never a part of their values.
    """
    proxy = None if is_local(url) else proxy_for(url, environment)
    verify = _certificates(trusted=not (is_local(url) and url.startswith("http://")), environment=environment)
    try:
        return HttpClient(
            proxy=proxy, seconds=seconds, most_bytes=most_bytes, timeout=timeout, verify=verify, **options
        )
    except ImportError as error:
        raise ConfigError(
            f"The proxy in {proxy.name if proxy else 'the environment'} needs a package: pip install 'httpx2[socks]'."
        ) from error


async def get_json(url: str, *, seconds: float = 10) -> Any:
    """Get a JSON document of at most 1 MiB.

    Raises:
        BotchatError: it can't be got in time, is too large, or isn't JSON. The message names the host alone.
    """
    host = urlsplit(url).hostname
    timeout = httpx2.Timeout(seconds)
    try:
        async with asyncio.timeout(seconds), open_client(url, timeout=timeout, most_bytes=1024 * 1024) as client:
            response = await client.get(url)
        response.raise_for_status()
        return response.json()
    except httpx2.HTTPStatusError as error:
        raise BotchatError(f"{host} answered with HTTP {error.response.status_code}.") from error
    except (TimeoutError, httpx2.RequestError) as error:
        raise BotchatError(certificate_problem(error, str(host)) or f"Can't reach {host}.") from error
    except (ValueError, RecursionError) as error:
        raise BotchatError(f"{host} answered with something that isn't JSON.") from error


def is_valid(url: str) -> bool:
    """Tell whether a URL has a host and a port that can be connected to, and credentials that can be read."""
    try:
        parts = httpx2.URL(url)
        parts.raw_host.decode("ascii").encode("idna")
        return is_unambiguous(url) and bool(parts.host) and (parts.port is None or 0 < parts.port <= _LAST_PORT)
    except (httpx2.InvalidURL, ValueError):
        return False


def certificate_problem(error: Exception, shown: str) -> str | None:
    """Return the sentence for a connection that failed because of TLS; None where it failed otherwise.

    Args:
        error: of the HTTP library.
        shown: the address that was asked for, as it may be seen.
    """
    if not _is_of_tls(error):
        return None
    return (
        f"Can't verify the certificate of {shown} ({error}). If its authority is your own, set SSL_CERT_FILE to that "
        "authority's certificates."
    )


def proxy_problem(error: Exception, proxy: Proxy | None, shown: str) -> str | None:
    """Return the sentence for a connection that failed at the proxy; None where it failed elsewhere.

    Args:
        error: of the HTTP library.
        proxy: that the connection went through.
        shown: the address that was asked for, as it may be seen.
    """
    if proxy is None or _is_of_tls(error):
        return None
    if isinstance(error, httpx2.ProxyError):
        why = "it requires another user name or password" if "407" in str(error) else "it refused the connection"
        return f"Can't reach {shown} through the proxy in {proxy.name}: {why}. Check {proxy.name} in the environment."
    if isinstance(error, httpx2.ConnectError | httpx2.ConnectTimeout):
        return (
            f"Can't reach the proxy in {proxy.name}. Check that it is running and {proxy.name} is correct, "
            "or add the server's host to NO_PROXY."
        )
    return None


def proxy_for(url: str, environment: Mapping[str, str] = os.environ) -> Proxy | None:
    """Return the proxy that the environment, or the system's settings, name for a URL."""
    parts = urlsplit(url)
    found = _proxies(environment)
    if _is_excepted(parts.hostname or "", parts.netloc.rpartition("@")[2], found.get("no", Proxy("", "")).url):
        return None
    proxy = found.get(parts.scheme) or found.get("all")
    if proxy is None:
        return None
    return proxy if "://" in proxy.url else Proxy(proxy.name, f"http://{proxy.url}")


def _proxies(environment: Mapping[str, str]) -> dict[str, Proxy]:
    """Return the proxies by scheme. A name in lower case goes first, as with curl and Python."""
    found: dict[str, Proxy] = {}
    names = [name for name, value in environment.items() if name.lower().endswith("_proxy") and value.strip()]
    for name in sorted(names, key=str.islower):
        found[name.lower().removesuffix("_proxy")] = Proxy(name, environment[name].strip())
    if "REQUEST_METHOD" in environment and "http_proxy" not in environment:
        found.pop("http", None)  # in a CGI script that is a header of the request (CVE-2016-1000110)
    if found or environment is not os.environ:
        return found
    return {scheme: Proxy("the system's settings", url) for scheme, url in getproxies().items()}


def _is_excepted(host: str, netloc: str, no_proxy: str) -> bool:
    """Tell whether NO_PROXY names a host: by its name or a domain, with a port or without, or by a network."""
    entries = [entry.partition("://")[2] or entry for entry in no_proxy.lower().replace(",", " ").split()]
    return any(entry == "*" or _is_domain_of(entry, host, netloc) or _is_network_of(entry, host) for entry in entries)


def _is_domain_of(entry: str, host: str, netloc: str) -> bool:
    domain = entry.removeprefix("*").removeprefix(".")
    return any(name == domain or name.endswith(f".{domain}") for name in (host.lower(), netloc.lower()) if domain)


def _is_network_of(entry: str, host: str) -> bool:
    network = entry[1:].partition("]")[0] if entry.startswith("[") else entry
    network = network.partition(":")[0] if network.count(":") == 1 else network
    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(network, strict=False)
    except ValueError:
        return False


def _is_of_tls(error: BaseException) -> bool:
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, ssl.SSLError):
            return True
        seen = seen.__cause__ or seen.__context__
    return False


def _checked(proxy: Proxy) -> httpx2.Proxy:
    """Make the client's own proxy of one; GNOME's `socks://` is SOCKS 5."""
    scheme, _, rest = proxy.url.partition("://")
    scheme = {"socks": "socks5"}.get(scheme.lower(), scheme.lower())
    if scheme not in _SCHEMES:
        raise ConfigError(
            f"The proxy in {proxy.name} is of a kind that isn't supported. Use http://, https:// or socks5://."
        )
    url = f"{scheme}://{rest}"
    if not is_valid(url) or urlsplit(url).path.strip("/"):
        raise ConfigError(
            f"The proxy in {proxy.name} isn't a valid URL. Use http://HOST:PORT, and percent-encode special characters "
            "in its user name and password (@ is %40, # is %23, / is %2F)."
        )
    return httpx2.Proxy(url)


def _certificates(*, trusted: bool, environment: Mapping[str, str]) -> ssl.SSLContext:
    try:
        return httpx2.create_ssl_context(trust_env=trusted)
    except (OSError, ValueError) as error:
        given = [name for name in _CERTIFICATES if environment.get(name)]
        names = " and ".join([name for name in given if not Path(environment[name]).exists()] or given)
        why = getattr(error, "strerror", None) or "it isn't a certificate file"
        where = f"in {names} " if names else ""
        raise ConfigError(f"Can't load the certificates {where}({why}). Check {names or 'the system'}.") from error


async def _read(response: httpx2.Response, most: int) -> None:
    """Read a body, which the library would do without a limit. An error is cut there.

    Raises:
        httpx2.DecodingError: any other answer is larger.
    """
    pieces, size = list[bytes](), 0
    try:
        async for piece in response.aiter_bytes():
            size += len(piece)
            pieces.append(piece)
            if size > most:
                break
    finally:
        await response.aclose()
    if size > most and not response.is_error:
        raise httpx2.DecodingError(f"the answer has more than {most:,} bytes", request=response.request)
    response._content = b"".join(pieces)[:most]  # noqa: SLF001  (as its own aread does)


async def _limit_retries(response: httpx2.Response) -> None:
    """Have the openai client, which would wait up to two minutes, not retry where the server wants a longer pause."""
    if response.status_code in _BUSY or response.status_code >= _SERVER_ERROR:
        seconds = retry_after(response.headers)
        if seconds is not None and seconds > MOST_RETRY_SECONDS:
            response.headers.update(_NO_RETRY)
