"""docs/reference/export.md has every field of a real export, and no other."""

import csv
import io
import json
import re
from dataclasses import fields
from datetime import UTC, datetime

import pytest
from support.docs.documents import blocks
from support.paths import DOCS

from botchat.core.exporting import ExportFormat, export
from botchat.core.importing import read_sessions
from botchat.core.models import File, Message, Session
from botchat.core.storage import session_to_record

PAGE = DOCS / "reference" / "export.md"
NOON = datetime(2026, 11, 21, 12, 30, tzinfo=UTC)
NOT_EXPORTED = {"extra", "first", "turn"}  # of a session that is read in parts, or has a running turn


def full_message():
    values = dict.fromkeys(("agent_id", "error", "model", "parent", "payload", "reasoning_content"), "x")
    values |= dict.fromkeys(("heartbeat", "redacted_time"), NOON)
    values |= dict.fromkeys(("latency_ms", "first_token_ms", "reasoning_ms"), 1)
    file = File(name="a.txt", type="text/plain", size=1, data=b"a")
    return Message(
        role="assistant",
        content="x",
        status="stopped",
        usage={"total_tokens": 1},
        feedback={"rating": "up"},
        files=[file],
        sent={"of": 1},
        to_stop=True,
        topic="new",
        **values,
    )


def full_session():
    values = {
        "head": "x",
        "system": "x",
        "bot_model": "x",
        "bot_params": {"x": 1},
        "cut": "x",
        "summary": {"text": "x"},
        "title_of": ["x"],
        "pinned": True,
    }
    values |= dict.fromkeys(("deleted_time", "expire_time"), NOON)
    values |= {"tags": ["x"], "metadata": {"x": 1}, "feedbacks": [{"x": 1}], "agents": [{"x": 1}], "totals": {"x": 1}}
    return Session(user="ann", bot_id="demo", messages=[full_message()], **values)


def exported(session, form="jsonl"):
    return "".join(export([session_to_record(session)], ExportFormat(form)))


def documented(heading, column=0):
    section = PAGE.read_text(encoding="utf-8").partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    rows = [line.strip("|").split("|") for line in section.splitlines() if line.startswith("| `")]
    return {name: row for row in rows for name in re.findall(r"`(\w+)`", row[column])}


@pytest.mark.parametrize("kind", [Session, Message])
def test_the_specimen_has_every_field_of_its_class(kind):
    session = json.loads(exported(full_session()))
    found = session if kind is Session else session["messages"][0]
    assert set(found) == {field.name for field in fields(kind)} - NOT_EXPORTED


def test_the_page_has_every_field_of_an_export():
    session = json.loads(exported(full_session()))
    assert set(documented("Session")) == set(session)
    assert set(documented("Message")) == set(session["messages"][0])


def test_the_page_tells_which_fields_are_always_there():
    session = json.loads(exported(Session(user="ann", bot_id="demo", messages=[Message(role="user")])))
    for heading, found in (("Session", session), ("Message", session["messages"][0])):
        assert {name for name, row in documented(heading).items() if row[2].strip()} == set(found)


def test_the_page_tells_the_times():
    session = json.loads(exported(full_session()))
    for heading, found in (("Session", session), ("Message", session["messages"][0])):
        times = {name for name, value in found.items() if isinstance(value, str) and value.endswith("Z")}
        assert {name for name, row in documented(heading).items() if row[1].strip() == "time"} == times


def test_the_page_has_every_column_of_csv():
    [header, *_] = csv.reader(io.StringIO(exported(full_session(), "csv")))
    assert list(documented("CSV columns")) == header


def test_the_example_can_be_imported():
    [example] = [each.text for each in blocks(PAGE) if each.language == "json"]
    [record] = read_sessions(io.BytesIO(example.encode()), user=None, default_user="ann")
    assert (record["user"], record["name"], len(record["messages"])) == ("ann", "What is a heron?", 2)
