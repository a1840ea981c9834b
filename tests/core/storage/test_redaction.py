"""What a redaction removes: the message, everything derived from it, and other quotes of it."""

import json
import os
import pty
from datetime import timedelta
from pathlib import Path

import pytest
from support.fakes import DONE, Gate, ScriptedBot
from support.stores.sessions import stored

from botchat.core.chat import Chat
from botchat.core.copying.merge import merge_sessions
from botchat.core.models import Message, Session, Unsupported, now, pack
from botchat.core.models.quotes import is_quote, quotable_passages
from botchat.core.storage import has_redaction_since, redact, session_to_record
from botchat.core.turn import Turns

SECRET = "What does the ZEBRATIT project cost us?"


def everything_in(address: str, repository) -> bytes:
    """Return the bytes of the file, or the contents of all collections of the database."""
    if not address.startswith("mongodb"):
        return Path(address).read_bytes()
    database = repository.stored._database
    return repr([list(database[name].find()) for name in database.list_collection_names()]).encode()


@pytest.fixture
def chat_with(repository_at):
    """Return a factory of chats whose bot gives this reply and generates titles."""
    made = []

    def make(*answer, title=("About ", "ZEBRATIT pricing", DONE)) -> Chat:
        turns = Turns({"b": ScriptedBot(*answer, title=title)}, titles=True)
        made.append(turns)
        return Chat(repository_at, turns, default_bot="b")

    yield make
    for turns in made:
        turns.close(timeout=0)


def asked(chat: Chat, question: str) -> Session:
    session = chat.new_session("ann")
    assert chat.send("ann", session, question).wait(30)
    return session


def until_named(chat: Chat, session: Session, name: str) -> None:
    while chat.open("ann", session.id).name != name:
        pass


@pytest.mark.parametrize("place", [0, 1], ids=["question", "answer"])
def test_a_title_goes_with_either_message_that_the_bot_made_it_of(chat_with, repository_at, place):
    chat = chat_with("It costs a lot.", DONE, title=("Money matters", DONE))  # shares no word with the messages
    session = asked(chat, SECRET)
    until_named(chat, session, "Money matters")
    messages = chat.open("ann", session.id).messages
    assert chat.open("ann", session.id).title_of == [message.id for message in messages]
    chat.redact("ann", session.id, messages[place].id)
    assert (chat.open("ann", session.id).name, chat.open("ann", session.id).title_of) == ("[redacted]", [])


def test_a_title_stays_when_another_message_is_redacted_and_a_persons_name_does_too(chat_with):
    chat = chat_with("It costs a lot.", DONE, title=("Money matters", DONE))
    session = asked(chat, SECRET)
    until_named(chat, session, "Money matters")
    assert chat.send("ann", chat.open("ann", session.id), "Does money matter at all?").wait(30)
    later = chat.open("ann", session.id).messages[2]
    chat.redact("ann", session.id, later.id)
    assert chat.open("ann", session.id).name == "Money matters"
    chat.update("ann", session.id, name="Budget")
    assert chat.open("ann", session.id).title_of == []
    chat.redact("ann", session.id, chat.open("ann", session.id).messages[0].id)
    assert chat.open("ann", session.id).name == "Budget"


def test_redacted_words_and_all_that_was_made_of_them_are_nowhere_in_the_store(chat_with, repository_at, address):
    chat = chat_with("About ZEBRATIT: it costs a lot.", DONE)
    session = asked(chat, SECRET)
    until_named(chat, session, "About ZEBRATIT pricing")
    repository_at.update("ann", session.id, summary={"text": "They spoke of ZEBRATIT.", "last": "x"})
    chat.fork("ann", session.id)
    question = Message(
        role="user",
        content="ZEBRATIT",
        payload=pack([Unsupported("image", {"url": "ZEBRATIT"})]),
        extra={"origin": "ZEBRATIT"},
    )
    repository_at.append(repository_at.get("ann", session.id), question)
    for message in repository_at.get("ann", session.id).messages:
        chat.redact("ann", session.id, message.id, with_quotes=True)
    assert b"ZEBRATIT" not in everything_in(address, repository_at)


def test_a_title_of_an_earlier_version_goes_with_a_message_whose_words_it_has(chat_with, repository_at):
    session = stored(repository_at, messages=4)
    repository_at.update_message("ann", session.id, session.messages[0].id, content=SECRET)
    chat, first, last = chat_with("Hello", DONE), session.messages[0].id, session.messages[3].id
    for name, message_id, kept in (
        ("About Zebratit pricing", last, True),
        ("About Zebratit pricing", first, False),
    ):
        repository_at.update("ann", session.id, name=name)
        chat.redact("ann", session.id, message_id)
        assert (chat.open("ann", session.id).name == name) is kept
    other = stored(repository_at, id="other", messages=2)
    repository_at.update("ann", "other", name="Case 4712")
    chat.redact("ann", "other", other.messages[0].id)
    assert chat.open("ann", "other").name == "Case 4712"


def test_a_title_that_is_made_while_a_message_is_redacted_is_taken_back(chat_with, repository_at):
    gate = Gate()
    chat = chat_with("It costs a lot.", DONE, title=(gate, "About ZEBRATIT pricing", DONE))
    session = asked(chat, SECRET)
    answer = chat.open("ann", session.id).messages[1]
    chat.redact("ann", session.id, answer.id)
    gate.open()
    until_named(chat, session, "[redacted]")


def test_messages_that_were_redacted_since_they_were_read_are_found(repository_at):
    session = stored(repository_at, messages=4)
    known = repository_at.get("ann", session.id).messages
    assert not has_redaction_since(repository_at, session, known)
    Chat(repository_at, Turns({}), default_bot="b").redact("ann", session.id, known[1].id)
    assert has_redaction_since(repository_at, session, known)
    assert not has_redaction_since(repository_at, session, known[2:])
    assert not has_redaction_since(repository_at, session, repository_at.get("ann", session.id).messages)


def says(content: str = "", **fields) -> Message:
    return Message(role="assistant", content=content, **fields)


@pytest.mark.parametrize(
    ("text", "other", "found"),
    [
        ("One two three four five six seven", says("> *two*, three,\nFOUR five six seven!"), True),
        ("One two three four five six seven", says("one two three four five, then six"), False),
        ("Short words", says("You said: short words."), True),
        ("ok", says("ok then"), False),
        ("Call me at +49-171-555 please, my dear good old friend", says("I call +49 171 555"), True),
        ("Write to ann@example.org about the thing that we spoke of", says("To: <ann@example.org>"), True),
        ("今日は天気がいいですね", says("「今日は天気が」と言いました"), True),
        ("One two three four five six seven", says(reasoning_content="one two three four five six"), True),
        (
            "Größe: eins zwei drei vier fünf",
            says(payload=pack([Unsupported("tool call", {"x": ["größe eins zwei drei vier fünf"]})])),
            True,
        ),
        ("One two three four five six seven", says(payload="no JSON: one two three four five six"), True),
    ],
)
def test_what_counts_as_a_quote(text, other, found):
    assert is_quote(other, quotable_passages(Message(role="user", content=text))) is found


def test_alternative_versions_and_agents_messages_are_found(repository_at):
    session = stored(repository_at, messages=1)
    said = Message(role="user", content="The secret number of the account is 12345678")
    before = session.messages[0].id
    version = Message(role="user", content="The secret number of the account was 12345678", parent=before)
    of_agent = Message(role="tool", agent_id="clerk", payload='{"message": {"content": [{"text": "12345678"}]}}')
    for message in (said, version, of_agent):
        repository_at.append(session, message)
    chat = Chat(repository_at, Turns({}), default_bot="b")
    found = chat.quotes("ann", session.id, said.id)
    assert [quote.message_id for quote in found] == [version.id, of_agent.id]
    assert chat.redact("ann", session.id, said.id, with_quotes=True) == []
    assert [m.content for m in repository_at.get("ann", session.id).messages[1:]] == ["[redacted]"] * 3


def test_a_command_names_the_quotes_and_redacts_them_if_asked(shell, repository_at):
    session = stored(repository_at, messages=1)
    said = Message(role="user", content="The number is 12345678")
    repository_at.append(session, said)
    answer = Message(role="assistant", content="I won't tell 12345678 to anybody.")
    repository_at.append(session, answer)
    done = shell.run("sessions", "redact", session.id, "-m", "2", "--yes")
    again = f"botchat sessions redact {session.id} -m {answer.id}"
    assert f"message 3 (assistant). To redact it too: {again}" in done.stderr
    later = Message(role="user", content="12345678?")
    repository_at.append(session, later)
    done = shell.run("sessions", "redact", session.id, "-m", "4", "--quotes", "--yes")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{session.id}\n", "")
    assert [m.content for m in repository_at.get("ann", session.id).messages[1:]] == ["[redacted]"] * 3


def test_on_a_terminal_the_command_offers_to_redact_the_quotes(local_shell, store):
    session = Session(user="ann", bot_id="b", id="here")
    for content in ("The number is 12345678", "So 12345678."):
        store.append(session, Message(role="user", content=content))
    ours, theirs = pty.openpty()
    process = local_shell.start("sessions", "redact", "here", "-m", "1", stdin=theirs)
    os.write(ours, b"y\ny\n")
    _, errors = process.communicate()
    os.close(ours)
    os.close(theirs)
    assert b"1 message that quotes or copies it: message 2 of session here" in errors
    assert [m.content for m in store.get("ann", "here").messages] == ["[redacted]", "[redacted]"]


ORIGINAL = {
    "notes.0": "ZEBRATIT",
    "notes.1": "Asked again: what does the *ZEBRATIT* project cost us?",
    "notes.what does the ZEBRATIT project cost us": "x",
    "mapping.said.comment": "Shares no word.",
    "chat.history.messages.said.info": "Nor does this.",
    "messages.unsaid.comment": "Another message's own.",
    "notes.said": "A list, and no message.",
    "title.text": "Herons",
}
LEFT = {name: ORIGINAL[name] for name in ("messages.unsaid.comment", "notes.said", "title.text")}


def imported(repository, original: str, **more) -> Session:
    """A session with one message and an `original`."""
    session = Session(user="ann", bot_id="b", extra={"original": original}, **more)
    session.messages = [Message(id="said", role="user", content=SECRET)]
    repository.save(session)
    return session


@pytest.mark.parametrize(
    ("original", "left"),
    [
        (json.dumps(ORIGINAL), LEFT),
        (json.dumps({"notes.0": "ZEBRATIT", "title.text": "Herons"}), {"title.text": "Herons"}),
        (json.dumps({"notes.0": "ZEBRATIT"}), None),
        ("no JSON, but: what does the zebratit project cost?", None),
    ],
)
def test_what_an_import_kept_beside_the_messages_loses_the_words_too(chat_with, repository_at, address, original, left):
    session = imported(repository_at, original)
    chat_with().redact("ann", session.id, "said")
    kept = repository_at.get("ann", session.id).extra.get("original")
    assert (json.loads(kept) if kept else kept) == left
    assert b"zebratit" not in everything_in(address, repository_at).lower()


def test_what_has_none_of_the_words_stays_as_it_was(chat_with, repository_at):
    original = '{"title.text":  "Herons, redacted"}'
    session = imported(repository_at, original)
    for _ in range(2):
        chat_with().redact("ann", session.id, "said")
        assert repository_at.get("ann", session.id).extra == {"original": original}


def test_what_was_kept_is_replaced_only_if_nobody_else_did(repository_at):
    session = imported(repository_at, "one")
    before = repository_at.get("ann", session.id).rev
    assert not repository_at.replace_original("ann", session.id, "two", "three")
    assert repository_at.replace_original("ann", session.id, "one", "two")
    assert repository_at.get("ann", session.id).extra == {"original": "two"}
    assert repository_at.get("ann", session.id).rev == before + 1
    assert repository_at.replace_original("ann", session.id, "two", None)
    assert not repository_at.replace_original("ann", session.id, "two", None)
    assert repository_at.get("ann", session.id).extra == {}


def test_two_redactions_at_once_both_reach_what_was_kept(repository_at):
    session = imported(repository_at, json.dumps({"a": "ZEBRATIT", "b": "4711-0815", "c": "Herons"}))
    other = Message(role="user", content="Call 4711-0815")
    repository_at.append(session, other)

    class Crossed:
        """A store on which the other message is redacted between a read and the first write after it."""

        has_crossed = False

        def __getattr__(self, name):
            return getattr(repository_at, name)

        def replace_original(self, *arguments):
            if not self.has_crossed:
                self.has_crossed = True
                redact(repository_at, repository_at.get("ann", session.id), other)
            return repository_at.replace_original(*arguments)

    redact(Crossed(), repository_at.get("ann", session.id), session.messages[0])
    assert json.loads(repository_at.get("ann", session.id).extra["original"]) == {"c": "Herons"}


@pytest.mark.parametrize("redacted_side", [0, 1])
def test_a_copy_that_has_the_words_still_does_not_bring_them_back(repository_at, redacted_side):
    session = imported(repository_at, json.dumps({"notes.0": "ZEBRATIT", "title.text": "Herons"}))
    full = session_to_record(repository_at.get("ann", session.id))
    redact(repository_at, session, session.messages[0])
    clean = session_to_record(repository_at.get("ann", session.id))
    for late in (full, clean):  # whichever was written last
        copies = [dict(full), dict(clean)]
        copies[late is clean]["update_time"] = now() + timedelta(hours=1)
        record = merge_sessions(copies[redacted_side], copies[1 - redacted_side]).record
        assert json.loads(record["original"]) == {"title.text": "Herons"}
