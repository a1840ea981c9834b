"""Maps errors to HTTP responses: problem+json (RFC 9457), and OpenAI's format under /v1. No other module does."""

import json
import logging
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from botchat.core import errors
from botchat.core.models import valid_text

MEDIA_TYPE = "application/problem+json"

_STATUS: dict[type[errors.BotchatError], int] = {
    errors.InvalidInput: 422,
    errors.UnknownBot: 404,
    errors.ConfigError: 500,
    errors.SessionNotFound: 404,
    errors.MessageNotFound: 404,
    errors.FileNotFound: 404,
    errors.LinkNotFound: 404,
    errors.UserNotFound: 404,
    errors.AccountNotFound: 404,
    errors.TokenNotFound: 404,
    errors.NotSignedIn: 401,
    errors.NotAllowed: 403,
    errors.TooMany: 429,
    errors.ReplyRunning: 409,
    errors.SessionChanged: 409,
    errors.SessionTooLarge: 413,
    errors.DamagedRecord: 500,
    errors.StoreError: 503,
    errors.BotError: 502,
    errors.BotchatError: 500,
}
_OPENAI_TYPES = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}
_BAD_JSON = "json_invalid"

_log = logging.getLogger(__name__)


def add_handlers(app: FastAPI) -> None:
    """Register the error handlers of an application."""
    app.add_exception_handler(errors.BotchatError, _handle_botchat_error)
    app.add_exception_handler(RequestValidationError, _handle_validation_error)
    app.add_exception_handler(HTTPException, _handle_http_error)
    app.add_exception_handler(Exception, _handle_unexpected_error)


def http_status(error: errors.BotchatError) -> int:
    """Return the HTTP status of an error."""
    kinds = type(error).__mro__
    if isinstance(error, errors.MissingKey):  # the server's configuration, not the caller's mistake
        return 502
    return next(_STATUS[kind] for kind in kinds if kind in _STATUS)


def error_response(error: errors.BotchatError, path: str, **more: Any) -> Response:
    """Return the response of an error; `more` are additional members of the problem."""
    headers = {}
    if isinstance(error, errors.NotSignedIn):
        headers["WWW-Authenticate"] = "Bearer"
    if isinstance(error, errors.TooMany):
        headers["Retry-After"] = str(error.retry_after)
    if isinstance(error, errors.StoreUnavailable):
        headers["Retry-After"] = "2"
    return problem_response(http_status(error), str(error), path, headers, code=_error_code(error), **more)


def problem_response(
    status: int, detail: str, path: str, headers: dict[str, str] | None = None, **more: Any
) -> Response:
    """Return a problem as a response, in the format of the requested path."""
    if path.startswith("/v1/"):
        return JSONResponse(openai_error(status, detail, more.get("code")), status, headers)
    return JSONResponse(problem_json(status, detail) | more, status, headers, media_type=MEDIA_TYPE)


def problem_json(status: int, detail: str) -> dict[str, Any]:
    """Return the body of a problem (RFC 9457)."""
    title = HTTPStatus(status).phrase
    return {"type": "about:blank", "title": title, "status": status, "detail": valid_text(detail)}


def error_problem(error: errors.BotchatError) -> dict[str, Any]:
    """Return the body of a problem for an error, with its code."""
    return problem_json(http_status(error), str(error)) | {"code": _error_code(error)}


def error_event(error: errors.BotchatError, path: str) -> bytes:
    """Return the event that ends a stream with an error, in the format of the requested path."""
    if path.startswith("/v1/"):
        return f"data: {json.dumps(openai_error(http_status(error), str(error), _error_code(error)))}\n\n".encode()
    return f"event: error\ndata: {json.dumps(error_problem(error))}\n\n".encode()


def openai_error(status: int, detail: str, code: str | None = None) -> dict[str, Any]:
    """Return the body of an error in OpenAI's format."""
    kind = _OPENAI_TYPES.get(status, "invalid_request_error" if status < 500 else "server_error")  # noqa: PLR2004
    return {"error": {"message": valid_text(detail), "type": kind, "param": None, "code": code}}


def _error_code(error: errors.BotchatError) -> str:
    """Return the code of an error, its class name in snake case: session_not_found."""
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in type(error).__name__).removeprefix("_")


def _handle_botchat_error(request: Request, error: Exception) -> Response:
    if not isinstance(error, errors.BotchatError):
        raise error
    return error_response(error, request.url.path)


def _handle_validation_error(request: Request, error: Exception) -> Response:
    """Report what is wrong with a request without repeating its values: one may be a password, or ten megabytes."""
    if not isinstance(error, RequestValidationError):
        raise error
    mistakes = [{"loc": [str(part) for part in e["loc"]], "msg": str(e["msg"])} for e in error.errors()]
    first = mistakes[0]
    status = 400 if any(e["type"] == _BAD_JSON for e in error.errors()) else 422
    detail = f"{'.'.join(first['loc'])}: {first['msg']}"
    return problem_response(status, detail, request.url.path, code="invalid_request", errors=_with_valid_text(mistakes))


def _with_valid_text(mistakes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{"loc": [valid_text(part) for part in m["loc"]], "msg": valid_text(m["msg"])} for m in mistakes]


def _handle_http_error(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    return problem_response(error.status_code, str(error.detail), request.url.path, dict(error.headers or {}))


def _handle_unexpected_error(request: Request, error: Exception) -> Response:
    _log.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return problem_response(500, "Internal server error. The server's log has the details.", request.url.path)
