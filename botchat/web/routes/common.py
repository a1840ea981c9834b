"""What the routes next to the page share: the origin check, error responses and headers."""

import re
from collections.abc import Awaitable, Callable
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from botchat.core.chat import Chat
from botchat.core.errors import BotchatError, FileNotFound, InvalidInput, SessionNotFound
from botchat.core.exporting import one_line

# Without Sec-Fetch-Site it is no browser, or an old one. "none" means that the user typed the URL.
_OWN_PAGES = {"same-origin", "none"}
_NAME_BYTES = 120
_NOT_IN_FILE_NAMES = re.compile(r'[/\\:*?"<>|\ufffd\u2400-\u2426]+')


def endpoint(make: Callable[[Request], Response]) -> Callable[[Request], Awaitable[Response]]:
    """Return the endpoint of a route: `make` runs in a thread, and its errors become a status and a sentence."""

    async def answer(request: Request) -> Response:
        if request.headers.get("sec-fetch-site", "none") not in _OWN_PAGES:
            return PlainTextResponse("Another site asked for this: open it from the page.", 403)
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
    """Return the page's connection. The import is late because Streamlit warns of caches created before it runs."""
    from botchat.web import cache

    return cache.connection()


def private_headers(disposition: str) -> dict[str, str]:
    """Return the headers of a private file: never cached, never taken for another type, same origin only."""
    return {
        "Content-Disposition": disposition,
        "Cache-Control": "no-store",
        "Cross-Origin-Resource-Policy": "same-origin",
        "X-Content-Type-Options": "nosniff",
    }


def attachment_disposition(name: str) -> str:
    """Return a Content-Disposition that saves a file under a name (RFC 6266), with a second name for old browsers."""
    stem, dot, ending = one_line(name).rpartition(".")
    safe = _NOT_IN_FILE_NAMES.sub("_", stem).encode()[:_NAME_BYTES].decode(errors="ignore").strip(". _") or "session"
    plain = re.sub(r"[^\w .()-]", "_", safe, flags=re.ASCII)
    return f"attachment; filename=\"{plain}{dot}{ending}\"; filename*=UTF-8''{quote(f'{safe}{dot}{ending}', safe='')}"
