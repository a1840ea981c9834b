"""Strands agents on both stores: real agents with a model in this process, alone, together and after a restart."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import streamlit as st
from strands.agent.conversation_manager import SlidingWindowConversationManager, SummarizingConversationManager
from strands.multiagent import GraphBuilder, Swarm
from strands.types.exceptions import SessionException
from strands.types.session import SessionMessage
from strands_model import ScriptedModel, agent, calls
from tabs import Site, listed

from botchat.core.errors import StoreUnavailable
from botchat.library import Store
from botchat.strands import BotchatSessionManager
from botchat.web import cached

HERE = Path(__file__).parent


@pytest.fixture
def manager(address):
    """Open a session of Strands as a new process would; all are closed at the end."""
    opened = []

    def open_session(session_id: str = "s", user: str = "ann") -> BotchatSessionManager:
        opened.append(BotchatSessionManager(session_id, store=address, user=user))
        return opened[-1]

    yield open_session
    for each in opened:
        each.close()


def run(script: str, *arguments: str, **options) -> subprocess.Popen:
    environment = os.environ | {"PYTHONPATH": f"{HERE}:{HERE.parent}"}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    return subprocess.Popen([sys.executable, "-c", script, *arguments], env=environment, **pipes, **options)


# Turns


def test_an_agent_goes_on_where_it_was(manager):
    first = agent(manager(), calls("weather", city="Rome"), "It is sunny.", system_prompt="Be brief.")
    first("How is Rome?")
    again = agent(manager(), "Still sunny.")
    assert again.messages == first.messages
    assert len(again.messages) == 4
    again("And now?")
    assert agent(manager()).messages == again.messages


def test_what_an_agent_did_is_read_in_the_front_ends(manager, address, shell):
    agent(manager(), [calls("weather", city="Rome")], "It is sunny.")("How is Rome?")
    shown = shell.run("sessions", "show", "s", "--user", "ann").stdout
    for words in ("How is Rome?", "Calls `weather` with", '{"city": "Rome"}', "sunny in Rome", "It is sunny."):
        assert words in shown
    with Store.open(address, user="ann") as store:
        session = store.session("s")
        assert [m.role for m in session.messages()] == ["user", "assistant", "tool", "assistant"]
        assert session.messages()[1].usage == {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
        assert session.totals() == session.totals("default") == (20, 10, 30, 14)


def test_the_page_opens_what_agents_said_and_a_session_that_is_still_empty(manager, repository_at):
    agent(manager(), [calls("weather", city="Rome")], "It is sunny.")("How is Rome?")
    manager("empty")
    site = Site(repository_at)
    cached.connection.clear()
    st.cache_data.clear()
    try:
        shown = " ".join(each.value for each in site.open("ann", "s").markdown)
        for words in ("Calls `weather` with", "sunny in Rome", "It is sunny."):
            assert words in shown
        assert len(listed(site.open("ann", "empty"))) == 2
    finally:
        site.turns.close(timeout=0)
        cached.connection.clear()


def test_two_agents_of_a_session_have_their_own_history_state_and_configuration(manager, address):
    together = manager()
    clerk = agent(together, "clerk speaks", agent_id="clerk", system_prompt="You are a clerk.", state={"case": 1})
    boss = agent(together, "boss speaks", agent_id="boss")
    clerk("hello clerk")
    boss("hello boss")
    clerk.state.set("case", 2)
    clerk("again")
    later = manager()
    restored = agent(later, agent_id="clerk", system_prompt="You are the chief clerk.")
    assert restored.messages == clerk.messages
    assert restored.state.get() == {"case": 2}
    assert agent(later, agent_id="boss").messages == boss.messages
    restored("new times")
    with Store.open(address, user="ann") as store:
        agents = {each.agent_id: each for each in store.session("s").agents()}
    assert {name: each.message_count for name, each in agents.items()} == {"clerk": 6, "boss": 2}
    assert (agents["clerk"].model, agents["clerk"].system) == ("scripted-1", "You are the chief clerk.")


@pytest.mark.parametrize(
    "make",
    [
        lambda: SlidingWindowConversationManager(window_size=4),
        lambda: SummarizingConversationManager(summary_ratio=0.5, preserve_recent_messages=2),
    ],
    ids=["sliding window", "summarising"],
)
def test_a_shortened_history_comes_back_as_it_was(manager, make):
    speaker = agent(manager(), "answer", conversation_manager=make())
    for i in range(5):
        speaker(f"question {i}")
    if isinstance(speaker.conversation_manager, SummarizingConversationManager):
        speaker.conversation_manager.reduce_context(speaker)
        speaker("question 5")
    again = agent(manager(), conversation_manager=make())
    assert again.messages == speaker.messages
    assert again.conversation_manager.get_state() == speaker.conversation_manager.get_state()
    assert again.conversation_manager.removed_message_count > 0


class Broken(ScriptedModel):
    """Fails when it is asked."""

    async def stream(self, *_, **__):
        raise RuntimeError("no network")
        yield


def graph_of(session_manager, **models):
    builder = GraphBuilder().set_session_manager(session_manager).set_max_node_executions(10)
    for name, model in models.items():
        builder.add_node(agent(None, model=model, name=name), name)
    builder.add_edge("first", "second")
    return builder.build()


def test_a_graph_that_broke_off_goes_on_where_it_was(manager):
    first = ScriptedModel("first done")
    with pytest.raises(RuntimeError):
        graph_of(manager(), first=first, second=Broken())("work")
    assert len(first.prompts) == 1
    first, second = ScriptedModel("first again"), ScriptedModel("second done")
    again = graph_of(manager(), first=first, second=second)
    again("work")
    assert (len(first.prompts), len(second.prompts)) == (0, 1)
    assert manager().read_multi_agent("s", again.id) == again.serialize_state()


def test_a_swarm_keeps_its_state(manager):
    swarm = Swarm([agent(None, "swarm done", name="one")], session_manager=manager())
    swarm("work")
    assert manager().read_multi_agent("s", swarm.id) == swarm.serialize_state()


INTERRUPTED = """
import sys
from strands import Agent, tool
from strands.types.tools import ToolContext
from strands_model import ScriptedModel, calls
from botchat.strands import BotchatSessionManager

@tool(context=True)
def pay(amount: int, tool_context: ToolContext) -> str:
    '''Pay.'''
    return f"{amount} paid: {tool_context.interrupt('approval', reason={'amount': amount})}"

with BotchatSessionManager("s", store=sys.argv[1], user="ann") as manager:
    script = (calls("pay", amount=2**70), "Done.") if sys.argv[2] == "ask" else ("Done.",)
    agent = Agent(model=ScriptedModel(*script), tools=[pay], session_manager=manager, callback_handler=None)
    if sys.argv[2] == "ask":
        result = agent("Pay.")
        print(result.stop_reason, result.interrupts[0].reason)
    else:
        interrupts = agent._interrupt_state.interrupts
        answers = [{"interruptResponse": {"interruptId": i, "response": "yes"}} for i in interrupts]
        print(agent(answers).stop_reason, agent.messages[2]["content"][0]["toolResult"]["content"])
"""


def test_an_interrupt_is_answered_in_another_process(address):
    asked, _ = run(INTERRUPTED, address, "ask").communicate(timeout=60)
    assert asked.split() == ["interrupt", "{'amount':", f"{2**70}}}"]
    answered, _ = run(INTERRUPTED, address, "answer").communicate(timeout=60)
    assert answered.strip() == f"end_turn [{{'text': '{2**70} paid: yes'}}]"


# Everything survives

ODD = {
    "text": "half a character: \ud83d, two halves: \ud83d\ude00, NUL: \0",
    "big": 2**200,
    "bytes": b"\0\xff",
    "a.b": {"$set": {"": 1}, "\ud800": "key"},
    "looks like Strands' encoding": {"__bytes_encoded__": True, "data": "aGk="},
    "looks like ours": [{"$bytes": "aGk="}, {"$pairs": []}, {"$file": "x"}, {"$text": {"$text": 1}}],
    "keys": {1: "one", None: "none"},
    "none": [None, True, 1.5, [], {}],
}


def test_any_content_comes_back_equal(manager):
    image = {"image": {"format": "png", "source": {"bytes": b"\x89PNG" + bytes(50_000)}}}
    content = [
        {"text": "words \0 \ud83d"},
        {"reasoningContent": {"reasoningText": {"text": "thought", "signature": "s"}}},
        {"reasoningContent": {"redactedContent": b"\1\2"}},
        image,
        {"document": {"format": "pdf", "name": "a paper", "source": {"bytes": b"%PDF"}}},
        {"toolUse": {"toolUseId": "1", "name": "t", "input": ODD}},
        {"toolResult": {"toolUseId": "1", "status": "success", "content": [{"json": ODD}, image]}},
    ]
    given = SessionMessage.from_message({"role": "user", "content": content, "more": ODD}, 0)
    writer = manager()
    agent(writer, agent_id="a\0\ud83d")
    writer.create_message("s", "a\0\ud83d", given)
    (read,) = manager().list_messages("s", "a\0\ud83d")
    assert read == given
    (message,) = writer._session("s").messages("a\0\ud83d")
    assert [(file.name, file.is_image) for file in message.files] == [
        ("file.png", True),
        ("a paper", False),
        ("file.png", True),
    ]
    assert message.reasoning_content == "thought"


@pytest.mark.parametrize(
    "name", ["", "a/b ü\n", "with\0nul", "half \ud83d", "json:x", 'json:"x"', "multi-agent:x", "$a.b"]
)
def test_an_id_is_any_text(manager, name):
    agent_id = name.replace("/", "")  # Strands itself takes no slash there
    agent(manager(name), "hi", agent_id=agent_id)("hello")
    assert len(agent(manager(name), agent_id=agent_id).messages) == 2
    assert manager(name).session.session_id == name


def test_state_of_every_kind_persists(manager):
    first = agent(manager())
    first.state.set("a.b", {"$x": [1, "\0"]})
    first._model_state = {"response_id": "r", "raw": b"\1"}
    first("hello")
    again = agent(manager())
    assert again.state.get() == first.state.get()
    assert again._model_state == {"response_id": "r", "raw": b"\1"}


def test_what_the_library_began_goes_on_in_strands_and_back(manager, address):
    with Store.open(address, user="ann") as store:
        session = store.session("s")
        session.add_agent("clerk", state={"case": 1})
        session.append("user", "hello", agent_id="clerk")
        session.append("assistant", "hi", agent_id="clerk")
        speaker = agent(manager(), "answer", agent_id="clerk")
        assert [message["content"] for message in speaker.messages] == [[{"text": "hello"}], [{"text": "hi"}]]
        assert speaker.state.get() == {"case": 1}
        speaker("go on")
        session.redact(agent_id="clerk")
        assert [message.content for message in session.messages("clerk")] == ["hello", "hi", "go on", "[redacted]"]
    again = agent(manager(), agent_id="clerk")
    assert [message["content"][0]["text"] for message in again.messages] == ["hello", "hi", "go on", "[redacted]"]


# Redaction


def everything_in(address: str, repository) -> bytes:
    if not address.startswith("mongodb"):
        return Path(address).read_bytes()
    database = repository._database
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
from strands_model import agent

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
from strands_model import agent
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
    class Away:
        """A store that is away for the next call."""

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
    session._repository = Away(session._repository)
    speaker("one")
    session._repository.away = True
    with pytest.raises(StoreUnavailable):
        speaker("two")
    session._repository.away = False
    speaker("three")
    texts = [message.message["content"][0]["text"] for message in manager().list_messages("s", "default")]
    assert texts == ["one", "answer", "two", "three", "answer"]


# Repository


def test_a_user_sees_their_sessions_and_another_users_id_is_taken(manager, address):
    agent(manager(user="ann"), "hi")("hello")
    with Store.open(address, user="ann") as store:
        assert [summary.name for summary in store.page().sessions] == ["hello"]
        assert store.page(user="bob").sessions == ()
    with pytest.raises(SessionException, match="in use"):
        manager(user="bob")


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
