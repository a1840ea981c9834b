"""Messages that could not be stored are stored when the manager is closed, or returned in an error, never lost."""

import pytest
from support.strands.model import agent, managers_at, run
from support.strands.unreachable import NEVER, make_unreachable

from botchat.core.errors import StoreUnavailable
from botchat.library import HookFailed, MessageAppended, Store, UnsavedMessages
from botchat.strands import BotchatSessionManager


@pytest.fixture
def manager(address):
    yield from managers_at(address)


def ask_while_away(session_manager, *, then: float) -> None:
    """Ask while the store is unreachable, so that the message is pending; then let `then` more appends fail."""
    speaker = agent(session_manager, "answer")
    speaker("one")
    store = make_unreachable(session_manager)
    store.calls = NEVER
    with pytest.raises(StoreUnavailable):
        speaker("two")
    store.calls = then


def stored(session_manager) -> list[str]:
    return [message.message["content"][0]["text"] for message in session_manager.list_messages("s", "default")]


@pytest.mark.parametrize("calls", [0, 2], ids=["back before", "back during retries"])
def test_a_manager_that_is_closed_stores_what_waits(manager, address, calls):
    with BotchatSessionManager("s", store=address, user="ann") as writer:
        ask_while_away(writer, then=calls)
    assert stored(manager()) == ["one", "answer", "two"]


def test_a_manager_that_can_not_store_what_waits_hands_it_back_once(manager):
    writer = manager()
    ask_while_away(writer, then=NEVER)
    with pytest.raises(UnsavedMessages, match=r"1 message couldn't be stored .*'s'.*away") as raised:
        writer.close(timeout=0)
    (unsaved,) = raised.value.messages
    assert (unsaved.session_id, unsaved.agent_id) == ("s", "default")
    assert unsaved.message["role"] == "user"
    assert unsaved.message["content"] == [{"text": "two"}]
    writer.close(timeout=0)
    assert stored(manager()) == ["one", "answer"]


def test_a_store_that_is_closed_stores_what_waits_in_the_managers_that_use_it(manager, address):
    store = Store.open(address, user="ann")
    first, second = BotchatSessionManager("s", store=store), BotchatSessionManager("t", store=store)
    ask_while_away(first, then=0)
    ask_while_away(second, then=NEVER)
    with pytest.raises(UnsavedMessages) as raised:
        store.close(timeout=0)
    assert [(unsaved.session_id, unsaved.message["content"]) for unsaved in raised.value.messages] == [
        ("t", [{"text": "two"}])
    ]
    assert stored(manager()) == ["one", "answer", "two"]


def test_a_message_that_is_refused_after_waiting_is_handed_back_and_the_others_are_stored(manager):
    def no_secrets(change: MessageAppended) -> None:
        if change.message.content == "two" and refusing:
            raise ValueError(change.message.id)

    refusing = False
    writer = manager()
    writer.store.hooks.before(MessageAppended, no_secrets)
    ask_while_away(writer, then=0)
    refusing = True
    speaker = writer._live_agents["default"]
    with pytest.raises(UnsavedMessages) as raised:
        writer.append_message({"role": "user", "content": [{"text": "three"}]}, speaker)
    assert [unsaved.message["content"] for unsaved in raised.value.messages] == [[{"text": "two"}]]
    writer.close()
    assert stored(manager()) == ["one", "answer", "three"]


def test_a_message_whose_hook_fails_when_it_is_flushed_is_stored(manager, caplog):
    def fail(_: MessageAppended) -> None:
        raise RuntimeError("no network")

    writer = manager()
    ask_while_away(writer, then=0)
    writer.store.hooks.after(MessageAppended, fail)
    writer.close()
    assert stored(manager()) == ["one", "answer", "two"]
    assert "no network" in caplog.text
    assert HookFailed.__name__ not in caplog.text


LEFT = """
import sys
from botchat.core.errors import StoreUnavailable
from botchat.strands import BotchatSessionManager
from support.strands.model import agent
from support.strands.unreachable import NEVER, make_unreachable

manager = BotchatSessionManager("s", store=sys.argv[1], user="ann")
speaker = agent(manager, "answer")
make_unreachable(manager).calls = NEVER
try:
    speaker("my words")
except StoreUnavailable:
    pass
"""


def test_a_program_that_ends_without_closing_is_told_how_many_messages_are_lost(address):
    import subprocess

    _, log = run(LEFT, address, stderr=subprocess.PIPE).communicate(timeout=60)
    assert "Session 's': 1 unsaved message lost" in log
    assert "my words" not in log
