"""Real Strands agents with a scripted model on both stores: alone, together and after a restart."""

import pytest
import streamlit as st
from strands.agent.conversation_manager import SlidingWindowConversationManager, SummarizingConversationManager
from strands.multiagent import GraphBuilder, Swarm
from strands.types.session import SessionMessage
from support.strands.model import ScriptedModel, agent, managers_at, run, tool_call
from support.web.tabs import Site, session_names

from botchat.core.models import Message, SessionFilter
from botchat.library import Store
from botchat.strands.text import text_of
from botchat.web import cache


@pytest.fixture
def manager(address):
    yield from managers_at(address)


# Turns


def test_an_agent_goes_on_where_it_was(manager):
    first = agent(manager(), tool_call("weather", city="Rome"), "It is sunny.", system_prompt="Be brief.")
    first("How is Rome?")
    again = agent(manager(), "Still sunny.")
    assert again.messages == first.messages
    assert len(again.messages) == 4
    again("And now?")
    assert agent(manager()).messages == again.messages


def test_what_an_agent_did_is_read_in_the_front_ends(manager, address, shell):
    agent(manager(), [tool_call("weather", city="Rome")], "It is sunny.")("How is Rome?")
    shown = shell.run("sessions", "show", "s", "--user", "ann").stdout
    for words in ("How is Rome?", "Calls `weather` with", '{"city": "Rome"}', "sunny in Rome", "It is sunny."):
        assert words in shown
    for number, name in enumerate(("You (to default)", "Bot (default)", "Tool (default)", "Bot (default)"), 1):
        assert f"## {number} · {name} · " in shown
    with Store.open(address, user="ann") as store:
        session = store.session("s")
        assert [m.role for m in session.messages()] == ["user", "assistant", "tool", "assistant"]
        assert session.messages()[1].usage == {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
        assert session.totals() == session.totals("default") == (20, 10, 30, 14)


def test_what_a_tool_returned_is_read_as_it_was_returned():
    image = {"image": {"format": "png", "source": {"bytes": b"\x89PNG"}}}
    elsewhere = {"image": {"format": "png", "source": {"location": {"type": "s3", "uri": "s3://x"}}}}
    returned = [{"text": "a few words"}, {"text": "__init__.py  *b*\n  c"}, {"json": {"a": 1}}, image, elsewhere]
    content = [{"toolResult": {"toolUseId": "1", "status": "error", "content": returned}}]
    expected = [
        "The tool failed:",
        "a few words",
        "```\n__init__.py  *b*\n  c\n```",
        '```json\n{"a": 1}\n```',
        "[image: png]",
    ]
    assert text_of({"role": "user", "content": content}) == "\n\n".join(expected)


def test_the_page_opens_what_agents_said_and_a_session_that_is_still_empty(manager, repository_at):
    agent(manager(), [tool_call("weather", city="Rome")], "It is sunny.")("How is Rome?")
    manager("empty")
    site = Site(repository_at)
    cache.connection.clear()
    st.cache_data.clear()
    try:
        page = site.open("ann", "s")
        shown = " ".join(each.value for each in page.markdown)
        names = [each.value.replace("\\", "") for each in page.caption if "default" in each.value]
        assert names == ["You (to default)", "Bot (default)", "Tool (default)", "Bot (default)"]
        for words in ("Calls `weather` with", "sunny in Rome", "It is sunny."):
            assert words in shown
        assert len(session_names(site.open("ann", "empty"))) == 2
    finally:
        site.turns.close(timeout=0)
        cache.connection.clear()


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
from support.strands.model import ScriptedModel, tool_call
from botchat.strands import BotchatSessionManager

@tool(context=True)
def pay(amount: int, tool_context: ToolContext) -> str:
    '''Pay.'''
    return f"{amount} paid: {tool_context.interrupt('approval', reason={'amount': amount})}"

with BotchatSessionManager("s", store=sys.argv[1], user="ann") as manager:
    script = (tool_call("pay", amount=2**70), "Done.") if sys.argv[2] == "ask" else ("Done.",)
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
        session.append("user", "hello \ud83d", agent_id="clerk")
        session.append_message(Message(role="assistant", content="hi", agent_id="clerk", payload='{"elsewhere": {}}'))
        speaker = agent(manager(), "answer", agent_id="clerk")
        assert [message["content"] for message in speaker.messages] == [[{"text": "hello \ud83d"}], [{"text": "hi"}]]
        assert speaker.state.get() == {"case": 1}
        speaker("go on")
        session.redact(agent_id="clerk")
        words = ["hello \ud83d", "hi", "go on", "[redacted]"]
        assert [message.content for message in session.messages("clerk")] == words
    again = agent(manager(), agent_id="clerk")
    assert [message["content"][0]["text"] for message in again.messages] == words


# Content that is no list of blocks

ODD_CONTENTS = [
    ("hello there", "hello there"),
    (["one", {"text": "two"}], "one\n\ntwo"),
    ("", ""),
    (None, ""),
    ({"text": "a block alone"}, "a block alone"),
    ([{"hologram": {"x": 1}}, 5, {"image": "x"}], "[unsupported content: hologram]\n\n[unsupported content: int]"),
    ([{"guardContent": {"text": {"text": "guarded", "qualifiers": ["query"]}}}, {"cachePoint": {}}], "guarded"),
    ("toolResult \ud83d", "toolResult \ufffd"),
    (["toolResult"], "toolResult"),
]


@pytest.mark.parametrize(("content", "words"), ODD_CONTENTS, ids=range(len(ODD_CONTENTS)))
def test_content_of_any_shape_is_read_by_people_and_comes_back_equal(manager, address, content, words):
    writer = manager()
    speaker = agent(writer)
    message = {"role": "user", "content": content}
    writer.append_message(dict(message), speaker)
    assert [read.message for read in manager().list_messages("s", "default")] == [message]
    with Store.open(address, user="ann") as store:
        (message,) = store.session("s").messages()
    assert message.content.startswith(words)
    assert message.role == "user"


def test_a_text_as_content_names_the_session_and_is_found_exported_and_redacted(manager, shell):
    writer = manager()
    speaker = agent(writer, "hi")
    writer.append_message({"role": "user", "content": "herons wade"}, speaker)
    assert "herons wade" in shell.run("sessions", "list", "--user", "ann").stdout
    assert shell.run("sessions", "search", "wade", "--user", "ann").stdout
    assert "herons wade" in shell.run("sessions", "export", "s", "-F", "md", "--user", "ann").stdout
    writer.redact_latest_message({"role": "user", "content": "[gone]"}, speaker)
    assert "herons" not in shell.run("sessions", "export", "s", "-F", "json", "--user", "ann").stdout
    assert [read.to_message()["content"] for read in manager().list_messages("s", "default")] == ["[gone]"]


def test_a_text_that_an_earlier_version_stored_without_words_is_read(manager, repository_at):
    writer = manager()
    speaker = agent(writer)
    writer.append_message({"role": "user", "content": "herons wade"}, speaker)
    session = repository_at.get("ann", "s")
    payload = session.messages[0].payload
    repository_at.update_message("ann", "s", session.messages[0].id, content="", payload=payload)
    assert repository_at.get("ann", "s").messages[0].content == "herons wade"
    assert agent(manager()).messages == [{"role": "user", "content": "herons wade"}]
    (record,) = repository_at.for_admins().records(SessionFilter(user="ann"))
    assert record["messages"][0]["content"] == ""
