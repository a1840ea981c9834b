"""The address /export: a user's sessions as a file, one of them in memory at a time."""

import re
from collections.abc import Iterator
from itertools import chain
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from botchat.core.admin import Admin
from botchat.core.errors import BotchatError, InvalidInput, SessionNotFound
from botchat.core.export import ExportFormat, export, one_line
from botchat.core.models import SessionFilter, now
from botchat.web import cached, state

_TYPES = {
    ExportFormat.md: "text/markdown",
    ExportFormat.html: "text/html",
    ExportFormat.json: "application/json",
    ExportFormat.jsonl: "application/jsonl",
    ExportFormat.csv: "text/csv",
}
# No Sec-Fetch-Site: no browser, or an old one. "none": the address was typed.
_OWN_PAGES = {"same-origin", "none"}
_CHUNK_CHARACTERS = 64 * 1024
_NAME_BYTES = 120
_NOT_IN_FILE_NAMES = re.compile(r'[/\\:*?"<>|\ufffd\u2400-\u2426]+')


async def _answer(request: Request) -> Response:
    """Answer with a file. What fails before its first byte is told; what fails later breaks the connection off."""
    if request.headers.get("sec-fetch-site", "none") not in _OWN_PAGES:
        return PlainTextResponse("Another site asked for this: open it from the page.", 403)
    try:
        form = _form(request.query_params.get("form", ""))
        name, parts = await run_in_threadpool(_file, state.user(), form, request.query_params.get("session"))
    except SessionNotFound as error:
        return PlainTextResponse(str(error), 404)
    except InvalidInput as error:
        return PlainTextResponse(str(error), 400)
    except BotchatError as error:
        return PlainTextResponse(str(error), 503)
    headers = {
        "Content-Disposition": _attachment(f"{name}.{form}"),
        "Cache-Control": "no-store",
        "Cross-Origin-Resource-Policy": "same-origin",
        "X-Content-Type-Options": "nosniff",
    }
    return StreamingResponse(parts, media_type=_TYPES[form], headers=headers)


EXPORT = Route("/export", _answer, methods=["GET"])
"""`?form=md|html|json|jsonl|csv`, and `&session=ID` for one; without it all but the trash."""


def _form(asked: str) -> ExportFormat:
    try:
        return ExportFormat(asked)
    except ValueError as error:
        raise InvalidInput(f"There is no form {asked!r}: say form={'|'.join(ExportFormat)}.") from error


def _file(user: str, form: ExportFormat, session_id: str | None) -> tuple[str, Iterator[bytes]]:
    """Begin to read, so that an error is known before anything is sent; give the file's name and its parts.

    Raises:
        SessionNotFound: the user has none of that id.
        StoreError: the store can't be read.
    """
    admin = cached.connection().for_admins()
    if session_id is None:
        name, texts = f"botchat {now():%Y-%m-%d}", _all(admin, user, form)
    else:
        name, texts = _one(admin, user, form, session_id)
    parts = _parts(texts)
    return name, chain([next(parts)], parts)


def _all(admin: Admin, user: str, form: ExportFormat) -> Iterator[str]:
    records = admin.records(SessionFilter(user=user, state=None))  # one that is archived meanwhile is not missed
    return export((record for record in records if record["state"] != "trash"), form)


def _one(admin: Admin, user: str, form: ExportFormat, session_id: str) -> tuple[str, Iterator[str]]:
    record = next(admin.records(SessionFilter(user=user, state=None, ids=(session_id,))), None)
    if record is None:
        raise SessionNotFound(session_id)
    return record["name"], export([record], form, alone=True)


def _parts(texts: Iterator[str]) -> Iterator[bytes]:
    """Join small texts: each part is one turn of a thread. There is always one, be it empty."""
    held: list[str] = []
    size = 0
    for text in texts:
        held.append(text)
        size += len(text)
        if size >= _CHUNK_CHARACTERS:
            yield "".join(held).encode()
            held, size = [], 0
    yield "".join(held).encode()


def _attachment(name: str) -> str:
    """Say that a file is to be saved, by which name (RFC 6266); the first of the two is for old browsers."""
    stem, dot, ending = one_line(name).rpartition(".")
    safe = _NOT_IN_FILE_NAMES.sub("_", stem).encode()[:_NAME_BYTES].decode(errors="ignore").strip(". _") or "session"
    plain = re.sub(r"[^\w .()-]", "_", safe, flags=re.ASCII)
    return f"attachment; filename=\"{plain}{dot}{ending}\"; filename*=UTF-8''{quote(f'{safe}{dot}{ending}', safe='')}"
