"""The FastAPI application: middleware, routes and the OpenAPI document."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from starlette.middleware import Middleware

from botchat import __version__
from botchat.api import docs_page, errors
from botchat.api.auth.middleware import PUBLIC_PATHS, AuthMiddleware
from botchat.api.dependencies import Services
from botchat.api.metrics import MetricsMiddleware
from botchat.api.openai import completions
from botchat.api.replies.sse import EventStream
from botchat.api.routes import admin, health, messages, preferences, sessions, sign_in
from botchat.api.schemas.responses import ProblemOut

_ROUTERS = (sessions, messages, preferences, completions, sign_in, health, admin, docs_page)
_DESCRIPTION = (
    "Chat sessions with bots, stored message by message. Authenticate with `Authorization: Bearer TOKEN`. "
    "Other users' sessions return 404, like sessions that don't exist. "
    "Errors are `application/problem+json` (RFC 9457); `/v1` uses OpenAI's format."
)


def create_app(services: Services) -> FastAPI:
    """Return the application with all routes and middleware."""
    app = FastAPI(
        title="botchat",
        version=__version__,
        description=_DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        telemetry={"tracing": False, "metrics": False},
        middleware=[
            Middleware(MetricsMiddleware, metrics=services.metrics),
            Middleware(AuthMiddleware, services=services),
        ],
    )
    app.state.services = services
    for module in _ROUTERS:
        app.include_router(module.router)
    errors.add_handlers(app)
    document: dict[str, Any] = {}

    def openapi() -> dict[str, Any]:
        if not document:
            document.update(_openapi_document(app))
        return document

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's documented way to change the document
    return app


_EVENT_STREAM = EventStream.media_type


def _openapi_document(app: FastAPI) -> dict[str, Any]:
    """Return the OpenAPI document of the routes, with their common parts: authentication and errors."""
    document = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
    schemas = document["components"]["schemas"]
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    schemas["Problem"] = ProblemOut.model_json_schema()
    schemas["OpenAIError"] = _OPENAI_ERROR
    document["components"]["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
    document["security"] = [{"token": []}]
    for path, operations in document["paths"].items():
        for operation in operations.values():
            operation.update(_summary_and_description(operation.pop("description")))
            for parameter in operation.get("parameters", ()):
                parameter["schema"] = _without_null(parameter["schema"])
            operation["responses"].pop("422", None)
            operation["responses"]["default"] = _error_response(path)
            for response in operation["responses"].values():
                if _EVENT_STREAM in response.get("content", {}):
                    response["content"][_EVENT_STREAM] = {}
            if path in PUBLIC_PATHS:
                operation["security"] = []
    return document


def _summary_and_description(docstring: str) -> dict[str, str]:
    """Return the first line of a route's docstring as the summary of the operation, and the rest as its description."""
    summary, _, description = docstring.partition("\n\n")
    return {"summary": summary.removesuffix("."), "description": description}


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a query or header parameter without null: it can be absent, but never null."""
    kinds = [kind for kind in schema.get("anyOf", ()) if kind != {"type": "null"}]
    if len(kinds) != 1:
        return schema
    return {name: value for name, value in schema.items() if name != "anyOf"} | dict(kinds[0])


_OPENAI_ERROR: dict[str, Any] = {
    "type": "object",
    "description": "An error in OpenAI's format.",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["message", "type", "param", "code"],
            "description": "The error.",
            "properties": {
                "message": {"type": "string", "description": "What happened and what to do, for people."},
                "type": {"type": "string", "description": "Category, such as `invalid_request_error`."},
                "param": {"type": ["string", "null"], "description": "Always `null`."},
                "code": {"type": ["string", "null"], "description": "Kind of error, such as `session_not_found`."},
            },
        }
    },
}


def _error_response(path: str) -> dict[str, Any]:
    kind, name = ("application/json", "OpenAIError") if path.startswith("/v1/") else (errors.MEDIA_TYPE, "Problem")
    return {"description": "Error", "content": {kind: {"schema": {"$ref": f"#/components/schemas/{name}"}}}}
