"""Redacting a message in the terminal: the dialog, the store, and the screen afterwards."""

import pytest
from support.stores.sessions import stored, user_says
from support.tui.stories import async_test, message_texts, terminal

from botchat.core.models import Message

PASSWORD = "zebra-4711-kilo"


@pytest.fixture
def session(store):
    """A session whose first message is quoted by the reply and copied into another session."""
    kept = stored(store, messages=0, name=f"The password is {PASSWORD}")
    for message in (
        user_says(f"The password is {PASSWORD}"),
        Message(role="assistant", content=f"I note: {PASSWORD}."),
        user_says("And something else"),
    ):
        kept.messages.append(message)
    store.save(kept)
    copy = stored(store, messages=0, name="A copy")
    copy.messages.append(kept.messages[0])
    store.save(copy)
    return kept


def first(session):
    return lambda chat: next(iter(chat.find("ann", session.id)))


async def mark(at, words: str) -> None:
    """Select a message of the open session."""
    at.app.conversation.transcript.focus()
    message = next(m for m in at.app.conversation.session.messages if m.content == words)
    while at.app.conversation.transcript.current is None or at.app.conversation.transcript.current.id != message.id:
        await at.press("up")


@async_test
async def test_a_message_is_redacted_with_its_title_after_a_question_that_names_what_quotes_it(
    chat_with, store, session, tmp_path
):
    async with terminal(chat_with(), tmp_path, find_initial=first(session)) as at:
        await at.sees("And something else")
        await mark(at, f"The password is {PASSWORD}")
        await at.press("x")
        await at.sees("Redact this message?", "Quoted in: message 2 (assistant), 1 message in 1 other", "Redact all")
        await at.press("n")
        assert PASSWORD in message_texts(store, session.id)[0]
        await at.press("x")
        await at.sees("Redact this message?")
        await at.press("y")
        await at.until(lambda: any("1 message redacted. Quoted in: message 2" in toast for toast in at.toasts))
        assert at.app.conversation.session.messages[0].content == "[redacted]"
        await at.until(lambda: at.app.header.state.name == "[redacted]")
        await at.until(lambda: "[redacted]" in at.names)
    assert message_texts(store, session.id) == ["[redacted]", f"I note: {PASSWORD}.", "And something else"]
    assert store.get("ann", session.id).name == "[redacted]"


@async_test
async def test_what_quotes_it_goes_too_if_that_is_chosen(chat_with, store, session, tmp_path):
    async with terminal(chat_with(), tmp_path, find_initial=first(session)) as at:
        await at.sees("And something else")
        await mark(at, f"The password is {PASSWORD}")
        await at.press("x")
        await at.sees("Redact all")
        await at.press("a")
        await at.until(lambda: "3 messages redacted." in at.toasts)
        await at.until(lambda: PASSWORD not in at.text)
        await at.press("x")
        await at.until(lambda: "This message is already redacted." in at.toasts)
    assert message_texts(store, session.id) == ["[redacted]", "[redacted]", "And something else"]
    assert [message_texts(store, each.id) for each in store.page("ann").sessions if each.name == "A copy"] == [
        ["[redacted]"]
    ]


@async_test
async def test_a_server_s_message_is_redacted_the_same_way(remote_with, store, session, tmp_path):
    async with terminal(remote_with(), tmp_path, find_initial=first(session)) as at:
        await at.sees("And something else")
        await mark(at, f"The password is {PASSWORD}")
        await at.press("x")
        await at.sees("Quoted in: message 2 (assistant)", "Redact all")
        await at.press("a")
        await at.until(lambda: "3 messages redacted." in at.toasts)
        await at.until(lambda: PASSWORD not in at.text)
    assert message_texts(store, session.id) == ["[redacted]", "[redacted]", "And something else"]


@async_test
async def test_where_nothing_quotes_it_there_is_one_answer(chat_with, store, session, tmp_path):
    async with terminal(chat_with(), tmp_path, find_initial=first(session)) as at:
        await at.sees("And something else")
        await mark(at, "And something else")
        await at.press("x")
        await at.sees("Redact this message?")
        assert "Quoted in" not in at.text
        await at.press("a", "escape")
        assert message_texts(store, session.id)[2] == "And something else"
        await at.press("x")
        await at.sees("Redact this message?")
        await at.press("y")
        await at.until(lambda: "1 message redacted." in at.toasts)
    assert message_texts(store, session.id)[2] == "[redacted]"


@async_test
async def test_without_a_marked_message_nothing_is_guessed(chat_with, store, session, tmp_path):
    async with terminal(chat_with(), tmp_path, find_initial=first(session)) as at:
        await at.sees("And something else")
        at.app.conversation.transcript.focus()
        await at.press("x")
        await at.until(lambda: any(toast.startswith("Select a message first") for toast in at.toasts))
    assert "[redacted]" not in message_texts(store, session.id)


@async_test
async def test_an_old_message_that_was_loaded_is_redacted_on_the_screen_and_in_an_edit_of_it(
    chat_with, store, tmp_path
):
    session = stored(store, messages=120)
    async with terminal(chat_with(), tmp_path, find_initial=first(session)) as at:
        await at.sees("message 119")
        at.app.conversation.transcript.focus()
        await at.press("home")
        await at.until(lambda: at.app.conversation.session.first == 0)
        await mark(at, "message 0")
        await at.press("e")
        await at.until(lambda: at.composer_text == "message 0")
        at.app.conversation.transcript.focus()
        await at.press("x")
        await at.sees("Redact this message?")
        await at.press("y")
        await at.until(lambda: "1 message redacted." in at.toasts)
        messages = at.app.conversation.session.messages
        assert (len(messages), messages[0].content, messages[1].content) == (120, "[redacted]", "message 1")
        assert (at.composer_text, at.app.conversation._autosave.editing) == ("", None)


@async_test
async def test_a_redaction_that_fails_says_so_and_changes_nothing(flaky_chat, store, tmp_path):
    session = stored(store, messages=2)
    async with terminal(flaky_chat, tmp_path, find_initial=first(session)) as at:
        await at.sees("message 1")
        await mark(at, "message 0")
        flaky_chat._repository.fails = True
        await at.press("x")
        await at.until(lambda: at.notice == "Couldn't redact this message: The store is away.")
        flaky_chat._repository.fails = False
    assert message_texts(store, session.id) == ["message 0", "message 1"]
