"""OpenAI's own client, unchanged, through /v1: all its messages are stored in a session."""

import base64
from contextlib import ExitStack

import openai
import pytest
from support.api.client import serve_api, use_cheap_passwords
from support.fakes import DONE, Gate, ScriptedBot

from botchat.api.dependencies import Services
from botchat.core.auth import AuthService
from botchat.core.chat import Chat, branch_of
from botchat.core.errors import BotError
from botchat.core.models import Delta, Message, Session
from botchat.core.turn import Turns
from botchat.settings import ApiSettings

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


@pytest.fixture
def client_with(store):
    """Return a function that creates an OpenAI client of an API whose bot follows a script."""
    with ExitStack() as servers:

        def make(*script, **more) -> openai.OpenAI:
            bot = ScriptedBot(*script)
            bot.info = type(bot.info)(bot_id="b", label="scripted", images=True)
            turns = Turns({"b": bot, "c": ScriptedBot(*script, bot_id="c")})
            servers.callback(turns.close, timeout=0)
            chat = Chat(store, turns, default_bot="b")
            use_cheap_passwords(chat)
            address = servers.enter_context(serve_api(Services(chat=chat, **more)))
            token = chat.auth.create_token("ann")[1]
            client = openai.OpenAI(base_url=f"{address}/v1", api_key=token, max_retries=0)
            servers.enter_context(client)
            client.bot = bot
            return client

        yield make


def stored_messages(store, session_id: str) -> list[tuple[str, str, str | None]]:
    return [(m.role, m.content, m.status) for m in store.get("ann", session_id).messages]


def shown_contents(store, session_id: str) -> list[str]:
    """Return the contents of the shown branch."""
    session = store.get("ann", session_id)
    return [message.content for message in branch_of(session.messages, session.head)]


def ask(client: openai.OpenAI, *contents: str | list, session: str | None = None, **more):
    """Send a conversation, alternately the user's and the bot's contents; return the completion and its session id."""
    roles = ("user", "assistant")
    messages = [{"role": roles[i % 2], "content": content} for i, content in enumerate(contents)]
    headers = {"X-Botchat-Session": session} if session else {}
    raw = client.chat.completions.with_raw_response.create(
        **({"model": "b", "messages": messages, "extra_headers": headers} | more)
    )
    return raw.parse(), raw.headers["X-Botchat-Session"]


def test_bots_are_models_and_an_answer_is_a_session(client_with, store):
    client = client_with(Delta(reasoning_content="They greet."), "Hel", "lo", DONE)
    assert [model.id for model in client.models.list()] == ["b", "c"]
    answer, session = ask(client, "Hi")
    assert (answer.choices[0].message.content, answer.choices[0].finish_reason) == ("Hello", "stop")
    assert (answer.model, answer.usage.total_tokens) == ("b", 7)
    assert answer.choices[0].message.reasoning_content == "They greet."
    assert stored_messages(store, session) == [("user", "Hi", None), ("assistant", "Hello", None)]


def test_a_stream_has_the_words_then_why_it_ended_then_the_tokens(client_with, store):
    client = client_with("Hel", "lo", DONE)
    stream, session = ask(client, "Hi", stream=True, stream_options={"include_usage": True})
    chunks = list(stream)
    assert "".join(c.choices[0].delta.content or "" for c in chunks if c.choices) == "Hello"
    assert [c.choices[0].finish_reason for c in chunks if c.choices][-1] == "stop"
    assert chunks[-1].usage.total_tokens == 7
    assert stored_messages(store, session) == [("user", "Hi", None), ("assistant", "Hello", None)]
    answer = store.get("ann", session).messages[-1]
    assert {(c.id, c.created) for c in chunks} == {(f"chatcmpl-{answer.id}", int(answer.create_time.timestamp()))}


def test_a_conversation_goes_on_with_all_of_it_or_with_the_new_message_alone(client_with, store):
    client = client_with("Yes", DONE)
    _, session = ask(client, "1")
    ask(client, "1", "Yes", "2", session=session)
    ask(client, "3", session=session)
    ask(client, "1", "Yes", "2", "Yes", "3", "Yes", "4", extra_body={"session_id": session})
    contents = [content for _, content, _ in stored_messages(store, session)]
    assert contents == ["1", "Yes", "2", "Yes", "3", "Yes", "4", "Yes"]
    assert [m["content"] for m in client.bot.prompts[2]] == ["1", "Yes", "2", "Yes", "3"]


def test_a_history_that_differs_becomes_a_branch_behind_the_last_message_that_is_the_same(client_with, store):
    client = client_with("Yes", DONE)
    _, session = ask(client, "1")
    ask(client, "1", "Yes", "2", session=session)
    ask(client, "1", "No", "5", session=session)
    assert shown_contents(store, session) == ["1", "No", "5", "Yes"]
    ask(client, "1", "Yes", "2", "Yes", "3", session=session)  # the other branch goes on
    assert shown_contents(store, session) == ["1", "Yes", "2", "Yes", "3", "Yes"]
    ask(client, "0", "No", "6", session=session)
    assert shown_contents(store, session) == ["0", "No", "6", "Yes"]
    ask(client, "0", "No", "6", "Yes", "7", session=session)
    assert shown_contents(store, session) == ["0", "No", "6", "Yes", "7", "Yes"]
    assert [m["content"] for m in client.bot.prompts[-1]] == ["0", "No", "6", "Yes", "7"]
    stored = [content for _, content, _ in stored_messages(store, session)]
    assert stored == ["1", "Yes", "2", "Yes", "No", "5", "Yes", "3", "Yes", "0", "No", "6", "Yes", "7", "Yes"]


def test_a_question_that_has_its_answer_is_answered_anew_on_a_branch(client_with, store):
    client = client_with("Yes", DONE)
    _, session = ask(client, "1")
    ask(client, "1", "Yes", "2", session=session)
    ask(client, "1", "Yes", "2", "Yes", "3", session=session)
    ask(client, "1", "Yes", "2", session=session)
    assert shown_contents(store, session) == ["1", "Yes", "2", "Yes"]
    assert store.get("ann", session).message_count == 7


def test_a_question_of_another_branch_that_has_no_answer_is_answered(client_with, store):
    client = client_with("Yes", DONE)
    session = Session(user="ann", bot_id="b")
    one, two = Message(role="user", content="1"), Message(role="assistant", content="Yes")
    waiting = Message(role="user", content="2")
    store.append(session, one)
    store.append(session, two)
    store.append(session, waiting)
    store.append(session, Message(role="user", content="3", parent=two.id))
    ask(client, "1", "Yes", "2", session=session.id)
    assert shown_contents(store, session.id) == ["1", "Yes", "2", "Yes"]


def test_a_client_that_leaves_out_the_oldest_messages_goes_on_in_the_same_branch(client_with, store):
    client = client_with("Yes", DONE)
    _, session = ask(client, "1")
    ask(client, "1", "Yes", "2", session=session)
    ask(client, "2", "Yes", "3", session=session)
    assert shown_contents(store, session) == ["1", "Yes", "2", "Yes", "3", "Yes"]


@pytest.mark.parametrize(
    ("answer", "sent_back"),
    [
        ("", ""),
        (" \n", ""),
        ("Hm \ud83d.", "Hm \ufffd."),
        ("\n\nHello there. \n", "Hello there."),
        ("a\r\nb\rc", "a\nb\nc"),
        ("Hello", "<think>They greet.</think>\n\nHello"),
        ("Hello", [{"type": "text", "text": "Hello"}]),
    ],
)
def test_what_clients_change_on_the_way_is_the_same_message(client_with, store, answer, sent_back):
    client = client_with(*([answer] if answer else []), DONE)
    _, session = ask(client, "Hi \r\nthere")
    ask(client, "Hi \nthere", sent_back, "And then?", session=session)
    ask(client, "Hi \nthere", sent_back, "And then?", sent_back, "And now?", session=session)
    kept = store.get("ann", session)
    assert [m.content for m in kept.messages[::2]] == ["Hi \r\nthere", "And then?", "And now?"]
    assert [m.content for m in kept.messages[1::2]] == [answer] * 3
    assert not any(message.parent for message in kept.messages)


def test_a_change_of_white_space_within_a_message_is_an_edit(client_with, store):
    client = client_with("Yes", DONE)
    _, session = ask(client, "if x:\n  y")
    ask(client, "if x:\n    y", "Yes", "Better?", session=session)
    assert shown_contents(store, session) == ["if x:\n    y", "Yes", "Better?", "Yes"]


def test_messages_that_a_client_never_gets_do_not_stand_between_those_it_sends(client_with, store):
    client = client_with("Yes", DONE)
    session = Session(user="ann", bot_id="b")
    for role, content in (("system", "Be brief."), ("user", "1"), ("tool", "{}"), ("assistant", "One.")):
        store.append(session, Message(role=role, content=content))
    ask(client, "1", "One.", "2", session=session.id)
    assert [content for _, content, _ in stored_messages(store, session.id)][3:] == ["One.", "2", "Yes"]


def test_an_image_may_be_left_out_of_the_history_but_another_one_is_an_edit(client_with, store):
    client = client_with("Yes", DONE)

    def looks(data: str, *more: str):
        image = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{data}"}}
        return [[{"type": "text", "text": "Look"}, image], *more]

    _, session = ask(client, *looks(PIXEL))
    ask(client, *looks(PIXEL, "Yes", "2"), session=session)
    ask(client, "Look", "Yes", "2", "Yes", "3", session=session)
    assert shown_contents(store, session) == ["Look", "Yes", "2", "Yes", "3", "Yes"]
    other = base64.b64encode(base64.b64decode(PIXEL) + b"x").decode()
    ask(client, *looks(other, "Yes", "4"), session=session)
    assert shown_contents(store, session) == ["Look", "Yes", "4", "Yes"]


def test_while_an_answer_is_under_way_another_question_is_a_conflict_that_passes(client_with, store):
    gate = Gate()
    client = client_with("Hello", gate, DONE)
    stream, session = ask(client, "Hi", stream=True)
    next(stream)
    with pytest.raises(openai.ConflictError, match="still streaming"):
        ask(client, "Other", "Yes", "Now?", model="c", session=session)
    assert store.get("ann", session).bot_id == "b"
    gate.open()
    list(stream)
    ask(client, "Hi", "Hello", "Now?", session=session)
    assert shown_contents(store, session) == ["Hi", "Hello", "Now?", "Hello"]


def test_a_conversation_that_began_elsewhere_is_stored_whole(client_with, store):
    client = client_with("Yes", DONE)
    system = {"role": "system", "content": "Be terse."}
    messages = [system, *({"role": r, "content": c} for r, c in (("user", "1"), ("assistant", "One."), ("user", "2")))]
    _, session = ask(client, messages=messages)
    assert [content for _, content, _ in stored_messages(store, session)] == ["1", "One.", "2", "Yes"]
    assert store.get("ann", session).system == "Be terse."
    assert [m["content"] for m in client.bot.prompts[0]] == ["Be terse.", "1", "One.", "2"]
    parts = [
        {"type": "text", "text": "What is it?"},
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PIXEL}"}},
    ]
    ask(client, messages=[{"role": "user", "content": parts}], session=session)
    asked = store.get("ann", session).messages[-2]
    (image,) = asked.files
    assert (asked.content, image.type, image.data) == ("What is it?", "image/png", base64.b64decode(PIXEL))


def test_a_stream_that_the_client_closes_is_stopped_stored_and_gone_on_with(client_with, store):
    gate = Gate()
    client = client_with("Hel", "lo", gate, " never", DONE)
    stream, session = ask(client, "Hi", stream=True)
    heard = ""
    for chunk in stream:
        heard += chunk.choices[0].delta.content or ""
        if heard == "Hello":
            break
    stream.close()
    while store.wait_for_write("update_message").get("status", "") != "stopped":
        pass
    assert stored_messages(store, session) == [("user", "Hi", None), ("assistant", "Hello", "stopped")]
    gate.open()
    answer, _ = ask(client, "Hi", "Hel", "Go on", session=session)  # it has heard less than is stored
    assert answer.choices[0].message.content == "Hello never"
    assert [content for _, content, _ in stored_messages(store, session)] == ["Hi", "Hello", "Go on", "Hello never"]


def test_a_stream_of_a_token_that_is_revoked_elsewhere_says_so_and_is_stopped(client_with, store):
    client = client_with("Hello", Gate())
    stream, session = ask(client, "Hi", stream=True)
    next(stream), next(stream)
    access = AuthService(store.accounts())
    access.revoke_token(next(access.tokens("ann")).id)
    with pytest.raises(openai.APIError, match="Invalid or expired API token"):
        next(stream)
    while store.wait_for_write("update_message").get("status", "") != "stopped":
        pass
    assert stored_messages(store, session)[-1] == ("assistant", "Hello", "stopped")


def test_a_question_whose_answer_was_lost_is_asked_again_and_not_stored_twice(client_with, store):
    client = client_with("Yes", DONE)
    session = Session(user="ann", bot_id="b")
    store.append(session, Message(role="user", content="Hi"))
    answer, _ = ask(client, "Hi", session=session.id)
    assert answer.choices[0].message.content == "Yes"
    assert [content for _, content, _ in stored_messages(store, session.id)] == ["Hi", "Yes"]


def test_errors_are_those_that_the_client_knows(client_with, store):
    client = client_with("Hel", BotError("It broke."), settings=ApiSettings(message_characters=10))
    with pytest.raises(openai.InternalServerError, match="It broke") as told:
        ask(client, "Hi")
    assert told.value.status_code == 502
    with pytest.raises(openai.APIError, match="It broke"):
        list(ask(client, "Hi", stream=True)[0])
    with pytest.raises(openai.NotFoundError, match="Bot 'gpt-9' not found"):
        ask(client, "Hi", model="gpt-9")
    with pytest.raises(openai.NotFoundError, match="not found"):
        ask(client, "Hi", session="none")
    with pytest.raises(openai.AuthenticationError, match="Invalid or expired API token"):
        ask(client.with_options(api_key="bc_none"), "Hi")
    with pytest.raises(openai.UnprocessableEntityError, match="The limit is 10"):
        ask(client, "x" * 11)
    elsewhere = {"type": "image_url", "image_url": {"url": "http://127.0.0.1/x.png"}}
    for message in (
        {"role": "tool", "content": "x"},
        {"role": "assistant", "content": "x"},
        {"role": "user", "content": [{}]},
        {"role": "user", "content": [elsewhere]},
    ):
        with pytest.raises(openai.UnprocessableEntityError, match="messages"):
            ask(client, messages=[message])
    assert len(client.bot.prompts) == 2
