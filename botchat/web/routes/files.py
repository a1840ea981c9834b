"""The route /file: a message's attachments. Images are shown, other files downloaded, none executed."""

from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from botchat.core.models import File, Session, file_type, one_line
from botchat.web import runtime
from botchat.web.routes.common import attachment_disposition, connection, endpoint, private_headers

_UNKNOWN = "application/octet-stream"


def file_url(session: Session, file: File) -> str:
    """Return the URL of an attachment, relative to the page."""
    return f"file?{urlencode({'session': session.id, 'id': file.id, 'name': file.name})}"


def _file(request: Request) -> Response:
    asked = request.query_params
    data = connection().file(runtime.user_of(request), asked.get("session", ""), asked.get("id", ""))
    name = one_line(asked.get("name", "")) or "file"
    kind = file_type(name, data) or _UNKNOWN
    file = File(name=name, type=kind, size=len(data))
    if file.is_image:
        return Response(data, media_type=file.type, headers=private_headers("inline"))
    media_type = file.type if file.is_document or kind == _UNKNOWN else "text/plain"
    return Response(data, media_type=media_type, headers=private_headers(attachment_disposition(file.name)))


FILE_ROUTE = Route("/file", endpoint(_file), methods=["GET"])
"""`?session=ID&id=FILE`; `&name=` sets only the name of the download."""
