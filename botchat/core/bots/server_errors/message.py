"""Finds a server's own explanation in the body of an error, whatever its shape, and when to try again.

Shapes seen: OpenAI and most others `{"error": {"message"}}`; Ollama, LM Studio, TGI, xAI `{"error": "text"}`; Gemini a
list of them; FastAPI, vLLM and Mistral `{"detail": [{"loc", "msg"}]}`; OpenRouter `error.metadata.raw`, often JSON in a
string; MiniMax `{"base_resp": {"status_msg"}}`; DashScope text after `<400>`; nginx and Cloudflare a web page.
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
_LENGTH = 300
_MOST = 3  # of a list of errors
_DEPTH = 8
_PAGE = re.compile(r"\s*<(!doctype|html|head|body|\?xml|title|h\d|center)\b", re.IGNORECASE)
_TITLE = re.compile(r"<(title|h1)\b[^>]*>(.*?)</\1>", re.IGNORECASE | re.DOTALL)
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\s]+")


def server_message(body: Any) -> str:
    """Return the server's explanation in the body of an error, on one line; NO_WORDS where it has none."""
    return find_message(body) or NO_REASON


def find_message(body: Any) -> str:
    """Return the server's explanation on one line, or "". A body of unknown shape is returned as JSON."""
    if isinstance(body, bytes):
        body = body.decode(errors="replace")
    words = _joined(_found(body, _DEPTH), ": ")
    if not words and isinstance(body, dict | list) and body:
        words = json.dumps(body, ensure_ascii=False, default=str)
    return _CONTROLS.sub(" ", words).strip().rstrip(".")


def shorten(words: str) -> str:
    """Cut an explanation that is too long for a sentence."""
    return words if len(words) <= _LENGTH else words[:_LENGTH] + " …"


def is_html_page(text: str) -> bool:
    """Tell whether a text is a web page."""
    return bool(_PAGE.match(text))


def _found(value: Any, depth: int) -> Iterator[str]:
    if depth == 0 or value is None or isinstance(value, bool | int | float):
        return
    if isinstance(value, str):
        yield from _in_text(value, depth - 1)
    elif isinstance(value, list):
        yield _joined((_joined(_found(each, depth - 1), ": ") for each in value[:_MOST]), "; ")
    elif isinstance(value, dict):
        yield from _in_fields(value, depth - 1)


def _in_text(text: str, depth: int) -> Iterator[str]:
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
            yield _joined(_found(inside, depth), ": ") or text
    else:
        yield text


def _in_fields(fields: dict[str, Any], depth: int) -> Iterator[str]:
    words = [_joined(_found(fields.get(key), depth), ": ") for key in _KEYS]
    metadata = fields.get("metadata")  # OpenRouter's: the words of the server behind it
    if isinstance(metadata, dict):
        words.append(_joined(_found(metadata.get("raw"), depth), ": "))
    where = fields.get("loc")  # FastAPI's: which field of the request
    place = ".".join(str(part) for part in where if part != "body") if isinstance(where, list) else ""
    found = _joined(words, ": ") or _joined((str(fields[n]) for n in _NAMES if isinstance(fields.get(n), str)), ": ")
    yield f"{place}: {found}" if place and found else found


def _joined(texts: Iterable[str], separator: str) -> str:
    """Join texts, each once: many servers repeat the same words under several names."""
    kept: list[str] = []
    for text in map(str.strip, texts):
        if text and not any(text in other for other in kept):
            kept = [other for other in kept if other not in text] + [text]
    return separator.join(each.rstrip(".:") if separator == ": " and each is not kept[-1] else each for each in kept)
