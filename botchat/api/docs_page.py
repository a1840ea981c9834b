"""The page `/docs`: Swagger UI, served from an installed package; nothing is loaded from other servers."""

import importlib.util
from functools import cache
from pathlib import Path

from fastapi import APIRouter
from fastapi.concurrency import run_in_threadpool
from starlette.responses import FileResponse, HTMLResponse, Response

from botchat.core.errors import how_to_install

# Relative file names: they are next to the page, also if it is mounted below /api.
_SCRIPT, _STYLE, _START = "swagger-ui-bundle.js", "swagger-ui.css", "start.js"

ASSET_PATHS = frozenset(f"/docs/{name}" for name in (_SCRIPT, _STYLE, _START))
"""The paths of the files that the page loads."""

_PAGE = f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>botchat API</title>
<link rel="stylesheet" href="docs/{_STYLE}">
<link rel="icon" href="data:,">
</head>
<body>
<div id="swagger-ui"></div>
<script src="docs/{_SCRIPT}"></script>
<script src="docs/{_START}"></script>
</body>
</html>
"""

# The validator is off: it would send this server's URL to swagger.io.
_START_SCRIPT = """SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  validatorUrl: null,
});
"""

_CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": _CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}

router = APIRouter(include_in_schema=False)


@router.get("/docs")
async def docs() -> HTMLResponse:
    """Return the page."""
    return HTMLResponse(_PAGE, headers=_HEADERS)


@router.get(f"/docs/{_START}")
async def start() -> Response:
    """Return the script that starts Swagger UI; the Content-Security-Policy blocks inline scripts."""
    return Response(_START_SCRIPT, media_type="text/javascript", headers=_HEADERS)


@router.get(f"/docs/{_SCRIPT}")
async def script() -> FileResponse:
    """Return the script of Swagger UI."""
    return await _asset(_SCRIPT)


@router.get(f"/docs/{_STYLE}")
async def style() -> FileResponse:
    """Return the style sheet of Swagger UI."""
    return await _asset(_STYLE)


async def _asset(name: str) -> FileResponse:
    return FileResponse(await run_in_threadpool(_asset_folder) / name, headers=_HEADERS)


@cache
def _asset_folder() -> Path:
    """Return the folder `static` of the package fastapi-offline, without importing the package."""
    spec = importlib.util.find_spec("fastapi_offline")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(f"fastapi-offline isn't installed. {how_to_install('api')}", name="fastapi_offline")
    return Path(spec.origin).parent / "static"
