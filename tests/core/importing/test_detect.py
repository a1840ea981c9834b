"""Reading sessions from files: botchat's own are equal, other programs' complete, and invalid ones are reported."""

import io
import re

import pytest
from hypothesis import given, settings
from support.stores.records import NOON, contents, read, record_of, records, says, written

from botchat.core.errors import InvalidInput
from botchat.core.importing import read_sessions
from botchat.core.models import SkippedEntry
from botchat.core.storage import session_from_record

# botchat's own format


@settings(deadline=None)  # a machine under load may take any time
@given(record=records)
def test_any_record_comes_back_equal_from_json_lines_and_from_json(record):
    for form in ("jsonl", "json"):
        text = written(form, record, record | {"_id": "2", "id": "2"})
        back = read(text)
        assert back == [record, record | {"_id": "2", "id": "2"}]
        assert written(form, *back) == text


def test_a_json_file_of_one_session_is_read_like_one_of_several():
    record = record_of(says("user", "x"), says("assistant", "y"))
    alone = written("json", record)[2:-3]
    assert alone.startswith('{"id"')
    assert alone.count("\n") == 3
    assert read(alone) == [record]


def test_half_a_character_comes_back_as_it_was_stored():
    record = record_of(says("user", "half \ud83d"), says("assistant", "whole", reasoning_content="\udc00"))
    assert "payload" in record["messages"][1]
    text = written("jsonl", record)
    assert read(text) == [record]
    assert written("jsonl", *read(text)) == text


def test_numbers_that_are_none_come_back_too():
    record = record_of(says("user", "x"), metadata={"most": float("-inf"), "none": float("nan")})
    text = written("jsonl", record)
    assert written("jsonl", *read(text)) == text
    assert read(text)[0]["metadata"]["most"] == float("-inf")


def test_sessions_keep_their_user_unless_one_is_given():
    text = written("jsonl", record_of(says("user", "x")), record_of(says("user", "y"), user="bob"))
    assert [record["user"] for record in read(text)] == ["ann", "bob"]
    assert [record["user"] for record in read(text, user="eve")] == ["eve", "eve"]
    assert read({"messages": [{"role": "user", "content": "x"}]})[0]["user"] == "me"


def test_roles_and_contents_are_enough_for_a_session():
    (record,) = read({"messages": [{"role": "user", "content": "Hello there"}, {"role": "assistant", "content": "Hi"}]})
    assert record["name"] == "Hello there"
    assert (record["bot_id"], record["state"], record["rev"], record["message_count"]) == ("imported", "active", 1, 2)
    assert record["_id"] == record["id"]
    assert contents(record) == ["Hello there", "Hi"]
    assert session_from_record(record).messages[0].create_time == record["create_time"]


def test_the_count_of_messages_is_counted():
    text = written("jsonl", record_of(says("user", "x"))).replace('"message_count": 1', '"message_count": 99')
    assert read(text)[0]["message_count"] == 1


def test_where_another_store_kept_its_messages_is_not_taken_over():
    assert read(written("jsonl", GOOD).replace('"rev"', '"first": 3, "rev"')) == [GOOD]


def test_times_are_kept_in_utc_and_in_milliseconds():
    text = written("jsonl", record_of(says("user", "x")))
    text = text.replace("2026-11-21T12:30:00.000Z", "2026-11-21T13:30:00.1239+01:00")
    (record,) = read(text)
    assert record["create_time"] == record["messages"][0]["create_time"] == NOON.replace(microsecond=123000)


@pytest.mark.parametrize("form", ["jsonl", "json"])
def test_nothing_is_read_from_an_empty_export(form):
    assert read(written(form)) == []
    assert read("") == read("\n \n") == []


def test_json_lines_are_read_a_line_at_a_time():
    line = (written("jsonl", record_of(says("user", "x")))).encode()

    class Endless(io.RawIOBase):
        lines = 0

        def readline(self, *_):
            self.lines += 1
            return line

        __next__ = readline

        def read(self, *_):
            raise AssertionError("read whole")

    file = Endless()
    sessions = read_sessions(file, user=None, default_user="me")
    assert [next(sessions)["user"] for _ in range(3)] == ["ann"] * 3
    assert file.lines <= 4


def test_blank_lines_and_a_byte_order_mark_are_passed_over():
    line = written("jsonl", record_of(says("user", "x"))).encode()
    assert len(read(b"\xef\xbb\xbf\n\n" + line + b"\n\r\n" + line.strip())) == 2


# Invalid entries

GOOD = record_of(says("user", "x", id="m"), id="s")


def changed(**fields) -> str:
    return written("jsonl", GOOD | fields)


def changed_message(**fields) -> str:
    return changed(messages=[GOOD["messages"][0] | fields])


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("{broken", "Not valid JSON"),
        ("42", "Unrecognized session format"),
        ('{"some": "object"}', "Unrecognized session format"),
        (changed_message(role="robot"), r"messages\.0\.role .* 'assistant'"),
        (changed_message(content=5), r"messages\.0\.content .* string"),
        (changed_message(content=None), r"messages\.0\.content .* string"),
        (changed_message(create_time="yesterday"), r"messages\.0\.create_time .* datetime"),
        (changed_message(create_time="0001-01-01T00:00:00+14:00"), r"messages\.0\.create_time .* datetime"),
        (changed_message(latency_ms="1"), "latency_ms .* integer"),
        (changed_message(usage={"prompt_tokens": "many"}), "usage"),
        (changed_message(feedback="up"), "feedback"),
        (changed_message(id="a\0b"), "NUL"),
        (changed_message(id=""), "non-empty"),
        (changed_message(later=[2**64]), "64 bits"),
        (changed_message(**{"a.b": 1}), "Invalid key: 'a.b'"),
        (changed(messages=[GOOD["messages"][0]] * 2), "same ID"),
        (changed(messages=[]), "no messages"),
        ('{"messages": ["x"]}', "not a JSON object"),
        (changed(user="a\0b"), "NUL"),
        (changed(user=7), "user .* string"),
        (changed(id=["s"]), "id .* string"),
        (changed(bot_id=""), "non-empty"),
        (changed(rev="1"), "rev .* integer"),
        (changed(state="gone"), "state .* 'archived'"),
        (changed(pinned="yes"), "pinned .* boolean"),
        (changed(system=1), "system .* string"),
        (changed(system="x" * 100_001), "100,000"),
        (changed(tags=[1]), r"tags\.0 .* string"),
        (changed(metadata={"$where": 1}), r"Invalid key: '\$where'"),
        (changed(metadata={"a": float("1e400")}).replace('{"$double": "inf"}', "9" * 5000), "invalid number"),
        (changed(metadata={"at": NOON}).replace("2026", "26"), "invalid number, time"),
        (changed(metadata={"raw": b"x"}).replace("eA==", "?"), "binary value"),
        (changed(metadata={}).replace('"user"', '"deep": ' + "[" * 95 + "]" * 95 + ', "user"', 1), "too deeply"),
        (changed(metadata={}).replace('"user"', '"deep": ' + "[" * 99_999 + ', "user"', 1), "levels of nesting"),
        (changed(name="n").replace('"n"', '"half \\ud800"'), "lone surrogate"),
        (changed_message(content="x" * 17_000_000), "16 MiB"),
    ],
    ids=range(36),
)
def test_what_can_not_be_taken_is_told_in_a_sentence_and_the_others_are_read(line, why):
    good = changed()
    before, refused, after = read(good + line.strip() + "\n" + good)
    assert before == after == GOOD
    assert isinstance(refused, SkippedEntry)
    assert refused.location == "line 2"
    assert re.search(why, refused.reason)
    assert refused.reason.endswith((".", ". "))
    assert "\n" not in refused.reason
    assert len(refused.reason) < 300


def test_lines_are_read_also_when_the_first_of_them_is_spoilt():
    spoilt, good = read(b'{"id": "cut\n' + changed().encode())
    assert (spoilt.location, good) == ("line 1", GOOD)


def test_bytes_that_are_no_text_are_told():
    (good, refused) = read(changed().encode() + b'{"id": "\xff"}\n')
    assert (good, refused) == (GOOD, SkippedEntry("line 2", "Not valid UTF-8."))


@pytest.mark.parametrize(
    "file",
    [
        "hello",
        "# Markdown\n\nwords",
        b"\x89PNG\r\n\x1a\n",
        b"\xff\xfe{\0",
        "{}",
        "[1, 2]",
        '"text"',
        {"name": "x"},
        [{"chat_messages": []}],
        '[{"mapping": {',
        "[" * 99_999,
        b"PK\x03\x04 and no more",
    ],
    ids=range(12),
)
def test_a_file_of_another_kind_is_refused_with_the_kinds_that_are_known(file):
    with pytest.raises(InvalidInput, match=r"zip|ChatGPT.*LibreChat.*Open WebUI"):
        read(file)


def test_a_user_that_is_no_name_is_refused_at_once():
    with pytest.raises(InvalidInput, match="NUL"):
        read(changed(), user="a\0b")
