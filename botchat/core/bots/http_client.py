"""Creates the HTTP clients for bots' servers and botchat's own: proxies, certificates, timeouts, retries.

Imported only when a client is created: importing the HTTP library takes a tenth of a second.
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

MAX_RETRY_SECONDS = 3.0
"""If a server requires a longer pause, the request is not retried: its response is the reply's error at once."""

MAX_BYTES = 32 * 1024 * 1024
"""Limit for a response that is not streamed, such as a list of models."""

MAX_ERROR_BYTES = 64 * 1024
"""Bytes to read of an error's body: its message is at the beginning."""

_BUSY = {408, 409, 429}
_SERVER_ERROR = 500
_LAST_PORT = 65_535
_NO_RETRY = {"x-should-retry": "false"}
_SCHEMES = {"http", "https", "socks5", "socks5h"}
_CERTIFICATES = ("SSL_CERT_FILE", "SSL_CERT_DIR")


class _QueryFilter(logging.Filter):
    """Removes the query, which can contain a key, from the URLs that the HTTP library logs."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(a.copy_with(query=None) if isinstance(a, httpx2.URL) else a for a in record.args)
        return True


logging.getLogger("httpx2").addFilter(_QueryFilter())


class Proxy(NamedTuple):
    """A proxy from the environment; `name` is the variable that sets it."""

    name: str
    url: str


class HttpClient(httpx2.AsyncClient):
    """An HTTP client with a timeout for the headers of each response, and size limits.

    Attributes:
        proxy: the proxy in use; None without one.
    """

    def __init__(self, *, proxy: Proxy | None, header_timeout: float | None, max_bytes: int, **options: Any) -> None:
        hooks = {"response": [_prevent_long_retries]}
        super().__init__(proxy=proxy and _client_proxy(proxy), trust_env=False, event_hooks=hooks, **options)
        self.proxy = proxy
        self._header_timeout = header_timeout
        self._max_bytes = max_bytes

    async def send(self, request: httpx2.Request, *, stream: bool = False, **options: Any) -> httpx2.Response:
        """Send a request, and read the body unless it is a stream; only the beginning of an error's body is read.

        Raises:
            TimeoutError: no response in time. Unlike the client's own timeout, it is not retried: the server may still
                be working on the request.
            httpx2.RequestError: the server can't be reached, the connection was lost, or the body is too large.
        """
        try:
            async with asyncio.timeout(self._header_timeout):
                response = await super().send(request, stream=True, **options)
                if not stream:
                    await _read_body(response, MAX_ERROR_BYTES if response.is_error else self._max_bytes)
        except httpx2.ReadTimeout as error:
            raise TimeoutError from error
        if stream and response.is_error:
            await _read_body(response, MAX_ERROR_BYTES)
        return response


def open_client(
    url: str,
    *,
    timeout: httpx2.Timeout,
    header_timeout: float | None = None,
    max_bytes: int = MAX_BYTES,
    environment: Mapping[str, str] = os.environ,
    **options: Any,
) -> HttpClient:
    """Create a client for one server, through the proxy that the environment sets for it; none for this machine.

    Args:
        url: URL of the server; must pass `is_valid_url`.
        timeout: for connecting, and between two pieces of a response.
        header_timeout: seconds until the headers of a response, for each attempt; None doesn't limit it.
        max_bytes: limit for the decompressed body of a response that is not streamed.
        environment: the environment variables.
        options: passed to the HTTP library's client.

    Raises:
        ConfigError: a proxy or the certificates in the environment can't be used. The message has the names of the
            variables, never a part of their values.
    """
    proxy = None if is_local(url) else proxy_for(url, environment)
    verify = _certificates(trusted=not (is_local(url) and url.startswith("http://")), environment=environment)
    try:
        return HttpClient(
            proxy=proxy, header_timeout=header_timeout, max_bytes=max_bytes, timeout=timeout, verify=verify, **options
        )
    except ImportError as error:
        raise ConfigError(
            f"The proxy in {proxy.name if proxy else 'the environment'} requires a package. "
            "Run: pip install 'httpx2[socks]'"
        ) from error


async def get_json(url: str, *, seconds: float = 10) -> Any:
    """Get a JSON document of at most 1 MiB.

    Raises:
        BotchatError: the request timed out, or the response is too large or isn't JSON. Its text names only the host.
    """
    host = urlsplit(url).hostname
    timeout = httpx2.Timeout(seconds)
    try:
        async with asyncio.timeout(seconds), open_client(url, timeout=timeout, max_bytes=1024 * 1024) as client:
            response = await client.get(url)
        response.raise_for_status()
        return response.json()
    except httpx2.HTTPStatusError as error:
        raise BotchatError(f"{host} returned HTTP {error.response.status_code}.") from error
    except (TimeoutError, httpx2.RequestError) as error:
        raise BotchatError(certificate_problem(error, str(host)) or f"Can't reach {host}.") from error
    except (ValueError, RecursionError) as error:
        raise BotchatError(f"{host} returned invalid JSON.") from error


async def get_bytes(url: str, *, max_bytes: int, seconds: float = 60) -> bytes:
    """Get a file, also from where the server redirects to.

    Raises:
        BotchatError: the URL is invalid, the request failed, or the file is too large. Its text names only the host.
    """
    host = urlsplit(url).hostname
    if not is_valid_url(url):
        raise BotchatError("The address isn't a valid URL.")
    timeout = httpx2.Timeout(seconds)
    try:
        async with (
            asyncio.timeout(seconds),
            open_client(url, timeout=timeout, max_bytes=max_bytes, follow_redirects=True) as client,
        ):
            response = await client.get(url)
        response.raise_for_status()
    except httpx2.HTTPStatusError as error:
        raise BotchatError(f"{host} returned HTTP {error.response.status_code}.") from error
    except httpx2.DecodingError as error:
        raise BotchatError(f"Can't get the file from {host}: {error}.") from error
    except (TimeoutError, httpx2.RequestError) as error:
        raise BotchatError(certificate_problem(error, str(host)) or f"Can't reach {host}.") from error
    return response.content


def is_valid_url(url: str) -> bool:
    """Return whether a URL has a valid host and port, and credentials that can be decoded."""
    try:
        parts = httpx2.URL(url)
        parts.raw_host.decode("ascii").encode("idna")
        return is_unambiguous(url) and bool(parts.host) and (parts.port is None or 0 < parts.port <= _LAST_PORT)
    except (httpx2.InvalidURL, ValueError):
        return False


def certificate_problem(error: Exception, url: str) -> str | None:
    """Return the sentence for a connection that failed because of TLS; None if it failed otherwise.

    Args:
        error: raised by the HTTP library.
        url: the requested URL without secrets.
    """
    if not _is_tls_error(error):
        return None
    return (
        f"Can't verify the certificate of {url} ({error}). If it was issued by a private CA, set SSL_CERT_FILE to that "
        "CA's certificates."
    )


def proxy_problem(error: Exception, proxy: Proxy | None, url: str) -> str | None:
    """Return the sentence for a connection that failed at the proxy; None if it failed elsewhere.

    Args:
        error: raised by the HTTP library.
        proxy: the proxy of the connection, if any.
        url: the requested URL without secrets.
    """
    if proxy is None or _is_tls_error(error):
        return None
    if isinstance(error, httpx2.ProxyError):
        why = "it requires another user name or password" if "407" in str(error) else "it refused the connection"
        return f"Can't reach {url} through the proxy in {proxy.name}: {why}. Check {proxy.name} in the environment."
    if isinstance(error, httpx2.ConnectError | httpx2.ConnectTimeout):
        return (
            f"Can't reach the proxy in {proxy.name}. Check that it is running and {proxy.name} is correct, "
            "or add the server's host to NO_PROXY."
        )
    return None


def proxy_for(url: str, environment: Mapping[str, str] = os.environ) -> Proxy | None:
    """Return the proxy for a URL from the environment, or from the system's settings."""
    parts = urlsplit(url)
    found = _proxies(environment)
    if _is_bypassed(parts.hostname or "", parts.netloc.rpartition("@")[2], found.get("no", Proxy("", "")).url):
        return None
    proxy = found.get(parts.scheme) or found.get("all")
    if proxy is None:
        return None
    return proxy if "://" in proxy.url else Proxy(proxy.name, f"http://{proxy.url}")


def _proxies(environment: Mapping[str, str]) -> dict[str, Proxy]:
    """Return the proxies by scheme. A lower-case variable takes precedence, as in curl and Python."""
    found: dict[str, Proxy] = {}
    names = [name for name, value in environment.items() if name.lower().endswith("_proxy") and value.strip()]
    for name in sorted(names, key=str.islower):
        found[name.lower().removesuffix("_proxy")] = Proxy(name, environment[name].strip())
    if "REQUEST_METHOD" in environment and "http_proxy" not in environment:
        found.pop("http", None)  # in a CGI script it is a request header (CVE-2016-1000110)
    if found or environment is not os.environ:
        return found
    return {scheme: Proxy("the system's settings", url) for scheme, url in getproxies().items()}


def _is_bypassed(host: str, netloc: str, no_proxy: str) -> bool:
    """Return whether NO_PROXY lists a host: by name or domain, with or without a port, or by network."""
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


def _is_tls_error(error: BaseException) -> bool:
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, ssl.SSLError):
            return True
        seen = seen.__cause__ or seen.__context__
    return False


def _client_proxy(proxy: Proxy) -> httpx2.Proxy:
    """Convert to the client's own proxy type; GNOME's `socks://` is SOCKS 5."""
    scheme, _, rest = proxy.url.partition("://")
    scheme = {"socks": "socks5"}.get(scheme.lower(), scheme.lower())
    if scheme not in _SCHEMES:
        raise ConfigError(f"The proxy in {proxy.name} has an unsupported scheme. Use http://, https:// or socks5://.")
    url = f"{scheme}://{rest}"
    if not is_valid_url(url) or urlsplit(url).path.strip("/"):
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


async def _read_body(response: httpx2.Response, max_bytes: int) -> None:
    """Read a body up to a limit, which the library doesn't have. The body of an error is cut there.

    Raises:
        httpx2.DecodingError: the body of another response is larger.
    """
    pieces, size = list[bytes](), 0
    try:
        async for piece in response.aiter_bytes():
            size += len(piece)
            pieces.append(piece)
            if size > max_bytes:
                break
    finally:
        await response.aclose()
    if size > max_bytes and not response.is_error:
        raise httpx2.DecodingError(f"the response is larger than {max_bytes:,} bytes", request=response.request)
    response._content = b"".join(pieces)[:max_bytes]  # noqa: SLF001  (as the library's own aread does)


async def _prevent_long_retries(response: httpx2.Response) -> None:
    """Keep the openai client, which would wait up to two minutes, from retrying if the server requires a long pause."""
    if response.status_code in _BUSY or response.status_code >= _SERVER_ERROR:
        seconds = retry_after(response.headers)
        if seconds is not None and seconds > MAX_RETRY_SECONDS:
            response.headers.update(_NO_RETRY)
