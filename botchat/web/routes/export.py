"""The route /export: streams a user's sessions as a file, holding one session in memory at a time."""

from collections.abc import Iterator

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from botchat.core.admin import Admin, DamagedRecord
from botchat.core.errors import InvalidInput
from botchat.core.exporting import ExportFormat, encode_chunks, export
from botchat.core.models import SessionFilter, now
from botchat.web import runtime
from botchat.web.routes.common import attachment_disposition, connection, endpoint, private_headers


def _export(request: Request) -> Response:
    """Return a file. An error before the first byte sets the status and message; a later one aborts the connection."""
    form = _form(request.query_params.get("form", ""))
    name, parts = _file(runtime.user_of(request), form, request.query_params.get("session"))
    headers = private_headers(attachment_disposition(f"{name}.{form}"))
    return StreamingResponse(parts, media_type=form.media_type, headers=headers)


EXPORT_ROUTE = Route("/export", endpoint(_export), methods=["GET"])
"""`?form=md|html|json|jsonl|csv` exports all sessions except the trash, or one with `&session=ID`."""


def _form(asked: str) -> ExportFormat:
    try:
        return ExportFormat(asked)
    except ValueError as error:
        raise InvalidInput(f"Unknown format {asked!r}. Available formats: {', '.join(ExportFormat)}.") from error


def _file(user: str, form: ExportFormat, session_id: str | None) -> tuple[str, Iterator[bytes]]:
    """Return the file's name and its chunks. The first chunk is read here, to detect errors before anything is sent.

    Raises:
        SessionNotFound: the user has no session with this ID.
        StoreError: the store can't be read.
    """
    admin = connection().for_admins()
    if session_id is None:
        name, texts = f"botchat {now():%Y-%m-%d}", _all(admin, user, form)
    else:
        name, texts = _one(admin, user, form, session_id)
    return name, encode_chunks(texts)


def _all(admin: Admin, user: str, form: ExportFormat) -> Iterator[str]:
    records = admin.records(
        SessionFilter(user=user, state=None)
    )  # `state=None`: otherwise a session that is archived meanwhile would be missed
    return export((record for record in records if record["state"] != "trash"), form)


def _one(admin: Admin, user: str, form: ExportFormat, session_id: str) -> tuple[str, Iterator[str]]:
    found = admin.record(user, session_id)
    if not isinstance(found, DamagedRecord):
        record = found
    elif found.readable is not None:
        record = found.readable
    else:
        raise found
    return record["name"], export([record], form, single=True)
