"""Finds the server's message in the body of an error of any shape.

Shapes seen: OpenAI and most others `{"error": {"message"}}`; Ollama, LM Studio, TGI, xAI `{"error": "text"}`; Gemini a
list of them; FastAPI, vLLM and Mistral `{"detail": [{"loc", "msg"}]}`; OpenRouter `error.metadata.raw`, often JSON in a
string; MiniMax `{"base_resp": {"status_msg"}}`; DashScope text after `<400>`; nginx and Cloudflare an HTML page.
"""

import html
import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

NO_REASON = "no reason given"

_KEYS = (
    "error",
    "errors",
    "message",
    "detail",
    "details",
    "msg",
    "error_msg",
    "errorMessage",
    "error_description",
    "status_msg",
    "reason",
    "title",
    "description",
    "base_resp",
)
_NAMES = ("code", "type", "status")
_MAX_LENGTH = 300
_MAX_ERRORS = 3  # of a list
_MAX_DEPTH = 8
_PAGE = re.compile(r"\s*<(!doctype|html|head|body|\?xml|title|h\d|center)\b", re.IGNORECASE)
_TITLE = re.compile(r"<(title|h1)\b[^>]*>(.*?)</\1>", re.IGNORECASE | re.DOTALL)
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\s]+")


def server_message(body: Any) -> str:
    """Return the server's message in the body of an error, on one line; NO_REASON if it has none."""
    return find_message(body) or NO_REASON


def find_message(body: Any) -> str:
    """Return the server's message on one line, or "". A body of unknown shape is returned as JSON."""
    if isinstance(body, bytes):
        body = body.decode(errors="replace")
    text = _join(_texts(body, _MAX_DEPTH), ": ")
    if not text and isinstance(body, dict | list) and body:
        text = json.dumps(body, ensure_ascii=False, default=str)
    return _CONTROLS.sub(" ", text).strip().rstrip(".")


def shorten(text: str) -> str:
    """Cut a message that is too long for a sentence."""
    return text if len(text) <= _MAX_LENGTH else text[:_MAX_LENGTH] + " …"


def is_html_page(text: str) -> bool:
    """Return whether a text is an HTML page."""
    return bool(_PAGE.match(text))


def _texts(value: Any, depth: int) -> Iterator[str]:
    if depth == 0 or value is None or isinstance(value, bool | int | float):
        return
    if isinstance(value, str):
        yield from _texts_in_string(value, depth - 1)
    elif isinstance(value, list):
        yield _join((_join(_texts(each, depth - 1), ": ") for each in value[:_MAX_ERRORS]), "; ")
    elif isinstance(value, dict):
        yield from _texts_in_object(value, depth - 1)


def _texts_in_string(text: str, depth: int) -> Iterator[str]:
    text = text.strip()
    if is_html_page(text):
        title = _TITLE.search(text)
        yield html.unescape(re.sub("<[^>]*>", " ", title[2])) if title else ""
        return
    inner = text.removeprefix("data:").lstrip()
    if inner[:1] in ("{", "[", '"'):
        try:
            inside = json.loads(inner)
        except (ValueError, RecursionError):
            yield text
        else:
            yield _join(_texts(inside, depth), ": ") or text
    else:
        yield text


def _texts_in_object(fields: dict[str, Any], depth: int) -> Iterator[str]:
    texts = [_join(_texts(fields.get(key), depth), ": ") for key in _KEYS]
    metadata = fields.get("metadata")  # OpenRouter: the upstream provider's message
    if isinstance(metadata, dict):
        texts.append(_join(_texts(metadata.get("raw"), depth), ": "))
    location = fields.get("loc")  # FastAPI: the field of the request
    field = ".".join(str(part) for part in location if part != "body") if isinstance(location, list) else ""
    found = _join(texts, ": ") or _join((str(fields[n]) for n in _NAMES if isinstance(fields.get(n), str)), ": ")
    yield f"{field}: {found}" if field and found else found


def _join(texts: Iterable[str], separator: str) -> str:
    """Join texts without duplicates: many servers repeat the same text in several fields."""
    kept: list[str] = []
    for text in map(str.strip, texts):
        if text and not any(text in other for other in kept):
            kept = [other for other in kept if other not in text] + [text]
    return separator.join(each.rstrip(".:") if separator == ": " and each is not kept[-1] else each for each in kept)
