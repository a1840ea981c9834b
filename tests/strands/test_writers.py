"""Strands agents that write concurrently, are killed, lose their store, or have a message redacted."""

import signal
import threading
from pathlib import Path

import pytest
from strands.types.exceptions import SessionException
from strands.types.session import SessionMessage
from support.strands.model import ScriptedModel, agent, managers_at, run

from botchat.core.errors import StoreUnavailable
from botchat.library import Store


@pytest.fixture
def manager(address):
    yield from managers_at(address)


# Redaction


def everything_in(address: str, repository) -> bytes:
    if not address.startswith("mongodb"):
        return Path(address).read_bytes()
    database = repository.stored._database
    return repr([list(database[name].find()) for name in database.list_collection_names()]).encode()


@pytest.mark.parametrize("by_guardrail", [True, False], ids=["guardrail", "manual"])
def test_redaction_leaves_no_trace_of_the_original(manager, address, repository_at, by_guardrail):
    writer = manager()
    model = ScriptedModel("refused", redacting="[gone]" if by_guardrail else None)
    speaker = agent(writer, model=model)
    if by_guardrail:
        speaker("my s3cret")
    else:
        speaker("before")
        redacted = {"role": "user", "content": [{"text": "[gone]"}]}
        writer.append_message({"role": "user", "content": [{"text": "my s3cret"}, {"image": {}}]}, speaker)
        assert b"s3cret" in everything_in(address, repository_at)
        writer.redact_latest_message(redacted, speaker)
    assert b"s3cret" not in everything_in(address, repository_at)
    texts = [message["content"][0]["text"] for message in agent(manager()).messages]
    assert texts == (["[gone]", "refused"] if by_guardrail else ["before", "refused", "[gone]"])


# Writers at once

WRITER = """
import sys
from strands.types.session import SessionMessage
from botchat.strands import BotchatSessionManager
from support.strands.model import agent

address, name, number = sys.argv[1:]
sys.stdin.readline()
with BotchatSessionManager("s", store=address, user="ann") as manager:
    speaker = agent(manager, agent_id="shared")
    for i in range(int(number)):
        manager.append_message({"role": "user", "content": [{"text": f"{name}/{i}"}]}, speaker)
"""


def check_all_stored(manager, writers: int, each: int) -> None:
    found = manager().list_messages("s", "shared")
    texts = [message.message["content"][0]["text"] for message in found]
    assert len(set(texts)) == len(texts) == writers * each
    assert [message.message_id for message in found] == list(range(writers * each))
    for name in {text.partition("/")[0] for text in texts}:
        assert [text for text in texts if text.startswith(f"{name}/")] == [f"{name}/{i}" for i in range(each)]


def test_eight_processes_begin_and_write_one_session_and_every_message_is_stored(manager, address):
    manager("other")  # the file is there
    writers = [run(WRITER, address, str(name), "25") for name in range(8)]
    for writer in writers:
        writer.stdin.write("\n")
        writer.stdin.flush()
    for writer in writers:
        writer.communicate(timeout=100)
    assert [writer.returncode for writer in writers] == [0] * 8
    check_all_stored(manager, 8, 25)


def test_who_made_a_session_restores_the_agent_that_another_added_first(manager):
    first = manager()
    agent(manager(), "hi", agent_id="shared")("hello")
    restored = agent(first, "and hi", agent_id="shared")
    assert [message["content"] for message in restored.messages] == [[{"text": "hello"}], [{"text": "hi"}]]
    restored("hello again")
    assert len(manager().list_messages("s", "shared")) == 4
    with pytest.raises(SessionException, match="unique"):
        agent(first, agent_id="shared")


def test_64_threads_write_one_session_and_every_message_is_stored(manager):
    managers = [manager() for _ in range(64)]
    speakers = [agent(each, agent_id="shared") for each in managers]

    def write(number: int) -> None:
        for i in range(4):
            message = {"role": "user", "content": [{"text": f"{number}/{i}"}]}
            managers[number].append_message(message, speakers[number])

    threads = [threading.Thread(target=write, args=(number,)) for number in range(64)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    check_all_stored(manager, 64, 4)


KILLED = """
import sys
from strands.hooks import MessageAddedEvent
from support.strands.model import agent
from botchat.strands import BotchatSessionManager

manager = BotchatSessionManager("s", store=sys.argv[1], user="ann")
speaker = agent(manager, "answer")
speaker.hooks.add_callback(MessageAddedEvent, lambda event: print(event.message["content"][0]["text"], flush=True))
for i in range(100_000):
    speaker(f"question {i}")
"""


def test_a_process_that_is_killed_loses_nothing_acknowledged(manager, address):
    speaker = run(KILLED, address)
    acknowledged = [speaker.stdout.readline().strip() for _ in range(31)]
    speaker.send_signal(signal.SIGKILL)
    acknowledged += [line.strip() for line in speaker.communicate()[0].splitlines(keepends=True) if line.endswith("\n")]
    stored = [message.message["content"][0]["text"] for message in manager().list_messages("s", "default")]
    assert stored[: len(acknowledged)] == acknowledged
    restored = agent(manager(), "answer")
    restored("go on")
    assert restored.messages[-1]["content"] == [{"text": "answer"}]


def test_what_a_store_that_is_away_did_not_take_is_stored_before_the_next_message(manager):
    class UnreachableStore:
        """A store that is unreachable while `away` is set."""

        def __init__(self, repository):
            self.repository, self.away = repository, False

        def __getattr__(self, name):
            return getattr(self.repository, name)

        def append(self, *arguments):
            if self.away:
                raise StoreUnavailable("away")
            self.repository.append(*arguments)

    writer = manager()
    speaker = agent(writer, "answer")
    session = writer._session("s")
    session._repository = UnreachableStore(session._repository)
    speaker("one")
    session._repository.away = True
    with pytest.raises(StoreUnavailable):
        speaker("two")
    session._repository.away = False
    speaker("three")
    texts = [message.message["content"][0]["text"] for message in manager().list_messages("s", "default")]
    assert texts == ["one", "answer", "two", "three", "answer"]


# Repository


def test_two_users_have_a_session_of_the_same_id_each_with_the_same_agent(manager, address):
    agent(manager(user="ann"), "hi", state={"pin": 1})("hello")
    of_bob = agent(manager(user="bob"), "hey")
    assert (of_bob.messages, of_bob.state.get()) == ([], {})
    of_bob("it's bob")
    with Store.open(address, user="ann") as store:
        assert [(summary.id, summary.name) for summary in store.page().sessions] == [("s", "hello")]
        assert [(summary.id, summary.name) for summary in store.page(user="bob").sessions] == [("s", "it's bob")]
    again = agent(manager(user="ann"))
    assert (len(again.messages), again.state.get("pin")) == (2, 1)


def test_an_index_that_is_not_there_can_not_be_updated_or_read(manager):
    writer = manager()
    speaker = agent(writer, "hi")
    speaker("hello")
    assert writer.read_message("s", "default", 1).message["content"] == [{"text": "hi"}]
    assert writer.read_message("s", "default", 2) is None
    with pytest.raises(SessionException):
        writer.update_message("s", "default", SessionMessage.from_message(speaker.messages[0], 2))
    with pytest.raises(SessionException):
        writer.create_message("s", "nobody", SessionMessage.from_message(speaker.messages[0], 0))
    assert [m.message_id for m in writer.list_messages("s", "default", limit=1, offset=1)] == [1]
    writer.delete_session("s")
