"""An import loses nothing that a user or a bot wrote: each word is shown, or kept unchanged."""

import json
import re
from datetime import UTC, datetime

import pytest
from support.foreign_exports import NIL, chatgpt, libre, librechat, node, open_webui, pieces, webui
from support.stores.records import contents, read, written

from botchat.core.errors import InvalidInput
from botchat.core.models import SkippedEntry

AT = "2025-06-15T15:06:40.123000+08:00"
THEN = datetime(2025, 6, 15, 7, 6, 40, 123000, UTC)


def deepseek(*fragments, model="deepseek-chat", **more):
    return {"files": [], "model": model, "inserted_at": AT, "fragments": list(fragments)} | more


def fragment(kind, content, **more):
    return {"type": kind, "content": content} | more


def mapping(*messages, **more):
    """Return a conversation in which each message follows the one before it; its nodes have only children."""
    nodes = {str(i): {"children": [str(i + 1)], "message": message} for i, message in enumerate(messages, 1)}
    return {"mapping": {"root": {"children": ["1"]}} | nodes} | more


def similar(*messages, **more):
    return {"messages": list(messages)} | more


def said(content, role="user", **more):
    return {"role": role, "content": content} | more


PARTS = [
    {"type": "text", "text": "zqtext"},
    {"type": "image_url", "image_url": {"url": "data:zqimage"}},
    {"type": "thinking", "thinking": "zqthinking"},
    {"type": "refusal", "refusal": "zqrefusal"},
    {"type": "text", "text": {"value": "zqvalue", "annotations": [{"title": "zqannotation"}]}},
    {"type": "widget", "zq": ["zqwidget"]},
    "zqstring",
]
ATTACHMENT = {"id": "f1", "name": "zqattached.png"}
CALL = {"id": "t1", "type": "function", "function": {"name": "zqsearch", "arguments": "zqarguments"}}

# Each word that starts with zq was written by a user or a bot.
FILES = {
    "deepseek": mapping(
        deepseek(fragment("REQUEST", "zqasked"), files=[{"file_name": "zqfile.pdf", "content": "zqscanned"}]),
        deepseek(fragment("THINK", "zqthought"), fragment("SEARCH", None, results=[{"title": "zqfound"}])),
        deepseek(fragment("RESPONSE", "zqanswered", references=["zqreference"]), fragment("RESPONSE", {"a": "zqodd"})),
        title="zqtitle",
    ),
    "contents of a mapping": mapping(
        said("zqplain"),
        said(None, text="zqtext"),
        said(PARTS),
        said({"text": "zqdict", "more": "zqmore"}),
        said(None, body={"zq": "zqbody"}),
        said("x", attachment={"name": "zqname.pdf"}),
        said("", "assistant", reasoning="zqreasoned"),
        {"author": "zqsomebody", "value": "zqvalue"},
        "zqbare",
        said({"content_type": "text", "text": "zqtyped"}),
        said({"content_type": "thoughts", "thoughts": ["zqthought", {"content": "x", "chunks": ["zqchunk"]}]}),
        said({"content_type": "model_editable_context", "repository": "zqmemory"}),
        title="zqname",
    ),
    "nodes that are messages": {"mapping": {"1": said("zqone"), "2": "zqtwo", "3": {"parent": "1", "text": "zqthree"}}},
    "chatgpt": chatgpt(
        node("u", "root", "user", "zqquestion", 1, metadata={"attachments": [ATTACHMENT]}),
        node("a", "u", "assistant", "zqcited", 2, metadata={"content_references": [{"title": "zqsource"}]}),
        node("b", "a", "assistant", "zqold", 3, metadata={"citations": [{"metadata": {"title": "zqcitation"}}]}),
        node("c", "b", "zqrole", "zqsaid", 4, recipient="zqrecipient", metadata={"canvas": {"text": "zqcanvas"}}),
        node("d", "c", "tool", {"content_type": "tether_quote", "text": "zqquote", "url": "zqurl"}, 5),
        node("e", "d", "system", "", 6, metadata={"user_context_message_data": {"about_user_message": "zqabout"}}),
        title="zqtitle",
    ),
    "librechat": librechat(
        title="zqtitle",
        options={"promptPrefix": "zqprefix", "system": "zqsystem"},
        messages=[
            libre("u1", NIL, "zqasked", 1, files=[{"filename": "zqfile.pdf"}], attachments=[{"filename": "zqmore"}]),
            libre("b1", "u1", "zqtold", 2, content=[*PARTS, {"type": "tool_call", "tool_call": {"name": "zqtool"}}]),
            libre("b2", "u1", {"odd": "zqodd"}, 3, feedback={"text": "zqfeedback"}, later="zqlater"),
        ],
    ),
    "open webui": open_webui(
        webui("a", None, "user", PARTS, 1, files=[{"type": "file", "name": "zqfile", "url": "data:zqdata"}]),
        webui("b", "a", "assistant", '<details type="tool_calls" name="zqcall">zqresult</details>zqsaid', 2),
        webui("c", "b", "zqrole", "zqwords", 3, sources=[{"document": ["zqdocument"]}], later={"x": "zqlater"}),
        webui("d", "c", "assistant", "zqfailed", 4, error={"detail": "zqerror"}),
        webui("e", "d", "assistant", "x", 5, output=[{"type": "function_call", "name": "zqfunction"}, "zqoutput"]),
        title="zqtitle",
    ),
    "a list with other names": similar(
        said("zqplain", name="someone"),
        said(PARTS, "assistant", reasoning="zqreasoned"),
        said("", "assistant", tool_calls=[CALL]),
        said("zqresult", "tool", tool_call_id="t1", later={"x": "zqlater"}),
        said("", "truncation", note="zqnote"),
        {"sender": "human", "text": "zqtext", "files": [{"name": "zqfile"}]},
        title="zqtitle",
        system_prompt="zqsystem",
    ),
    "a tree of llama.cpp": {
        "conv": {"id": "c", "name": "zqname", "lastModified": 1750000000123, "currNode": "3"},
        "messages": [
            {"id": "1", "type": "root", "role": "system", "content": "", "parent": None, "children": ["2"]},
            {"id": "2", "role": "user", "content": "zqasked", "parent": "1", "children": ["3"], "extra": ["zqextra"]},
            {
                "id": "3",
                "role": "assistant",
                "content": "zqtold",
                "thinking": "zqthought",
                "parent": "2",
                "children": [],
            },
        ],
    },
}


@pytest.mark.parametrize("name", FILES)
def test_each_word_of_a_file_is_in_the_session_that_it_becomes(name):
    file = (
        FILES[name] | {"chat": FILES[name]["chat"] | {"params": {"system": "zqsystem"}}}
        if "chat" in FILES[name]
        else FILES[name]
    )
    (record,) = read([file])
    assert not isinstance(record, SkippedEntry)
    exported = json.loads(written("jsonl", record))
    kept = [exported["name"], exported.get("system", "")]
    for message in exported["messages"]:
        kept += [message["content"], message.get("reasoning_content", ""), message.get("payload", "")]
        assert any(kept[-3:]), message
    words = set(re.findall(r"zq\w+", json.dumps(file)))
    assert words
    assert words - set(re.findall(r"zq\w+", "\n".join(kept))) == set()


def test_a_conversation_of_deepseek_keeps_its_title_times_model_and_reasoning():
    asked = deepseek(fragment("REQUEST", "What is a heron?"))
    answered = deepseek(fragment("THINK", "Hm."), fragment("RESPONSE", "A bird."), model="deepseek-reasoner")
    (record,) = read([mapping(asked, answered, id="d1", title="Herons", inserted_at=AT, updated_at=AT)])
    assert (record["id"], record["name"], record["bot_id"]) == ("d1", "Herons", "deepseek-reasoner")
    assert record["create_time"] == record["update_time"] == THEN
    question, answer = record["messages"]
    assert (question["role"], question["content"], question["create_time"]) == ("user", "What is a heron?", THEN)
    assert (answer["role"], answer["content"], answer["reasoning_content"]) == ("assistant", "A bird.", "Hm.")
    assert answer["model"] == "deepseek-reasoner"
    assert "payload" not in question | answer


def test_content_that_is_a_text_is_read_in_a_tree_that_names_children_alone():
    (record,) = read([mapping(said("A question"), said("An answer", "assistant"), create_time="2024-01-15T10:30:00Z")])
    assert contents(record) == ["A question", "An answer"]
    assert all("parent" not in message and "payload" not in message for message in record["messages"])


def test_a_node_without_anything_is_no_message():
    (record,) = read([mapping(said(None), said("x"), said("", "assistant"), said("y", "assistant"))])
    assert contents(record) == ["x", "y"]


def test_messages_of_one_id_are_all_kept():
    (record,) = read(librechat(messages=[libre("u1", NIL, "x", 1), libre("u1", NIL, "y", 2), libre("b", "u1", "z", 3)]))
    assert contents(record) == ["x", "y", "z"]
    (record,) = read({"messages": [said(text, id="1", children=[]) for text in "xyz"]})
    assert sorted(contents(record)) == ["x", "y", "z"]
    (record,) = read({"messages": [said(text, id=1) for text in "xyz"]})
    assert contents(record) == ["x", "y", "z"]
    (record,) = read({"id": "w", "chat": {"messages": [webui("1", None, "user", text, 1) for text in "xyz"]}})
    assert sorted(contents(record)) == ["x", "y", "z"]


def test_a_role_that_botchat_does_not_know_is_named_and_kept():
    (record,) = read([similar(said("x"), said("", "truncation"))])
    assert [message["role"] for message in record["messages"]] == ["user", "tool"]
    assert pieces(record["messages"][1]) == [("message from truncation", "truncation")]


def test_an_image_of_chatgpt_has_the_name_of_its_attachment():
    pointer = {"content_type": "image_asset_pointer", "asset_pointer": "file-service://f1"}
    content = {"content_type": "multimodal_text", "parts": [pointer, "Look"]}
    (record,) = read([chatgpt(node("u", "root", "user", content, 1, metadata={"attachments": [ATTACHMENT]}))])
    assert pieces(record["messages"][0]) == [
        ("image: zqattached.png", {"content": pointer, "attachment": ATTACHMENT}),
    ]


@pytest.mark.parametrize(
    ("name", "model", "created"), [("title", "model", "created_at"), ("name", "modelId", "created")]
)
def test_name_model_and_times_are_read_under_other_names(name, model, created):
    file = {name: "My\ntitle", model: "gpt-4", created: "2024-01-01T00:00:00Z"} | similar(
        said("a", createdAt=1704067260)
    )
    (record,) = read(file)
    assert (record["name"].split(), record["bot_id"]) == (["My", "title"], "gpt-4")
    assert record["create_time"] == datetime(2024, 1, 1, tzinfo=UTC)
    assert record["messages"][0]["create_time"] == datetime(2024, 1, 1, 0, 1, tzinfo=UTC)


def test_a_session_that_does_not_say_when_it_began_begins_with_its_first_message():
    question = node("u", "root", "user", "x", 1700000000.5)
    (record,) = read(
        [chatgpt(question, node("a", "u", "assistant", "y", 1700000009), create_time=None, update_time=None)]
    )
    assert record["create_time"] == datetime(2023, 11, 14, 22, 13, 20, 500000, UTC)
    assert record["update_time"] == datetime(2023, 11, 14, 22, 13, 29, tzinfo=UTC)


@pytest.mark.parametrize("options", [{"promptPrefix": "Be a pirate."}, {"system": "Be a pirate."}])
def test_the_system_prompt_of_librechat_is_the_sessions(options):
    (record,) = read(librechat(messages=[libre("u1", NIL, "x", 1)], options=options))
    assert record["system"] == "Be a pirate."


@pytest.mark.parametrize("chat", [{"params": {"system": "Be a pirate."}, "system": "old"}, {"system": "Be a pirate."}])
def test_the_system_prompt_of_open_webui_is_the_sessions(chat):
    item = open_webui(webui("a", None, "user", "x", 1))
    (record,) = read([item | {"chat": item["chat"] | chat}])
    assert record["system"] == "Be a pirate."
    assert json.loads(record.get("original", '{"chat.system": "old"}')) == {"chat.system": "old"}


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-8-sig"])
@pytest.mark.parametrize("content", ["Zdravo, čaplja 🦩", "ĊĊ"])  # the second holds the byte that ends a line
def test_a_file_in_another_encoding_is_decoded(encoding, content):
    text = json.dumps([chatgpt(node("a", "root", "user", content, 1))], ensure_ascii=False, indent=1)
    (record,) = read(text.encode(encoding))
    assert contents(record) == [content]


def test_reasoning_is_kept_where_nodes_name_other_parents_than_children():
    thoughts = {"content_type": "thoughts", "thoughts": [{"content": "Hm."}]}
    item = chatgpt(node("u", NIL, "user", "Q"), node("t", "u", "assistant", thoughts), node("a", "u", "assistant", "A"))
    item["mapping"]["t"]["children"] = ["a"]
    (record,) = read([item])
    assert {message.get("reasoning_content") for message in record["messages"]} == {None, "Hm."}


def test_messages_of_librechat_with_numbers_for_ids_follow_each_other():
    messages = [{"messageId": i, "parentMessageId": i - 1, "text": text} for i, text in enumerate(("Q", "A", "Q2"), 1)]
    (record,) = read([librechat(messages=messages)])
    assert contents(record) == ["Q", "A", "Q2"]
    assert not any("parent" in message for message in record["messages"])


@pytest.mark.parametrize("messages", [["zqone", {"text": "zqtwo"}], {"1": "zqone", "2": {"text": "zqtwo"}}])
def test_what_is_no_object_in_the_place_of_a_message_is_one(messages):
    (record,) = read([librechat(messages=messages)])
    assert contents(record) == ["zqone", "zqtwo"]


def test_a_message_of_librechat_without_a_flag_is_its_senders():
    (record,) = read([librechat(messages=[{"sender": "User", "text": "Q"}, {"sender": "Claude", "text": "A"}])])
    assert {message["role"] for message in record["messages"]} == {"user", "assistant"}


def test_texts_beside_the_messages_are_kept_with_the_session():
    item = mapping(said("Q"), title={"text": "zqtitle"}, notes=["zqnote"])
    item["mapping"]["1"]["comment"] = "zqcomment"
    (record,) = read([item])
    assert json.loads(record["original"]) == {
        "title.text": "zqtitle",
        "notes.0": "zqnote",
        "mapping.1.comment": "zqcomment",
    }


def test_a_file_that_only_seems_to_be_in_another_encoding_is_refused():
    with pytest.raises(InvalidInput, match="UTF-16"):
        read(b"\xff\xfe{\0\0\xd8")


def test_the_command_counts_messages_that_can_not_be_shown_and_succeeds(shell, repository_at, tmp_path):
    file = tmp_path / "odd.json"
    file.write_text(json.dumps(similar(said(PARTS), said("x"))))
    done = shell.run("sessions", "import", str(file), "--user", "ann")
    assert done.returncode == 0
    assert "1 session imported. 1 message has unsupported content; the original is kept." in done.stderr
    file.write_text(json.dumps(similar(said("x"))))
    assert "unsupported" not in shell.run("sessions", "import", str(file), "--user", "ann").stderr
    assert repository_at.count("ann") == 2
