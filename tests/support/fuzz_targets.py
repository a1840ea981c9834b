"""Fuzz targets: the parsers of untrusted data, each with its invariants. `make fuzz` runs them for a given time."""

import base64
import io
import itertools
import json
import os
import tempfile
from collections.abc import Callable
from contextlib import suppress
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from hypothesis import strategies as st
from support.bots.read_reply import read

from botchat.core.bots.stream.body import BodyParser
from botchat.core.errors import BotError, ConfigError, InvalidInput
from botchat.core.exporting import ExportFormat, export
from botchat.core.exporting.markdown import markdown_to_html
from botchat.core.importing import read_sessions
from botchat.core.models import check_value
from botchat.core.storage import message_to_record
from botchat.core.storage.session_order import parse_cursor
from botchat.settings import load_settings
from botchat.tui.markdown.reading import Document
from botchat.web.markdown.escape import bot_markdown

# Imports

# Fields of the files of botchat, ChatGPT, LibreChat, Open WebUI and others.
_FIELDS = (
    *("id", "user", "bot_id", "name", "title", "create_time", "update_time", "messages", "mapping", "current_node"),
    *("message", "author", "role", "content", "content_type", "parts", "parent", "children", "metadata", "model"),
    *("conversationId", "parentMessageId", "messageId", "text", "sender", "isCreatedByUser", "chat", "history"),
    *("currentId", "models", "timestamp", "files", "fragments", "type", "reasoning_content", "payload", "feedback"),
    *("usage", "status", "error", "head", "agents", "attachments", "finish_details", "thoughts", "summary", "tags"),
)
_VALUES = (
    *("user", "assistant", "system", "tool", "text", "code", "multimodal_text", "thoughts", "a", "b", "root"),
    *("2026-11-21T12:30:00.000Z", "2026-13-99", "streaming", "failed", "\ud800", "\0", "$set", "a.b", ""),
)
_LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.sampled_from([0, -1, 2**63, 1e400, 1763728200.5])
    | st.sampled_from(_VALUES)
    | st.text(max_size=8)
)


def _objects(fields: tuple[str, ...], leaves: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    def deeper(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
        names = st.sampled_from(fields) | st.text(max_size=3)
        return st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=8)

    return st.recursive(leaves, deeper, max_leaves=40)


def _nested(value: Any, depth: int) -> bytes:
    return b"[" * depth + json.dumps(value).encode() + b"]" * depth


_JSON = _objects(_FIELDS, _LEAVES)
_FILES = (
    st.binary(max_size=200)
    | st.builds(_nested, _JSON, st.sampled_from([0, 0, 1, 1, 2, 5000]))
    | st.lists(_JSON, max_size=3).map(lambda lines: b"\n".join(json.dumps(line).encode() for line in lines))
    | st.tuples(st.sampled_from([b"PK\x03\x04", b"\xef\xbb\xbf", b"\xff\xfe", b"[", b'{"', b"\x1f\x8b"]), _JSON).map(
        lambda parts: parts[0] + json.dumps(parts[1]).encode()
    )
)


def imports(data: bytes) -> None:
    """A file is rejected with InvalidInput, or its sessions can be exported and imported again."""
    with suppress(InvalidInput):
        for found in read_sessions(io.BytesIO(data), user=None, default_user="ann"):
            if isinstance(found, dict):
                lines = "".join(export([found], ExportFormat.jsonl)).encode()
                (again,) = read_sessions(io.BytesIO(lines), user=None, default_user="ann")
                assert isinstance(again, dict), again
                assert [m["content"] for m in again["messages"]] == [m["content"] for m in found["messages"]]


# Replies

_REPLY_FIELDS = (
    *("id", "object", "choices", "index", "delta", "message", "content", "role", "reasoning_content", "reasoning"),
    *("finish_reason", "tool_calls", "function", "name", "arguments", "usage", "error", "code", "type", "text"),
    *("refusal", "images", "candidates", "parts", "output", "response", "annotations", "logprobs", "base_resp"),
)
_CHUNK = _objects(_REPLY_FIELDS, _LEAVES)
_LINES = (
    _CHUNK.map(lambda chunk: b"data: " + json.dumps(chunk).encode())
    | _CHUNK.map(lambda chunk: json.dumps(chunk).encode())
    | st.sampled_from([b"data: [DONE]", b"event: error", b": comment", b"data:", b"", b"<html>", b"id: 1", b"\xff"])
    | st.binary(max_size=20)
)
_BODIES = st.tuples(
    st.lists(st.tuples(_LINES, st.sampled_from([b"\n", b"\n\n", b"\r\n", b"\r", b""])), max_size=8).map(
        lambda lines: b"".join(line + end for line, end in lines)
    ),
    st.lists(st.integers(0, 400), max_size=5),
)


def _values(pieces: list[bytes]) -> tuple[list[str], str]:
    body, values, failure = BodyParser(), [], ""
    try:
        for piece in pieces:
            for value in body.feed(piece):
                values.append(repr(value))  # noqa: PERF401  (those before a failure count)
            if body.is_done:
                break
        else:
            for value in body.end():
                values.append(repr(value))  # noqa: PERF401
    except BotError:
        failure = "refused"
    return values, failure


def reply_bodies(body_and_cuts: tuple[bytes, list[int]]) -> None:
    """A body yields the same values however the network splits it, and fails only with a BotError."""
    body, cuts = body_and_cuts
    places = [0, *sorted(cut % (len(body) + 1) for cut in cuts), len(body)]
    cut = [body[start:stop] for start, stop in itertools.pairwise(places)]
    assert _values(cut) == _values([body])


def replies(chunks: list[Any]) -> None:
    """Any data of a server ends as a reply that can be stored."""
    _, reply = read(*chunks)
    check_value(message_to_record(reply.message))
    assert reply.message.status != "streaming"


# Markdown

_SIGNS = ["![", "[", "]", "(", ")", "](", "`", "```", "~~~", "\\", "$", "$$", "> ", "<", ">", '"', "- ", ":", "*", "|"]
_PIECES = ["a", " ", "\n", "\n\n", "|-|-|\n", "https://h.org/x", "[r]: x\n", "\\rule{9cm}{1em}", "\\def\\x", "<b>", "#"]
_MARKDOWN = st.lists(st.sampled_from(_SIGNS + _PIECES) | st.text(max_size=3), max_size=20).map("".join)
_TAGS = {
    *("p", "br", "h3", "h4", "h5", "h6", "ul", "ol", "li", "blockquote", "pre", "code", "em", "strong", "s", "a", "hr"),
    *("table", "thead", "tbody", "tr", "th", "td"),
}


class _Tags(HTMLParser):
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in _TAGS, tag
        given = dict(attrs)
        assert set(given) <= {"href", "rel", "title", "class", "style", "start"}, given
        assert not (given.get("href") or "http").lower().startswith(("javascript", "data", "vbscript", "file"))


def markdown(text: str) -> None:
    """A bot's text is rendered or shown as plain text in each front end; in an export it is never raw markup."""
    if (html := markdown_to_html(text)) is not None:
        _Tags().feed(html)
    bot_markdown(text)
    document = Document()
    for end in range(0, len(text), 7):
        document.grow(text[:end], ended=False)
    document.grow(text, ended=True)


# Cursors

_CURSORS = (
    st.text(max_size=40)
    | st.builds(_nested, _LEAVES, st.sampled_from([0, 1, 5_000])).map(
        lambda raw: base64.urlsafe_b64encode(raw).decode()
    )
    | st.lists(_LEAVES, min_size=3, max_size=3).map(
        lambda parts: base64.urlsafe_b64encode(json.dumps(parts).encode()).decode()
    )
)


def cursors(cursor: str) -> None:
    """A cursor is parsed, or rejected with InvalidInput."""
    with suppress(InvalidInput):
        parse_cursor(cursor)


# The configuration

_SETTINGS = (
    *("store", "user", "default_bot", "host", "port", "admins", "titles", "bots", "retention", "tui", "api", "web"),
    *("base_url", "model", "api_key", "api_key_env", "system", "think_tags", "context", "older_than", "action", "keys"),
    *("theme", "sign_in", "trusted", "oidc", "issuer", "origins", "temperature", "extra_body", "headers", "timeout"),
)
_TOML_VALUE = (
    st.booleans()
    | st.integers()
    | st.sampled_from(["", "a", "30d", "1e999d", "trash", "http://[", "https://h.org/v1", "mongodb://a:b@c", "\n"])
    | st.lists(st.sampled_from(["a", 1, True]), max_size=2)
)


def _toml(tables: list[tuple[str, dict[str, Any]]]) -> bytes:
    lines = [
        f"{table}\n" + "".join(f"{name} = {json.dumps(value)}\n" for name, value in fields.items())
        for table, fields in tables
    ]
    return "\n".join(lines).encode()


_TABLES = (
    "",
    "[bots.a]",
    "[bots.b.extra_body]",
    "[[retention]]",
    "[tui]",
    "[tui.keys]",
    "[api]",
    "[web]",
    "[web.oidc]",
)
_CONFIGS = (
    st.binary(max_size=100)
    | st.lists(
        st.tuples(st.sampled_from(_TABLES), st.dictionaries(st.sampled_from(_SETTINGS), _TOML_VALUE, max_size=4)),
        max_size=4,
    ).map(_toml)
    | st.sampled_from([1_000, 20_000]).map(lambda depth: b"a = " + b"[" * depth)
)


def configs(data: bytes) -> None:
    """A config file is loaded, or rejected with ConfigError."""
    descriptor, path = tempfile.mkstemp(suffix=".toml")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
        with suppress(ConfigError):
            load_settings({"BOTCHAT_CONFIG": path})
    finally:
        Path(path).unlink()


TARGETS: dict[str, tuple[Callable[[Any], None], st.SearchStrategy[Any]]] = {
    "imports": (imports, _FILES),
    "reply bodies": (reply_bodies, _BODIES),
    "replies": (replies, st.lists(_CHUNK, max_size=5)),
    "markdown": (markdown, _MARKDOWN),
    "cursors": (cursors, _CURSORS),
    "configs": (configs, _CONFIGS),
}
