"""The API's sessions and messages, in scenarios that compare the responses with the store."""

from base64 import b64encode

import pytest
from support.api.client import REASONING_REPLY, client_factory, delta_text, parse_events
from support.fakes import DONE, Gate

from botchat.core.errors import BotError


@pytest.fixture
def client_with(store):
    yield from client_factory(store)


def test_a_session_is_begun_talked_in_and_read_back(client_with, store):
    client = client_with(*REASONING_REPLY)
    session_id = client.create_session(system="Be terse.", tags=["work"], metadata={"a": {"b": 1}})
    assert client.get(f"/session/{session_id}").json()["stored"] is False
    assert client.get("/sessions").json() == {"sessions": [], "next": None}
    answer = client.say(session_id, "Hi")
    assert answer.status_code == 200, answer.text
    message = answer.json()["message"]
    assert (message["content"], message["reasoning_content"], message["usage"]) == ("Hello", "They greet.", DONE.usage)
    session = store.get("ann", session_id)
    assert [m.content for m in session.messages] == ["Hi", "Hello"]
    assert (session.system, session.tags, session.metadata) == ("Be terse.", ["work"], {"a": {"b": 1}})
    read = client.get(f"/session/{session_id}").json()
    assert (read["stored"], read["message_count"], read["name"]) == (True, 2, "Hi")
    assert [m["id"] for m in read["messages"]] == read["shown"] == [m.id for m in session.messages]
    assert [s["id"] for s in client.get("/sessions").json()["sessions"]] == [session_id]


def test_files_go_with_a_message_and_what_can_not_go_stores_nothing(client_with, store):
    client = client_with("A list.", DONE)
    session_id = client.create_session()

    def say(*files: tuple[str, bytes]):
        encoded = [{"name": name, "data": b64encode(data).decode()} for name, data in files]
        return client.post(place, json={"content": "What is this?", "files": encoded})

    place = f"/session/{session_id}/message"
    refused = [say(("a.bin", b"\xff\xfe\x00")), say(("a.png", b"\x89PNG\r\n\x1a\n")), say(*[("a.txt", b"a")] * 11)]
    refused.append(client.post(place, json={"content": "x", "files": [{"name": "a", "data": "a b="}]}))
    assert [answer.status_code for answer in refused] == [422] * 4
    assert "Unsupported file type: " in refused[0].json()["detail"]
    assert client.get(f"/session/{session_id}").json()["stored"] is False
    assert say(("../birds.csv", "grey,öl".encode()), ("b.md", b"*b*")).status_code == 200
    (question, _) = client.get(f"/session/{session_id}").json()["messages"]
    assert [file["name"] for file in question["files"]] == ["birds.csv", "b.md"]
    address = f"/session/{session_id}/file/{question['files'][0]['id']}"
    assert client.get(address).content == "grey,öl".encode()
    assert [file.type for file in store.get("ann", session_id).messages[0].files] == ["text/csv", "text/markdown"]


def test_a_streamed_answer_begins_with_its_ids_and_ends_with_the_stored_message(client_with, store):
    client = client_with(*REASONING_REPLY)
    session_id = client.create_session()
    body = {"content": "Hi", "stream": True}
    with client.stream("POST", f"/session/{session_id}/message", json=body) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        first, *deltas, last = parse_events(answer.iter_lines())
    question, stored = store.get("ann", session_id).messages
    assert first["event"] == "begin"
    assert first["data"] == {"session_id": session_id, "question_id": question.id, "message_id": stored.id}
    assert delta_text(deltas) == stored.content == last["data"]["content"] == "Hello"
    assert deltas[-1]["id"] == f"{stored.id}:5:11"
    assert last["event"] == "end"


@pytest.mark.parametrize(("content", "reasoning"), [(0, 0), (0, 4), (1, 11), (4, 11), (5, 11), (99, 99)])
def test_a_stream_goes_on_behind_what_came_last_wherever_that_was(client_with, store, content, reasoning):
    client = client_with(*REASONING_REPLY)
    session_id = client.create_session()
    message_id = client.say(session_id).json()["message"]["id"]
    headers = {"Last-Event-ID": f"{message_id}:{content}:{reasoning}"}
    events = list(parse_events(client.get(f"/session/{session_id}/events", headers=headers).iter_lines()))
    assert delta_text(events) == "Hello"[content:]
    assert "".join(e["data"].get("reasoning_content", "") for e in events[:-1]) == "They greet."[reasoning:]
    assert events[-1]["data"]["content"] == "Hello"


def test_two_listen_to_a_reply_that_comes_and_one_stops_it(client_with, store):
    gate = Gate()
    client = client_with("Hel", gate, "never")
    session_id = client.create_session()
    with client.stream("POST", f"/session/{session_id}/message", json={"content": "Hi", "stream": True}) as answer:
        events = parse_events(answer.iter_lines())
        begun = next(events)
        assert next(events)["data"] == {"content": "Hel"}
        with client.stream("GET", f"/session/{session_id}/events") as other:
            others = parse_events(other.iter_lines())
            assert delta_text([next(others)]) == "Hel"
            assert client.say(session_id, "Again").status_code == 409
            stopped = client.post(f"/session/{session_id}/stop").json()
            assert (stopped["id"], stopped["status"]) == (begun["data"]["message_id"], "stopped")
            assert next(others)["data"] == next(events)["data"] == stopped
    assert store.get("ann", session_id).messages[-1].status == "stopped"
    assert client.post(f"/session/{session_id}/stop").status_code == 204


def test_a_bot_that_fails_is_a_bad_gateway_with_what_came_and_is_asked_again(client_with, store):
    client = client_with("Hel", BotError("It broke."))
    session_id = client.create_session()
    failed = client.say(session_id)
    told = failed.json()
    assert (failed.status_code, told["detail"], told["message"]["content"]) == (502, "It broke.", "Hel")
    assert failed.headers["content-type"] == "application/problem+json"
    events = list(parse_events(client.get(f"/session/{session_id}/events").iter_lines()))
    assert [event["event"] for event in events] == ["delta", "error", "end"]
    assert client.post(f"/session/{session_id}/retry").status_code == 422
    wordless = client_with(BotError("It broke."))
    session_id = wordless.create_session()
    assert wordless.say(session_id).status_code == wordless.post(f"/session/{session_id}/retry").status_code == 502


def test_a_question_is_edited_an_answer_given_anew_and_a_branch_shown_again(client_with, store):
    client = client_with(*REASONING_REPLY)
    session_id = client.create_session()
    client.say(session_id, "Hi")
    hi, hello = store.get("ann", session_id).messages
    place = f"/session/{session_id}/message"
    edited = client.post(f"{place}/{hi.id}/edit", json={"content": "Good day", "stream": True})
    first, *_, last = parse_events(edited.iter_lines())
    ids = [first["data"]["question_id"], last["data"]["id"]]
    assert first["data"]["parent"] == store.get("ann", session_id).messages[2].parent
    assert client.get(f"/session/{session_id}").json()["shown"] == ids
    first = next(parse_events(client.post(f"{place}/{hello.id}/regenerate?stream=true").iter_lines()))
    assert (first["data"]["question_id"], first["data"]["parent"]) == (None, hi.id)
    assert client.get(f"/session/{session_id}").json()["shown"] == [hi.id, first["data"]["message_id"]]
    assert client.post(f"{place}/{ids[0]}/show").status_code == 204
    assert client.get(f"/session/{session_id}").json()["shown"] == ids
    assert client.post(f"{place}/{hi.id}/regenerate").status_code == 422


def test_a_bot_forgets_what_came_before_and_a_session_begins_with_any_message(client_with, store):
    client = client_with(*REASONING_REPLY)
    session_id = client.create_session()
    for words in ("Hi", "And now this"):
        client.say(session_id, words)
    place = f"/session/{session_id}"
    third = store.get("ann", session_id).messages[2]
    assert client.put(f"{place}/cut", json={"message_id": third.id}).status_code == 204
    assert client.get(place).json()["cut"] == third.id
    assert client.put(f"{place}/cut", json={"message_id": "none"}).status_code == 404
    assert client.put(f"{place}/cut", json={"message_id": None}).status_code == 204
    assert "cut" not in client.get(place).json()
    begun = client.post(f"{place}/message/{third.id}/begin")
    assert (begun.status_code, [m["content"] for m in begun.json()["messages"]]) == (201, ["And now this", "Hello"])
    assert begun.json()["id"] != session_id
    assert client.post(f"{place}/message/none/begin").status_code == 404


def test_what_a_person_prefers_is_read_and_changed(client_with):
    client = client_with(*REASONING_REPLY)
    assert client.get("/preferences").json() == {"default_bot": None, "reasoning": "folded", "topics": "hidden"}
    assert client.patch("/preferences", json={"topics": "shown", "default_bot": "b"}).json()["topics"] == "shown"
    assert client.patch("/preferences", json={"default_bot": None}).json() == {
        "default_bot": None,
        "reasoning": "folded",
        "topics": "shown",
    }
    assert client.patch("/preferences", json={"topics": "perhaps"}).status_code == 422


def test_sessions_are_listed_found_renamed_pinned_archived_deleted_and_written_out(client_with, store):
    client = client_with(*REASONING_REPLY)
    ids = [client.create_session() for _ in range(3)]
    for i, session_id in enumerate(ids):
        client.say(session_id, f"heron {i}")
    first = client.get("/sessions", params={"limit": 2}).json()
    rest = client.get("/sessions", params={"limit": 2, "after": first["next"]}).json()
    assert [s["id"] for page in (first, rest) for s in page["sessions"]] == ids[::-1]
    assert rest["next"] is None
    assert [s["id"] for s in client.get("/sessions", params={"text": "heron 1"}).json()["sessions"]] == [ids[1]]
    changed = client.patch(f"/session/{ids[0]}", json={"name": "Birds", "pinned": True, "metadata": {"a": 1}})
    assert (changed.json()["name"], changed.json()["pinned"], changed.json()["metadata"]) == ("Birds", True, {"a": 1})
    assert client.patch(f"/session/{ids[1]}", json={"state": "archived"}).json()["state"] == "archived"
    assert client.delete(f"/session/{ids[2]}").status_code == 204
    assert store.get("ann", ids[2]).state == "trash"
    assert client.delete(f"/session/{ids[2]}", params={"purge": True}).status_code == 204
    assert client.get(f"/session/{ids[2]}").status_code == 404
    assert [s["id"] for s in client.get("/sessions").json()["sessions"]] == [ids[0]]
    exported = client.get(f"/session/{ids[0]}/export", params={"form": "md"})
    assert exported.text.startswith("# Birds\n")
    assert len(client.get("/export").text.splitlines()) == 2


def test_sessions_are_counted_and_one_is_found_by_its_beginning_or_as_the_last(client_with):
    client = client_with(*REASONING_REPLY)
    assert client.get("/sessions/latest").status_code == 204
    first, second = client.create_session(name="Herons"), client.create_session(name="Lakes")
    for session_id in (first, second, first):
        client.say(session_id)
    assert client.get("/sessions/latest").json()["id"] == first
    client.delete(f"/session/{second}")
    assert client.get("/sessions/count").json() == client.get("/sessions/count?state=trash").json() == {"count": 1}
    for text in ("Lakes", second[:8]):
        assert [s["id"] for s in client.get("/sessions/find", params={"text": text}).json()["sessions"]] == [second]


def test_a_session_without_a_message_is_changed_and_forgotten_like_any_other(client_with, store):
    client = client_with(*REASONING_REPLY)
    session_id = client.create_session()
    assert client.patch(f"/session/{session_id}", json={"name": "Mine", "system": "x"}).json()["name"] == "Mine"
    assert client.get(f"/session/{session_id}/messages").json() == {"first": 0, "messages": []}
    assert client.get(f"/session/{session_id}/events").status_code == 204
    client.say(session_id)
    session = store.get("ann", session_id)
    assert (session.name, session.system) == ("Mine", "x")
    other = client.create_session()
    assert client.delete(f"/session/{other}").status_code == 204
    assert client.get(f"/session/{other}").status_code == 404
    assert client.say(other).status_code == 404


def test_messages_are_read_rated_and_taken_out(client_with, store):
    client = client_with(*REASONING_REPLY)
    session_id = client.create_session()
    for i in range(3):
        client.say(session_id, f"question {i}")
    page = client.get(f"/session/{session_id}/messages", params={"before": 4, "limit": 3}).json()
    assert (page["first"], [m["content"] for m in page["messages"]]) == (1, ["Hello", "question 1", "Hello"])
    question, answer = store.get("ann", session_id).messages[:2]
    place = f"/session/{session_id}/message"
    assert client.put(f"{place}/{answer.id}/feedback", json={"rating": "up", "comment": "ö"}).status_code == 204
    assert client.post(f"{place}/{question.id}/redact").status_code == 204
    question, answer = store.get("ann", session_id).messages[:2]
    assert (question.content, answer.feedback["rating"], answer.feedback["comment"]) == ("[redacted]", "up", "ö")
    assert client.post(f"{place}/none/redact").status_code == 404


def test_a_redaction_tells_which_messages_quote_the_words_and_redacts_them_if_asked(client_with, store):
    client = client_with("You said: my number is 4711-0815-99.", DONE)
    session_id = client.create_session()
    client.say(session_id, "Hello, my number is 4711-0815-99")
    client.say(session_id, "And something else")
    question, answer, _, last = store.get("ann", session_id).messages
    place = f"/session/{session_id}/message/{question.id}"
    quotes = [
        {"session_id": session_id, "message_id": answer.id, "number": 2, "role": "assistant"},
        {"session_id": session_id, "message_id": last.id, "number": 4, "role": "assistant"},
    ]
    assert client.get(f"{place}/quotes").json() == {"quotes": quotes}
    done = client.post(f"{place}/redact")
    assert (done.status_code, done.json()) == (200, {"quotes": quotes})
    place = f"/session/{session_id}/message/{answer.id}"
    assert client.post(f"{place}/redact", params={"quotes": True}).status_code == 204
    contents = [message.content for message in store.get("ann", session_id).messages]
    assert contents == ["[redacted]", "[redacted]", "And something else", "[redacted]"]
    assert client.get("/session/none/message/none/quotes").status_code == 404


def test_a_session_has_its_own_model_and_parameters(client_with, store):
    client = client_with(*REASONING_REPLY)
    session_id = client.create_session(bot_model="m2", bot_params={"temperature": 0})
    client.say(session_id)
    read = client.get(f"/session/{session_id}").json()
    assert (read["bot_model"], read["bot_params"]) == ("m2", {"temperature": 0})
    changed = client.patch(f"/session/{session_id}", json={"bot_params": {"top_p": 0.5}}).json()
    assert (changed["bot_model"], changed["bot_params"]) == ("m2", {"top_p": 0.5})
    assert "bot_model" not in client.patch(f"/session/{session_id}", json={"bot_model": None}).json()
    assert client.patch(f"/session/{session_id}", json={"bot_params": {"messages": []}}).status_code == 422
    assert store.get("ann", session_id).bot_params == {"top_p": 0.5}
