"""The route /share/SECRET: the page of a shared link, as a document without scripts that loads nothing."""

from html import escape

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

from botchat.core.errors import BotchatError, LinkNotFound
from botchat.core.exporting.html import to_html
from botchat.web import runtime
from botchat.web.routes.common import attachment_disposition, connection
from botchat.web.server.security_headers import SHARE_PREFIX

_NOT_FOUND = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Link not found</title><style>:root { color-scheme: light dark } body { font: 1rem/1.5 system-ui, sans-serif;
max-width: 40rem; margin: 20vh auto; padding: 1rem }</style></head>
<body><main><h1>Link not found</h1><p>It may have been revoked or have ended. Ask for a new one.</p></main>
</body></html>
"""


async def _page(request: Request) -> Response:
    """Return the page. An unknown, a revoked and an ended link are answered in the same way."""
    try:
        return await run_in_threadpool(_shared, request)
    except LinkNotFound:
        return HTMLResponse(_NOT_FOUND, 404)
    except BotchatError:  # its text can have the address of the store
        return PlainTextResponse("The shared chat can't be read now. Try again later.", 503)


def _shared(request: Request) -> Response:
    secret = request.path_params["secret"]
    session = connection().shared(secret)
    if "download" in request.query_params:
        headers = {"Content-Disposition": attachment_disposition(f"{session.name}.html")}
        return HTMLResponse("".join(to_html([session])), headers=headers)
    return HTMLResponse("".join(to_html([session], footer=_footer(secret, can_continue=_is_user(request)))))


def _is_user(request: Request) -> bool:
    return runtime.current().user is not None or hasattr(request.state, "sign_in")


def _footer(secret: str, *, can_continue: bool) -> str:
    links = ['<a href="?download">Download as HTML</a>']
    if can_continue:
        links.insert(0, f'<a href="/?shared={escape(secret)}">Continue in a new chat</a>')
    return f'<p class="about">{" · ".join(links)}</p>\n'


SHARED_ROUTE = Route(f"{SHARE_PREFIX}{{secret}}", _page, methods=["GET"])
"""`?download` returns the page as a file."""
