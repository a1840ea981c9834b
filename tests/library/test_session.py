"""Sessions of the library on both stores: several agents, metadata, feedback, redaction and retention."""

import threading
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.stores.sessions import on_one_store

from botchat.core.models import now
from botchat.library import (
    AgentNotFound,
    InvalidInput,
    Message,
    MessageNotFound,
    Retention,
    Rule,
    SessionNotFound,
    Store,
)
from botchat.library.encoding import decode, encode

USAGE = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}


@pytest.fixture
def store(address):
    with Store.open(address, user="ann") as store:
        yield store


# Sessions and messages


def test_what_is_appended_is_read_back_in_another_process_by_the_same_id(store, address):
    session = store.session("a\0b")
    said = session.append("user", "hello")
    answer = session.append("assistant", "hi", agent_id="clerk", model="m", usage=USAGE, latency_ms=7)
    with Store.open(address, user="ann") as other:
        assert other.session("a\0b").messages() == [said, answer]
        assert other.session("a\0b").messages("clerk") == [answer]
        assert other.session("a\0b").messages(last=1) == [answer]
    with pytest.raises(InvalidInput):
        session.messages(last=0)


def test_agents_are_counted_by_the_append_itself(store):
    session = store.session()
    session.add_agent("clerk", model="m", system="Be brief.", state={"a.b": 2**70})
    for _ in range(3):
        session.append("assistant", "hi", agent_id="clerk", usage=USAGE, latency_ms=7)
    session.append("assistant", "hi", agent_id="boss", usage={"total_tokens": 1})
    session.append("user", "hello")
    session.update_agent("boss", model="n", state={"x": [b"1"]})
    clerk, boss = session.agents()
    assert (clerk.model, clerk.system, clerk.state, clerk.message_count) == ("m", "Be brief.", {"a.b": 2**70}, 3)
    assert (boss.model, boss.state, session.message_count("boss")) == ("n", {"x": [b"1"]}, 1)
    assert session.totals("clerk") == (30, 15, 45, 21)
    assert session.totals() == (30, 15, 46, 21)
    assert session.message_count() == 5
    assert not session.add_agent("clerk")
    for missing in (lambda: session.agent("nobody"), lambda: session.update_agent("nobody", model="m")):
        with pytest.raises(AgentNotFound):
            missing()


def test_writers_at_once_are_all_counted(store):
    session = store.session()
    session.add_agent("shared")

    def write() -> None:
        for _ in range(10):
            session.append("assistant", "hi", agent_id="shared", usage=USAGE)

    threads = [threading.Thread(target=write) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert session.message_count("shared") == len({m.id for m in session.messages()}) == 80
    assert session.totals("shared").total_tokens == session.totals().total_tokens == 80 * 15


def test_an_append_that_failed_can_be_made_again_and_is_counted_once(store):
    session = store.session()
    message = Message(role="user", content="hello", agent_id="clerk", usage=USAGE)
    session.append_message(message)
    session.append_message(message)
    assert session.message_count("clerk") == 1
    assert session.totals().total_tokens == 15


def test_the_newest_messages_of_an_agent_are_found_among_many_others(store):
    session = store.session()
    for i in range(5):
        session.append("user", f"mine {i}", agent_id="one")
    for i in range(30):
        session.append("user", f"other {i}", agent_id="two")
    assert [m.content for m in session.messages("one", last=2)] == ["mine 3", "mine 4"]
    agent, start, found = session.agent_history("one", 3, known_count=5)
    assert agent.message_count == 5
    assert [m["content"] for m in found[3 - start :]] == ["mine 3", "mine 4"]


def test_what_agents_write_is_kept_as_the_policy_says(address):
    year, month = timedelta(days=365), timedelta(days=30)
    rules = Rule(older_than=month, action="delete", user="ann", bot_id="agent"), Rule(older_than=year, action="delete")
    with Store.open(address, user="ann", retention=Retention(rules)) as store:

        def left(session_id: str, user: str = "ann") -> int | None:
            ends = store.repository.get(user, session_id).expire_time
            return None if ends is None else round((ends - now()) / timedelta(days=1))

        session = store.session("s")
        assert left("s") == 30
        for use in (lambda: session.append("user", "hello", agent_id="one"), lambda: store.session("s")):
            store.repository.update("ann", "s", expire_time=now() + timedelta(days=1))
            use()
            assert left("s") == 30
        store.session("b", user="bob").append("user", "hello")
        assert left("b", "bob") == 365
        store.repository.update("ann", "s", pinned=True, expire_time=None)
        session.append("user", "again", agent_id="one")
        assert left("s") is None
    with Store.open(address, user="ann") as store:
        store.repository.update("ann", "s", pinned=False, expire_time=now() + timedelta(days=1))
        store.session("s").append("user", "hello")
        assert left("s") is None  # no rule says an end any more


@pytest.mark.parametrize(
    "write",
    [
        lambda session: session.update_agent("one", state={"case": 1}),
        lambda session: session.update_group("graph", {"case": 1}),
        lambda session: session.update_metadata(case=1),
    ],
    ids=["agent", "group", "metadata"],
)
def test_a_session_in_which_an_agent_is_at_work_does_not_end(tmp_path, write):
    rule = Rule(older_than=timedelta(seconds=3), action="delete")
    with Store.open(str(tmp_path / "botchat.db"), user="ann", retention=Retention([rule])) as store:
        session = store.session("s")
        session.add_agent("one")
        session.add_group("graph", {})
        ends = store.repository.get("ann", "s").expire_time
        while store.repository.get("ann", "s").expire_time == ends:  # a tenth of the time has to pass
            write(session)
        assert store.repository.get("ann", "s").expire_time > ends


def test_another_user_has_a_session_of_the_same_id_for_themselves(store):
    session = store.session("s")
    session.append("user", "ann's")
    assert store.find("s", user="bob") is None
    store.session("s", user="bob").append("user", "bob's")
    assert [message.content for message in session.messages()] == ["ann's"]
    assert [message.content for message in store.session("s", user="bob").messages()] == ["bob's"]
    store.repository.purge("ann", "s")
    assert store.find("s", user="bob")
    with pytest.raises(SessionNotFound):
        session.append("user", "hello")


@given(
    value=st.recursive(
        st.none() | st.booleans() | st.integers() | st.binary() | st.text(st.characters(), max_size=9),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.text(st.characters(), max_size=4) | st.sampled_from(["$bytes", "$pairs"]), inner, max_size=3
            )
            | st.dictionaries(st.integers() | st.none(), inner, max_size=2)
        ),
        max_leaves=20,
    )
)
@on_one_store
def test_what_is_encoded_is_decoded_equal(value):
    assert decode(encode(value)) == value


# Metadata, feedback, redaction


def test_metadata_changes_in_part(store):
    session = store.session()
    session.update_metadata({"topic": "billing"}, customer={"id": 7})
    session.update_metadata(topic="refund")
    assert session.metadata() == {"topic": "refund", "customer": {"id": 7}}
    session.delete_metadata("customer", "never there")
    assert session.metadata() == {"topic": "refund"}
    for key in ("a.b", "$a", ""):
        with pytest.raises(InvalidInput):
            session.update_metadata({key: 1})
        with pytest.raises(InvalidInput):
            session.delete_metadata(key)


def test_feedback_is_kept_of_a_session_and_of_a_message(store):
    session = store.session()
    message = session.append("assistant", "hi")
    session.give_feedback("up", "good", message_id=message.id)
    session.give_feedback("down")
    session.give_feedback(None, "so so")
    assert [(given["rating"], given["comment"]) for given in session.feedback()] == [("down", ""), (None, "so so")]
    (read,) = session.messages()
    assert read.feedback | {"time": None} == {"rating": "up", "comment": "good", "time": None}
    assert read.feedback["time"].tzinfo is not None
    with pytest.raises(InvalidInput):
        session.give_feedback("left")
    with pytest.raises(MessageNotFound):
        session.give_feedback("up", message_id="none")


def test_a_redacted_message_is_gone_for_search_and_from_the_name(store):
    session = store.session()
    first = session.append("user", "the first s3cret")
    session.append("user", "the second s3cret", agent_id="clerk")
    session.append("user", "harmless")
    session.redact(agent_id="clerk")
    session.redact(first.id, content="[taken out]")
    assert [m.content for m in session.messages()] == ["[taken out]", "[redacted]", "harmless"]
    assert session.messages()[1].agent_id == "clerk"
    assert [s.name for s in store.page().sessions] == ["[redacted]"]
    session.redact()
    assert session.messages()[-1].redacted_time
    with pytest.raises(MessageNotFound):
        session.redact("none")
