"""Exports as Markdown, JSON and CSV: the text of every message is there, unchanged."""

import csv
import io
import json
from dataclasses import fields
from datetime import datetime, timedelta, timezone
from typing import get_args, get_type_hints

import pytest
from hypothesis import given
from support.stores.records import NOON, record_of, records, says, written

from botchat.core.exporting import ExportFormat, csv_cell, export, rfc3339, to_json
from botchat.core.exporting.formats import to_markdown
from botchat.core.models import ROOT, Message, Session, branch_of
from botchat.core.storage import json_codec, session_from_record

# JSON


def test_a_line_of_json_lines_is_the_record_with_its_own_names_and_plain_times():
    record = record_of(says("user", "Grüße"), says("assistant", "hi", latency_ms=0), name="Hello", tags=["a"])
    line = written("jsonl", record)
    assert line.count("\n") == 1
    read = json.loads(line)
    assert read.pop("messages") == [
        {"id": m["id"], "role": m["role"], "content": m["content"], "create_time": "2026-11-21T12:30:00.000Z"}
        | {n: m[n] for n in ("latency_ms",) if n in m}
        for m in record["messages"]
    ]
    assert read == {
        "id": record["_id"],
        "user": "ann",
        "name": "Hello",
        "create_time": "2026-11-21T12:30:00.000Z",
        "bot_id": "demo",
        "update_time": "2026-11-21T12:30:00.000Z",
        "message_count": 2,
        "rev": 1,
        "state": "active",
        "tags": ["a"],
    }


def test_words_that_no_store_takes_are_exported_as_they_were_said():
    message = says("assistant", "half \ud83d of one", reasoning_content="\udc00")
    text = written("jsonl", record_of(message))
    said = json.loads(text.encode().decode())["messages"][0]
    assert (said["content"], said["reasoning_content"]) == ("half \ud83d of one", "\udc00")
    assert "payload" not in said
    assert "\\ud83d" in text


def test_a_payload_that_is_not_ours_is_exported_as_it_is():
    for payload in (
        '{"text": {"content": "x"}}',
        '{"text": "content"}',
        '{"text": {"content": "other"}}',
        "not json",
        '{"text": [',
    ):
        said = json.loads(written("jsonl", record_of(says("user", "x", payload=payload))))["messages"][0]
        assert (said["content"], said["payload"]) == ("x", payload)


def test_what_json_has_no_word_for_is_marked():
    metadata = {"at": NOON, "raw": b"\0\xff", "most": float("inf"), "none": float("nan")}
    read = json.loads(written("jsonl", record_of(says("user", "x"), metadata=metadata)), parse_constant=pytest.fail)
    assert read["metadata"] == {
        "at": {"$date": "2026-11-21T12:30:00.000Z"},
        "raw": {"$binary": "AP8="},
        "most": {"$double": "inf"},
        "none": {"$double": "nan"},
    }


def test_every_time_of_the_classes_is_written_as_a_plain_time():
    for kind, known in ((Session, json_codec.SESSION_TIMES), (Message, json_codec.MESSAGE_TIMES)):
        hints = get_type_hints(kind)
        times = {f.name for f in fields(kind) if datetime in (hints[f.name], *get_args(hints[f.name]))}
        assert times <= set(known)


def test_how_a_store_keeps_a_record_is_not_written():
    record = record_of(says("user", "x"))
    for form in ("json", "jsonl"):
        assert written(form, record | {"first": 3}) == written(form, record)
        assert '"_id"' not in written(form, record)


def test_times_in_feedback_and_of_a_redaction_are_plain_times():
    message = says("user", "x", feedback={"rating": "up", "time": NOON}, extra={"redacted_time": NOON})
    read = json.loads(written("jsonl", record_of(message, feedbacks=[{"time": NOON}])))
    shown = rfc3339(NOON)
    assert read["messages"][0]["feedback"] == {"rating": "up", "time": shown}
    assert read["messages"][0]["redacted_time"] == shown
    assert read["feedbacks"] == [{"time": shown}]


def test_the_order_of_a_stores_fields_does_not_show_in_the_export():
    record = record_of(says("user", "x", model="m"), tags=["a"])
    turned = dict(reversed(record.items())) | {"messages": [dict(reversed(m.items())) for m in record["messages"]]}
    assert written("jsonl", turned) == written("jsonl", record)
    assert written("json", turned) == written("json", record)


@given(record=records)
def test_json_of_one_session_is_the_object_that_the_array_of_several_holds(record):
    alone = "".join(to_json(record))
    assert written("json", record, record) == f"[\n{alone.rstrip()},\n{alone.rstrip()}\n]\n"
    assert json.loads(written("json", record)) == [json.loads(written("jsonl", record))]


def test_nothing_is_a_valid_empty_document_in_each_format():
    assert written("md") == written("jsonl") == ""
    assert json.loads(written("json")) == []
    assert list(csv.reader(io.StringIO(written("csv")))) == [written("csv").strip().split(",")]
    assert "No sessions." in written("html")


def test_one_session_at_a_time_is_read_from_the_store():
    given = []

    def stored():
        for i in range(5):
            given.append(i)
            yield record_of(says("user", "x"))

    for form in ("md", "json", "jsonl", "csv"):
        given.clear()
        parts = export(stored(), ExportFormat(form))
        while not given:
            next(parts)
        assert given == [0]


# Branches


def chain(*parents: str | None) -> list[Message]:
    """Return messages named a, b, c …, each with the given parent."""
    return [Message(id=i, role="user", parent=p) for i, p in zip("abcdefgh", parents, strict=False)]


@pytest.mark.parametrize(
    ("parents", "head", "shown"),
    [
        ([None, None, None], None, "abc"),
        ([None, None, None], "b", "ab"),
        ([None, None, "a", None], None, "acd"),
        ([None, None, "a", None], "b", "ab"),
        ([None, None, ROOT, None], None, "cd"),
        ([None, "gone", None], None, "bc"),
        (["c", None, None], None, "abc"),
        (["a"], None, "a"),
        ([None, None], "gone", "ab"),
        ([], None, ""),
        ([], "a", ""),
    ],
)
def test_a_branch_is_its_head_and_the_parents_above_it(parents, head, shown):
    branch = branch_of(chain(*parents), head)
    assert "".join(m.id for m in branch) == shown
    assert branch_of(branch, head) == branch


def test_markdown_and_html_show_the_branch_that_is_shown_and_the_others_every_message():
    messages = [says("user", "first", id="a"), says("assistant", "OLD", id="b"), says("assistant", "new", parent="a")]
    record = record_of(*messages)
    for form in ("md", "html"):
        assert "OLD" not in written(form, record)
        assert "OLD" in written(form, record | {"head": "b"})
        assert "new" not in written(form, record | {"head": "b"})
    for form in ("json", "jsonl", "csv"):
        assert "OLD" in written(form, record)


# Markdown


def test_markdown_of_several_sessions_has_a_line_between_them():
    one, two = record_of(says("user", "one"), name="A"), record_of(says("user", "two"), name="B")
    session = session_from_record(one)
    alone = "".join(to_markdown(session, session.messages))
    assert written("md", one) == alone
    assert written("md", one, two).startswith(alone + "\n---\n\n# B\n")


# CSV


def test_a_row_of_the_table_is_a_message_with_its_numbers():
    message = says(
        "assistant",
        'several\nlines, "quoted"',
        reasoning_content="why",
        status="stopped",
        model="m",
        usage={"prompt_tokens": 1, "completion_tokens": 2, "role": 9},
        latency_ms=0,
        feedback={"rating": "up", "comment": "good"},
    )
    record = record_of(says("user", "q"), message, name="N")
    table = list(csv.DictReader(io.StringIO(written("csv", record, record), newline="")))
    assert len(table) == 4
    assert table[1] == {
        "session_id": record["id"],
        "user": "ann",
        "name": "N",
        "bot_id": "demo",
        "message_id": message.id,
        "role": "assistant",
        "content": 'several\nlines, "quoted"',
        "reasoning_content": "why",
        "create_time": "2026-11-21T12:30:00.000Z",
        "status": "stopped",
        "model": "m",
        "prompt_tokens": "1",
        "completion_tokens": "2",
        "latency_ms": "0",
        "rating": "up",
        "comment": "good",
        "unsupported": "",
    }


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_a_spreadsheet_takes_no_cell_for_a_formula(start):
    record = record_of(says("user", f"{start}1+1"), user=f"{start}ann")
    row = next(csv.DictReader(io.StringIO(written("csv", record), newline="")))
    assert (row["content"], row["user"]) == (f"'{start}1+1", f"'{start}ann")


def test_a_cell_is_text_that_any_file_can_hold():
    assert [csv_cell(value) for value in ("a\ud800", None, -1, NOON)] == ["a\ufffd", "", "-1", rfc3339(NOON)]
    written("csv", record_of(says("user", "nul \0 half \ud800"))).encode()


@given(record=records)
def test_any_record_can_be_written_in_any_format_as_valid_text(record):
    for form in ExportFormat:
        written(form, record).encode()


def test_times_are_written_in_utc_to_the_millisecond():
    early = datetime(987, 1, 2, 3, 4, 5, 6999, timezone(timedelta(hours=-1)))
    assert rfc3339(early) == "0987-01-02T04:04:05.006Z"


@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20"])
def test_no_spreadsheet_takes_a_cell_for_a_formula(sign):
    assert csv_cell(f"{sign}1+1") == f"'{sign}1+1"


@pytest.mark.parametrize("form", ["md", "html", "csv"])
def test_what_turns_the_direction_of_a_line_is_shown_in_exports_for_people(form):
    text = written(form, record_of(says("assistant", "pay \u202eelbon\u202c \u2066x\u2069")))
    assert "pay \ufffdelbon\ufffd \ufffdx\ufffd" in text


def test_an_export_that_is_imported_again_keeps_what_turns_the_direction():
    assert "\u202e" in written("jsonl", record_of(says("assistant", "pay \u202eelbon")))
