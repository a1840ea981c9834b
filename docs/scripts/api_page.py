"""The page about the routes of the API, from its OpenAPI document."""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, cast

from markup import anchor, code, page, table
from schema_types import type_in_words

from botchat.api.app import create_app
from botchat.api.auth.middleware import PUBLIC_PATHS

_INTRODUCTION = """\
Every route of `botchat api`: parameters, body and responses. [The guide](../build/api.md) shows them in use. A running
server has the same as a page, at `/docs`, and as an OpenAPI document, at `/openapi.json`.

Requests need `Authorization: Bearer TOKEN`, except those marked "no token". On `botchat web --api`, all paths start
with `/api`.

An error has the status 4xx or 5xx and a body of the type `application/problem+json` ([Problem](#problem)); below `/v1`,
it has the form of OpenAI's errors ([OpenAIError](#openaierror))."""

_FIELDS = ("Field", "Type", "Required", "Description")


def pages() -> dict[str, str]:
    """Return the text of the page by its path below docs/reference/."""
    document = openapi()
    routes = list(_operations(document))
    tags = dict.fromkeys(tag for _, _, operation in routes for tag in operation["tags"])
    parts = [_overview(routes)]
    for tag in tags:
        parts.append(f"## {tag[:1].upper()}{tag[1:]}")
        for path, method, operation in routes:
            if tag in operation["tags"]:
                parts += [f"### {method} {path}", *_operation(path, operation)]
    parts.append("## Objects")
    for name, schema in sorted(document["components"]["schemas"].items()):
        parts += _object(name, schema)
    return {"api.md": page("API routes", _INTRODUCTION, *parts)}


def openapi() -> dict[str, Any]:
    """Return the OpenAPI document of the API."""
    return create_app(cast("Any", SimpleNamespace(metrics=None))).openapi()


def _operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield path, method.upper(), operation


def _overview(routes: list[tuple[str, str, dict[str, Any]]]) -> str:
    rows = [
        (f"[{code(f'{method} {path}')}](#{anchor(f'{method} {path}')})", _sentence(operation))
        for path, method, operation in routes
    ]
    return table(("Route", "Purpose"), rows)


def _sentence(operation: dict[str, Any]) -> str:
    return " ".join(str(operation["description"]).partition("\n\n")[0].split())


def _operation(path: str, operation: dict[str, Any]) -> Iterator[str]:
    yield operation["description"]
    if path in PUBLIC_PATHS:
        yield "No token."
    parameters = [
        (
            code(each["name"]),
            each["in"],
            _type(each["schema"]),
            "yes" if each.get("required") else _default(each["schema"]),
            each.get("description", ""),
        )
        for each in operation.get("parameters", ())
    ]
    yield table(("Parameter", "In", "Type", "Required", "Description"), parameters)
    for media, content in operation.get("requestBody", {}).get("content", {}).items():
        yield f"Body ({code(media)}): {_type(content.get('schema', {}))}."
    responses = [
        (code(status), _meaning(response["description"]), "<br>".join(_contents(response)))
        for status, response in operation["responses"].items()
        if status != "default"
    ]
    yield table(("Status", "Meaning", "Body"), responses)


def _meaning(description: str) -> str:
    return "Success." if description == "Successful Response" else description  # FastAPI's words for none


def _contents(response: dict[str, Any]) -> Iterator[str]:
    for media, content in response.get("content", {}).items():
        schema = content.get("schema")
        yield f"{_type(schema)} ({code(media)})" if schema else code(media)


def _object(name: str, schema: dict[str, Any]) -> list[str]:
    required = schema.get("required", ())
    rows = [
        (code(field), _type(value), "yes" if field in required else _default(value), value.get("description", ""))
        for field, value in _fields(schema)
    ]
    kind = f"Type: {_type(schema)}." if not rows else ""
    return [f"### {name}", schema.get("description", ""), kind, table(_FIELDS, rows)]


def _fields(schema: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    for name, value in schema.get("properties", {}).items():
        yield f"{prefix}{name}", value
        yield from _fields(value, f"{prefix}{name}.")


def _type(schema: dict[str, Any]) -> str:
    return type_in_words(schema, lambda name: f"[{name}](#{anchor(name)})")


def _default(schema: dict[str, Any]) -> str:
    default = schema.get("default")
    return "no" if default in (None, [], {}, "") else f"no (default: {code(str(default).lower())})"
