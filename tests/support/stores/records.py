"""Records for the tests of export and import, with everything that a record can hold."""

import io
import json
from datetime import UTC, datetime

from hypothesis import strategies as st

from botchat.core.exporting import ExportFormat, export
from botchat.core.importing import read_sessions
from botchat.core.models import File, Message, Session, to_milliseconds
from botchat.core.storage import session_to_record

NOON = datetime(2026, 11, 21, 12, 30, tzinfo=UTC)

times = st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC)).map(to_milliseconds)  # noqa: DTZ001
any_text = st.text(
    st.characters() | st.sampled_from("\ud83d\udc00\0\x1b"), max_size=40
)  # halves of characters are rare
valid = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
names = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=20)
keys = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0.$"), min_size=1, max_size=8)
numbers = st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False)
values = st.recursive(
    st.none() | st.booleans() | numbers | valid | times | st.binary(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=6,
)
unknown = st.dictionaries(keys.map(lambda key: f"later {key}"), values, max_size=2)
feedback = st.none() | st.fixed_dictionaries({"rating": st.sampled_from(["up", "down"])}, optional={"time": times})
files = st.builds(
    lambda data, **more: File(data=data, size=len(data), **more),
    data=st.binary(max_size=50),
    name=valid,
    type=st.sampled_from(["text/plain", "image/png", "of a later version"]),
    extra=unknown,
)
messages = st.builds(
    Message,
    files=st.lists(files, max_size=2),
    role=st.sampled_from(["system", "user", "assistant", "tool"]),
    content=any_text,
    reasoning_content=any_text,
    create_time=times,
    status=st.sampled_from([None, "streaming", "stopped", "failed"]),
    heartbeat=st.none() | times,
    error=st.none() | names,
    usage=st.none() | st.dictionaries(keys, st.integers(0, 2**40), max_size=3),
    latency_ms=st.none() | st.integers(0, 10**6),
    reasoning_ms=st.none() | st.integers(0, 10**6),
    feedback=feedback,
    topic=st.sampled_from([None, "new", "same"]),
    payload=st.none() | valid | st.sampled_from(['{"text": {"content": "x"}}', '{"text": "content"}', '{"text": [']),
    parent=st.none() | names,
    extra=unknown,
)
sessions = st.builds(
    Session,
    user=names,
    name=valid,
    bot_id=names,
    create_time=times,
    update_time=times,
    rev=st.integers(1, 1000),
    state=st.sampled_from(["active", "archived", "trash"]),
    pinned=st.booleans(),
    tags=st.lists(valid, max_size=2),
    metadata=st.dictionaries(keys, values, max_size=3),
    feedbacks=st.lists(feedback.filter(bool), max_size=2),
    deleted_time=st.none() | times,
    head=st.none() | names,
    system=st.none() | valid,
    messages=st.lists(messages, min_size=1, max_size=4),
    extra=unknown,
)
records = sessions.map(session_to_record)


def record_of(*messages: Message, **more):
    """Return the record of a session in its stored form."""
    defaults = {"user": "ann", "bot_id": "demo", "create_time": NOON, "update_time": NOON, "rev": 1}
    return session_to_record(Session(messages=list(messages), **defaults | more))


def says(role: str, content: str, **more) -> Message:
    return Message(role=role, content=content, create_time=NOON, **more)


def written(form: str, *records) -> str:
    return "".join(export(records, ExportFormat(form)))


def read(file: bytes | str | list | dict, user: str | None = None) -> list:
    data = file if isinstance(file, bytes) else file.encode() if isinstance(file, str) else json.dumps(file).encode()
    return list(read_sessions(io.BytesIO(data), user=user, default_user="me"))


def contents(record) -> list[str]:
    return [message["content"] for message in record["messages"]]
