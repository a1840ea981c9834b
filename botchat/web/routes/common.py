"""What the page's own addresses have in common: whom they answer, how errors are told, and that nothing is kept."""

import re
from collections.abc import Awaitable, Callable
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from botchat.core.chat import Chat
from botchat.core.errors import BotchatError, FileNotFound, InvalidInput, SessionNotFound
from botchat.core.exporting import one_line

# No Sec-Fetch-Site: no browser, or an old one. "none": the address was typed.
_OWN_PAGES = {"same-origin", "none"}
_NAME_BYTES = 120
_NOT_IN_FILE_NAMES = re.compile(r'[/\\:*?"<>|\ufffd\u2400-\u2426]+')


def endpoint(make: Callable[[Request], Response]) -> Callable[[Request], Awaitable[Response]]:
    """Make the endpoint of a route: `make` runs in a thread, and what it raises becomes a status and a sentence."""

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
    """Return the open store, as the page has it. Streamlit warns of caches that are made before it runs."""
    from botchat.web import cache

    return cache.connection()


def private_headers(disposition: str) -> dict[str, str]:
    """Make the headers of an answer that is one person's alone, and never anything but a file."""
    return {
        "Content-Disposition": disposition,
        "Cache-Control": "no-store",
        "Cross-Origin-Resource-Policy": "same-origin",
        "X-Content-Type-Options": "nosniff",
    }


def attachment_disposition(name: str) -> str:
    """Say that a file is to be saved, by which name (RFC 6266); the first of the two is for old browsers."""
    stem, dot, ending = one_line(name).rpartition(".")
    safe = _NOT_IN_FILE_NAMES.sub("_", stem).encode()[:_NAME_BYTES].decode(errors="ignore").strip(". _") or "session"
    plain = re.sub(r"[^\w .()-]", "_", safe, flags=re.ASCII)
    return f"attachment; filename=\"{plain}{dot}{ending}\"; filename*=UTF-8''{quote(f'{safe}{dot}{ending}', safe='')}"
