"""ChatGPT's export: every branch, image and reasoning is kept, and the shown branch stays the same."""

import io
import json
import zipfile
from datetime import UTC, datetime

import pytest
from support.foreign_exports import chatgpt, node, pieces, shown
from support.stores.records import contents, read

from botchat.core.errors import InvalidInput
from botchat.core.importing import read_sessions
from botchat.core.models import SkippedEntry


def test_a_conversation_of_chatgpt_keeps_its_id_name_times_and_model():
    answer = node("b", "a", "assistant", "A bird.", 1756000002.0, metadata={"model_slug": "o4-mini"})
    hidden = node("s", "root", "system", "", metadata={"is_visually_hidden_from_conversation": True})
    question = node("a", "s", "user", "What is a heron?", 1756000001.5)
    (record,) = read([chatgpt(hidden, question, answer, is_archived=True)])
    assert (record["id"], record["user"], record["bot_id"]) == ("c1", "me", "gpt-5")
    assert (record["name"], record["state"], record["rev"]) == ("Herons", "archived", 1)
    assert record["create_time"] == datetime(2025, 8, 24, 1, 46, 40, 123000, UTC)
    assert record["update_time"] == datetime(2025, 8, 24, 1, 53, 20, 654000, UTC)
    assert record["messages"] == [
        {
            "id": "a",
            "role": "user",
            "content": "What is a heron?",
            "create_time": datetime(2025, 8, 24, 1, 46, 41, 500000, UTC),
        },
        {
            "id": "b",
            "role": "assistant",
            "content": "A bird.",
            "create_time": datetime(2025, 8, 24, 1, 46, 42, tzinfo=UTC),
            "model": "o4-mini",
        },
    ]


def test_edits_and_regenerations_of_chatgpt_are_kept_and_the_shown_ones_are_shown():
    nodes = [
        node("q", "root", "user", "question", 1),
        node("a2", "q", "assistant", "second answer", 3),
        node("a1", "q", "assistant", "first answer", 2),
        node("f1", "a1", "user", "follow-up", 4),
        node("q2", "root", "user", "edited question", 5),
        node("b", "q2", "assistant", "edited answer", 6),
    ]
    (record,) = read([chatgpt(*nodes)])
    everything = ["question", "first answer", "second answer", "follow-up", "edited question", "edited answer"]
    assert contents(record) == everything
    assert shown(record) == ["edited question", "edited answer"]
    assert "head" not in record
    (record,) = read([chatgpt(*nodes, current="f1")])
    assert contents(record) == everything
    assert shown(record) == ["question", "first answer", "follow-up"]
    (record,) = read([chatgpt(*nodes, current="a2")])
    assert shown(record) == ["question", "second answer"]


def test_a_parent_comes_before_its_children_whatever_their_times_say():
    (record,) = read([chatgpt(node("b", "a", "assistant", "late", 1), node("a", "root", "user", "early", 9))])
    assert contents(record) == ["early", "late"]
    assert all("parent" not in message for message in record["messages"])


def test_messages_that_go_round_in_a_circle_are_all_kept():
    nodes = [node("a", "b", "user", "one", 1), node("b", "a", "assistant", "two", 2), node("c", "b", "user", "three")]
    (record,) = read([chatgpt(*nodes)])
    assert sorted(contents(record)) == ["one", "three", "two"]
    assert shown(record)[-1] == "three"


def test_places_without_a_message_may_go_round_in_a_circle_too():
    empty = [{"id": i, "parent": j, "message": None} for i, j in (("x", "y"), ("y", "x"))]
    (record,) = read([chatgpt(node("a", "x", "user", "one", 1), *empty)])
    assert shown(record) == ["one"]
    thoughts = {"content_type": "thoughts", "thoughts": [{"content": "Hm."}]}
    turning = [node(i, j, "assistant", thoughts, 2, [j, "a"]) for i, j in (("x", "y"), ("y", "x"))]
    (record,) = read([chatgpt(*turning, node("a", "x", "assistant", "one", 1))])
    assert shown(record) == ["one"]


def test_reasoning_of_chatgpt_goes_to_the_answer_that_follows_it():
    thoughts = {"content_type": "thoughts", "thoughts": [{"summary": "Birds", "content": "Herons wade."}]}
    recap = {"content_type": "reasoning_recap", "content": "Thought for 8s"}
    nodes = [
        node("q", "root", "user", "question", 1),
        node("t", "q", "assistant", thoughts, 2, ["r"]),
        node("r", "t", "assistant", recap, 3, ["a"]),
        node("a", "r", "assistant", "answer", 4),
    ]
    (record,) = read([chatgpt(*nodes)])
    assert contents(record) == ["question", "answer"]
    assert record["messages"][1]["reasoning_content"] == "Birds\nHerons wade.\n\nThought for 8s"


def test_reasoning_that_no_answer_follows_is_a_message_of_its_own():
    thoughts = {"content_type": "thoughts", "thoughts": [{"summary": "", "content": "Hm."}]}
    question, stop = node("q", "root", "user", "question", 1), node("next", "t", "user", "stop", 3)
    (record,) = read([chatgpt(question, node("t", "q", "assistant", thoughts, 2, ["next"]), stop)])
    assert contents(record) == ["question", "", "stop"]
    assert record["messages"][1]["reasoning_content"] == "Hm."
    (record,) = read([chatgpt(question, node("t", "q", "assistant", thoughts, 2))])
    assert contents(record) == ["question", ""]
    assert record["messages"][1]["reasoning_content"] == "Hm."


def test_pictures_code_and_unknown_parts_of_chatgpt_are_kept():
    picture = {"content_type": "image_asset_pointer", "asset_pointer": "file-service://x", "a.b": {"$c": "\ud800"}}
    browsing = {"content_type": "tether_browsing_display", "result": "found", "tether_id": 2**80}
    nodes = [
        node("u", "root", "user", {"content_type": "multimodal_text", "parts": [picture, "What is it?"]}, 1),
        node("p", "u", "user", {"content_type": "multimodal_text", "parts": [picture]}, 2),
        node("c", "p", "assistant", {"content_type": "code", "language": "python", "text": "1 + 1"}, 3),
        node("o", "c", "tool", {"content_type": "execution_output", "text": "2"}, 4),
        node("t", "o", "tool", browsing, 5),
        node("x", "t", "assistant", {"content_type": "new_kind", "data": [1]}, 6),
        node("e", "x", "user", {"content_type": "user_editable_context", "user_profile": "I wade."}, 7),
    ]
    (record,) = read([chatgpt(*nodes)])
    roles = [message["role"] for message in record["messages"]]
    assert roles == ["user", "user", "assistant", "tool", "tool", "assistant", "system"]
    fenced = ["```python\n1 + 1\n```", "```\n2\n```"]
    assert contents(record) == ["What is it?", "", *fenced, "found", "", "I wade."]
    unknown = {"content_type": "new_kind", "data": [1]}
    image, page = ("image", picture), ("tether browsing display", browsing)
    assert [pieces(message) for message in record["messages"]] == [
        [image],
        [image],
        [],
        [],
        [page],
        [("new kind", unknown)],
        [],
    ]


def test_code_that_holds_a_fence_is_fenced_by_a_longer_one():
    code = {"content_type": "code", "language": "unknown", "text": "```\nx\n```"}
    (record,) = read([chatgpt(node("a", "root", "assistant", code, 1))])
    assert contents(record) == ["````\n```\nx\n```\n````"]


def test_an_answer_of_chatgpt_that_was_cut_off_says_so():
    ends = {"interrupted": "stopped", "max_tokens": "truncated", "stop": None}
    for kind, status in ends.items():
        cut = node("a", "root", "assistant", "x", 1, metadata={"finish_details": {"type": kind}})
        (record,) = read([chatgpt(cut)])
        assert record["messages"][0].get("status") == status


def test_a_spoilt_conversation_of_chatgpt_is_told_and_the_others_are_read():
    good = chatgpt(node("a", "root", "user", "x", 1))
    spoilt = {"title": "Corrupted", "create_time": 1756000500.0, "conversation_id": "c2"}
    empty = chatgpt(node("a", "root", "system", "", 1))
    first, second, third, fourth = read([spoilt, good, empty, good | {"conversation_id": 5, "id": None}])
    assert first == SkippedEntry("session 1", "Unrecognized session format.")
    assert contents(second) == ["x"]
    assert third == SkippedEntry("session 3", "The session has no messages. Empty sessions aren't stored.")
    assert contents(fourth) == ["x"]


def test_the_zip_of_chatgpt_is_read_where_its_conversations_are():
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("chat.html", "<html>")
        archive.writestr("export/conversations-001.json", json.dumps([chatgpt(node("b", "root", "user", "two", 1))]))
        archive.writestr("export/conversations-000.json", json.dumps([chatgpt(node("a", "root", "user", "one", 1))]))
    assert [contents(record) for record in read(packed.getvalue())] == [["one"], ["two"]]
    piped = read_sessions(Pipe(packed.getvalue()), user=None, default_user="me")
    assert [contents(record) for record in piped] == [["one"], ["two"]]


class Pipe(io.BytesIO):
    def seekable(self):
        return False

    def seek(self, *_):
        raise io.UnsupportedOperation


def test_a_zip_without_conversations_is_refused():
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("notes.txt", "x")
    with pytest.raises(InvalidInput, match=r"No conversations\.json"):
        read(packed.getvalue())
