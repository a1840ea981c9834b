"""The exports of LibreChat and Open WebUI, and arbitrary other content of a file."""

from datetime import UTC, datetime

import pytest
from support.foreign_exports import (
    NIL,
    chatgpt,
    libre,
    librechat,
    node,
    open_webui,
    paths,
    pieces,
    replaced,
    shown,
    webui,
)
from support.stores.records import contents, read, written

from botchat.core.models import SkippedEntry

# LibreChat


def test_a_flat_list_of_librechat_keeps_every_branch():
    messages = [
        libre("u1", NIL, "tell me a story", 1),
        libre("b1", "u1", "Once", 2, model="gpt-4", unfinished=True),
        libre("b2", "u1", "Twice", 3, model="gpt-4o"),
        libre("u2", NIL, "tell me a long story", 4),
        libre("b3", "u2", "Long ago", 5, error=True),
    ]
    (record,) = read(librechat(messages=messages, branches=True, recursive=False))
    assert (record["id"], record["user"], record["bot_id"], record["name"]) == ("l1", "me", "gpt-4o", "Story")
    assert record["create_time"] == datetime(2024, 5, 28, 18, 1, 55, 14000, UTC)
    assert record["update_time"] == datetime(2024, 5, 28, 18, 5, 55, 14000, UTC)
    assert contents(record) == ["tell me a story", "Once", "Twice", "tell me a long story", "Long ago"]
    assert shown(record) == ["tell me a long story", "Long ago"]
    assert [m["role"] for m in record["messages"]] == ["user", "assistant", "assistant", "user", "assistant"]
    assert record["messages"][1]["status"] == "interrupted"
    assert "status" not in record["messages"][2]
    assert record["messages"][4]["status"] == "failed"


@pytest.mark.parametrize("name", ["messagesTree", "messages"])
def test_a_tree_of_librechat_is_read_with_or_without_times(name):
    again = libre("b2", "u1", "Good evening", 4)
    follow = libre("u2", None, "thanks", children=[libre("b3", "u2", "You're welcome", children=[])])
    tree = [libre("u1", NIL, "hello", 2, children=[libre("b1", "u1", "Hi", 3, children=[follow]), again])]
    (record,) = read(librechat(**{name: tree}, recursive=True))
    assert contents(record) == ["hello", "Hi", "thanks", "You're welcome", "Good evening"]
    assert shown(record) == ["hello", "Good evening"]


def test_parts_of_librechat_are_words_reasoning_or_kept_as_they_are():
    parts = [
        {"type": "think", "think": "They want a story."},
        {"type": "text", "text": {"value": "Once"}},
        {"type": "text", "text": "upon a time"},
    ]
    call = {"type": "tool_call", "tool_call": {"name": "search", "args": "{}"}}
    messages = [
        libre("u1", NIL, "?", 1),
        libre("b1", "u1", "", 2, content=parts),
        libre("b2", "b1", "x", 3, content=[call]),
    ]
    (record,) = read(librechat(messages=messages))
    _, told, called = record["messages"]
    assert (told["content"], told["reasoning_content"]) == ("Once\n\nupon a time", "They want a story.")
    assert "payload" not in told
    assert (called["content"], pieces(called)) == ("x", [("tool call: search", call)])


# Open WebUI


def test_a_chat_of_open_webui_keeps_what_is_said_of_it():
    question = webui("a", None, "user", "What is 15 * 17?", 1700000000)
    answer = webui("b", "a", "assistant", "255", 1700000010, model="qwen", usage={"prompt_tokens": 9, "speed": 1.5})
    (record,) = read([open_webui(question, answer)])
    assert (record["id"], record["user"], record["bot_id"], record["name"]) == ("w1", "me", "qwen", "Sums")
    assert (record["state"], record["pinned"], record["tags"]) == ("archived", True, ["maths", "two lines"])
    assert record["create_time"] == datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)
    assert record["messages"][1] == {
        "id": "b",
        "role": "assistant",
        "content": "255",
        "create_time": datetime(2023, 11, 14, 22, 13, 30, tzinfo=UTC),
        "model": "qwen",
        "usage": {"prompt_tokens": 9},
    }


def test_reasoning_of_open_webui_is_taken_out_of_the_content():
    folded = '<details type="reasoning" done="true" duration="3">\n<summary>Thought for 3 seconds</summary>\n'
    content = f"{folded}&gt; 15 &lt; 17\n&gt; so multiply\n</details>\n255"
    (record,) = read([open_webui(webui("a", None, "user", "?", 1), webui("b", "a", "assistant", content, 2))])
    assert record["messages"][1]["content"] == "255"
    assert record["messages"][1]["reasoning_content"] == "15 < 17\nso multiply"


def test_tools_and_files_of_open_webui_are_kept():
    output = [
        {"type": "reasoning", "content": [{"type": "output_text", "text": "Look it up."}]},
        {"type": "function_call", "name": "get_weather", "arguments": "{}"},
        {"type": "message", "content": [{"type": "output_text", "text": "Rain."}]},
    ]
    files = [{"type": "image", "url": "data:x"}]
    messages = [webui("a", None, "user", "?", 1, files=files), webui("b", "a", "assistant", "", 2, output=output)]
    (record,) = read([open_webui(*messages)])
    asked, answered = record["messages"]
    assert pieces(asked) == [("image", files[0])]
    assert (answered["content"], answered["reasoning_content"]) == ("Rain.", "Look it up.")
    assert pieces(answered) == [("function call: get_weather", output[1])]


def test_an_answer_of_open_webui_that_failed_says_why():
    failed = webui("b", "a", "assistant", "", 2, error={"content": "No such model"})
    (record,) = read([open_webui(webui("a", None, "user", "?", 1), failed)])
    assert (record["messages"][1]["status"], record["messages"][1]["error"]) == ("failed", "No such model")


def test_branches_of_open_webui_are_kept_and_its_current_one_is_shown():
    messages = [
        webui("a", None, "user", "?", 1),
        webui("b", "a", "assistant", "one", 2),
        webui("c", "a", "assistant", "two", 3),
    ]
    (record,) = read([open_webui(*messages, current="b")])
    assert contents(record) == ["?", "one", "two"]
    assert shown(record) == ["?", "one"]


def test_a_list_of_an_early_open_webui_is_read_in_its_order():
    early = {"id": "w0", "chat": {"timestamp": 1700000000000, "messages": [{"role": "user", "content": "x"}] * 2}}
    (record,) = read([early])
    assert contents(record) == shown(record) == ["x", "x"]
    assert record["create_time"] == datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)
    assert record["bot_id"] == "imported"


# Arbitrary content


@pytest.mark.parametrize("junk", [None, 5, "x", [], {}, [None], {"a": None}, True, 1e300, "\ud800", "a\0b"])
def test_no_shape_of_another_programs_file_is_a_traceback(junk):
    item_of_each = [
        chatgpt(node("a", "root", "user", "x", 1)),
        librechat(messages=[libre("u1", NIL, "x", 1, content=[{"type": "text", "text": "y"}])]),
        open_webui(webui("a", None, "user", "x", 1, output=[{"type": "message", "content": []}])),
        {"title": "t", "created_at": 1, "model": "m", "messages": [{"role": "user", "content": "x", "thinking": "y"}]},
        {"conv": {"name": "n"}, "messages": [{"id": "1", "parent": None, "children": [], "role": "user", "text": "x"}]},
        {"mapping": {"1": {"message": {"files": [{}], "fragments": [{"type": "REQUEST", "content": "x"}]}}}},
    ]
    for item in item_of_each:
        for path in paths(item):
            for found in read([replaced(item, path, junk), chatgpt(node("a", "root", "user", "x", 1))]):
                assert isinstance(found, SkippedEntry) or found["messages"]
                if not isinstance(found, SkippedEntry):
                    written("jsonl", found).encode()
