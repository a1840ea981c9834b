"""Shared by the download routes: the origin check, error responses and headers."""

import re
from collections.abc import Awaitable, Callable
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from botchat.core.chat import Chat
from botchat.core.errors import BotchatError, FileNotFound, InvalidInput, SessionNotFound
from botchat.core.exporting import one_line

# Clients without Sec-Fetch-Site are old browsers or not browsers. "none" means that the user entered the URL.
_OWN_PAGES = {"same-origin", "none"}
_NAME_BYTES = 120
_NOT_IN_FILE_NAMES = re.compile(r'[/\\:*?"<>|\ufffd\u2400-\u2426]+')


def endpoint(make: Callable[[Request], Response]) -> Callable[[Request], Awaitable[Response]]:
    """Return the endpoint of a route: it calls `make` in a thread and turns errors into a status and a message."""

    async def answer(request: Request) -> Response:
        if request.headers.get("sec-fetch-site", "none") not in _OWN_PAGES:
            return PlainTextResponse("Cross-site request blocked. Open this link from the page.", 403)
        try:
            return await run_in_threadpool(make, request)
        except (SessionNotFound, FileNotFound) as error:
            return PlainTextResponse(str(error), 404)
        except InvalidInput as error:
            return PlainTextResponse(str(error), 400)
        except BotchatError as error:
            return PlainTextResponse(str(error), 503)

    return answer


def connection() -> Chat:
    """Return the page's connection. Imported late, because Streamlit warns about caches created before it runs."""
    from botchat.web import cache

    return cache.connection()


def private_headers(disposition: str) -> dict[str, str]:
    """Return the headers of a private file: no caching, no type sniffing, same origin only."""
    return {
        "Content-Disposition": disposition,
        "Cache-Control": "no-store",
        "Cross-Origin-Resource-Policy": "same-origin",
        "X-Content-Type-Options": "nosniff",
    }


def attachment_disposition(name: str) -> str:
    """Return a Content-Disposition that sets a file name (RFC 6266), with an ASCII fallback for old browsers."""
    stem, dot, ending = one_line(name).rpartition(".")
    safe = _NOT_IN_FILE_NAMES.sub("_", stem).encode()[:_NAME_BYTES].decode(errors="ignore").strip(". _") or "session"
    plain = re.sub(r"[^\w .()-]", "_", safe, flags=re.ASCII)
    return f"attachment; filename=\"{plain}{dot}{ending}\"; filename*=UTF-8''{quote(f'{safe}{dot}{ending}', safe='')}"
