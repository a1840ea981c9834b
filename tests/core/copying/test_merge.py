"""Copies between stores whose sessions went on in both: no word is lost, and a second copy changes nothing."""

from datetime import UTC, datetime, timedelta

import mongomock
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.stores.attachments import BIG, SMALL, file_of
from support.stores.damage import change_message
from support.stores.sessions import stored, user_says

from botchat.core.admin import Admin
from botchat.core.copying import copied
from botchat.core.copying.merge import merged
from botchat.core.errors import DamagedRecord, InvalidInput
from botchat.core.importing import SessionImporter
from botchat.core.models import REDACTED, ROOT, Message, Session, SessionFilter, branch_of, now, redaction_changes
from botchat.core.retention import Retention
from botchat.core.storage import session_from_record, session_to_record
from botchat.core.storage.keyed.repository import KeyedRepository
from botchat.core.storage.mongo.repository import MongoRepository
from botchat.core.storage.sqlite.repository import SqliteRepository

START = datetime(2026, 1, 1, 12, tzinfo=UTC)
EVERYTHING = SessionFilter(state=None)


@pytest.fixture
def target(tmp_path):
    target = SqliteRepository(tmp_path / "target.db")
    target.prepare()
    yield target
    target.close()


def copy(source, target) -> list:
    return list(Admin(source.for_admins(), Retention()).copy_to(Admin(target.for_admins(), Retention())))


def records(repository) -> list:
    return list(repository.for_admins().records(EVERYTHING))


def says(repository, session: Session, *words: str, **more) -> None:
    held = repository.get(session.user, session.id)
    for word in words:
        repository.append(held, user_says(word, **more))


def words(repository, session: Session) -> list[str]:
    return [message.content for message in repository.get(session.user, session.id).messages]


def shown(repository, session: Session) -> list[str]:
    held = repository.get(session.user, session.id)
    return [message.content for message in branch_of(held.messages, held.head)]


def skip_without_agents(repository) -> None:
    if isinstance(getattr(repository, "_database", None), mongomock.Database):
        pytest.skip("mongomock has no array filters")


def forked(repository, target) -> Session:
    """A session that both stores have."""
    session = stored(repository, messages=2)
    assert [one.became for one in copy(repository, target)] == ["made"]
    return session


@pytest.mark.parametrize(("here", "there"), [(1, 1), (3, 1), (1, 3)])
def test_what_was_written_in_both_stores_becomes_two_branches_with_the_newer_shown(repository, target, here, there):
    session = forked(repository, target)
    says(target, session, *(f"there {i}" for i in range(there)))
    says(repository, session, *(f"here {i}" for i in range(here)), create_time=now() + timedelta(seconds=1))
    (result,) = copy(repository, target)
    assert result.became == "merged"
    assert "branches" in result.note
    common = ["message 0", "message 1"]
    own, added = [f"there {i}" for i in range(there)], [f"here {i}" for i in range(here)]
    assert words(target, session) == [*common, *own, *added]
    assert shown(target, session) == [*common, *added]
    before = records(target)
    assert [one.became for one in copy(repository, target)] == ["kept"]
    assert records(target) == before


def test_the_branch_of_the_target_stays_shown_where_it_is_newer(repository, target):
    session = forked(repository, target)
    says(repository, session, "here", create_time=START)
    says(target, session, "there")
    copy(repository, target)
    assert words(target, session) == ["message 0", "message 1", "there", "here"]
    assert shown(target, session) == ["message 0", "message 1", "there"]


def test_there_and_back_both_stores_have_everything(repository, target):
    session = forked(repository, target)
    says(target, session, "there")
    says(repository, session, "here")
    for _ in range(2):
        copy(repository, target)
        copy(target, repository)
    assert sorted(words(target, session)) == sorted(words(repository, session))
    assert [one.became for one in copy(repository, target) + copy(target, repository)] == ["kept", "kept"]


def test_a_redaction_wins_whichever_side_it_is_on(repository, target):
    for redacting in (repository, target):
        session = stored(repository, messages=2)
        copy(repository, target)
        changes = redaction_changes()
        held = redacting.get("ann", session.id)
        redacting.update("ann", session.id, name=REDACTED)
        redacting.update_message("ann", session.id, held.messages[0].id, **changes)
        for other in (repository, target):
            says(other, session, "later")
        copy(repository, target)
        assert words(target, session)[:2] == [REDACTED, "message 1"]
        assert target.get("ann", session.id).name == REDACTED


def test_a_title_keeps_the_messages_that_it_was_made_of_and_a_persons_name_has_none(repository, target):
    session = stored(repository, messages=2)
    ids = [message.id for message in session.messages]
    copy(repository, target)
    assert repository.rename_from("ann", session.id, "message 0", "Herons", ids)
    copy(repository, target)
    assert (target.get("ann", session.id).name, target.get("ann", session.id).title_of) == ("Herons", ids)
    target.update("ann", session.id, name="Birds")
    copy(target, repository)
    assert (repository.get("ann", session.id).name, repository.get("ann", session.id).title_of) == ("Birds", [])


def test_a_finished_reply_wins_over_the_same_reply_while_it_was_streaming(repository, target):
    session = stored(repository)
    reply = Message(role="assistant", content="The ans", status="streaming", heartbeat=now())
    repository.append(session, reply)
    copy(repository, target)
    target.update_message("ann", session.id, reply.id, status="interrupted", heartbeat=None)
    repository.update_message("ann", session.id, reply.id, content="The answer", status=None, heartbeat=None)
    assert [one.became for one in copy(repository, target)] == ["updated"]
    assert target.get("ann", session.id).messages[-1] == repository.get("ann", session.id).messages[-1]
    back = [one.became for one in copy(target, repository)]
    assert back == ["kept"]


def test_different_words_of_one_message_are_both_kept(repository, target):
    session = forked(repository, target)
    first = session.messages[0].id
    repository.update_message("ann", session.id, first, content="as it is here")
    target.update_message("ann", session.id, first, content="as it is there")
    (result,) = copy(repository, target)
    assert (result.became, first in result.note) == ("merged", True)
    held = target.get("ann", session.id).messages
    assert [m.content for m in held] == ["as it is there", "message 1", "as it is here"]
    assert held[-1].parent == ROOT
    assert [one.became for one in copy(repository, target)] == ["kept"]
    copy(target, repository)
    assert sorted(words(repository, session)) == sorted(words(target, session))
    assert {one.became for one in copy(repository, target) + copy(target, repository)} == {"kept"}
    repository.update_message("ann", session.id, first, **redaction_changes())
    copy(repository, target)
    assert set(words(target, session)) == {REDACTED, "message 1"}


def test_an_agents_message_with_different_words_is_refused_and_named(repository, target):
    skip_without_agents(repository)
    session = Session(user="ann", bot_id="a", agents=[{"agent_id": "one", "message_count": 0}])
    repository.for_agents().create(session)
    message = user_says("first", agent_id="one")
    repository.append(session, message, {})
    copy(repository, target)
    target.update_message("ann", session.id, message.id, content="other")
    before = records(target)
    (result,) = copy(repository, target)
    assert (result.became, message.id in result.problem) == ("refused", True)
    assert records(target) == before


def test_agents_of_both_stores_are_counted_with_all_their_messages(repository, target):
    skip_without_agents(repository)
    session = Session(user="ann", bot_id="a", agents=[{"agent_id": "one", "message_count": 0}])
    repository.for_agents().create(session)
    assert [one.became for one in copy(repository, target)] == ["made"]
    for store, tokens in ((repository, 5), (target, 7)):
        held = store.get("ann", session.id)
        store.append(held, user_says("x", agent_id="one", usage={"total_tokens": tokens}), {"state": f"{tokens}"})
    copy(repository, target)
    held = target.get("ann", session.id)
    assert (held.agents[0]["message_count"], held.totals) == (2, {"total_tokens": 12})
    assert held.agents[0]["state"] == "7"


def test_what_a_person_changed_of_the_session_last_is_kept(repository, target):
    session = forked(repository, target)
    repository.update("ann", session.id, name="older", tags=["a"], metadata={"x": 1, "y": 1})
    target.update("ann", session.id, tags=["b"], metadata={"x": 2, "z": 2})
    says(repository, session, "more")
    copy(repository, target)
    held = target.get("ann", session.id)
    assert (held.name, held.tags, held.metadata) == ("older", ["a"], {"x": 1, "y": 1, "z": 2})


def test_the_trash_takes_no_message_that_its_deleter_never_saw(repository, target):
    session = forked(repository, target)
    says(repository, session, "here")
    target.delete("ann", session.id)
    copy(repository, target)
    held = target.get("ann", session.id)
    assert (held.state, held.expire_time, held.deleted_time) == ("active", None, None)
    repository.delete("ann", session.id)
    copy(repository, target)
    assert target.get("ann", session.id).state == "trash"
    assert target.get("ann", session.id).expire_time == repository.get("ann", session.id).expire_time


def test_a_copy_leaves_the_mark_of_a_running_turn_where_it_runs(repository, target):
    session = Session(user="ann", bot_id="b")
    repository.append(session, user_says("in the source"), turn="there")
    copy(repository, target)
    assert target.get("ann", session.id).turn is None
    target.append(target.get("ann", session.id), user_says("in the target"), turn="here")
    repository.append(session, user_says("in the source again"), turn="there")
    copy(repository, target)
    assert repository.get("ann", session.id).turn.holder == "there"
    assert target.get("ann", session.id).turn.holder == "here"
    assert {result.became for result in copy(repository, target)} == {"kept"}


def test_another_users_session_of_that_id_stays_as_it_is(repository, target):
    source, target = KeyedRepository(repository), KeyedRepository(target)
    session = stored(source, "ann", id="same", name="ann's")
    theirs = stored(target, "bob", id="same", name="bob's")
    assert [(result.session_id, result.became) for result in copy(source, target)] == [("same", "made")]
    assert target.get("ann", "same").messages == session.messages
    assert target.get("bob", "same") == theirs
    assert {result.became for result in copy(source, target)} == {"kept"}
    assert {result.became for result in copy(target, source)} == {"made", "kept"}
    assert source.get("bob", "same").messages == theirs.messages


def test_files_of_both_stores_are_kept(repository, target):
    session = forked(repository, target)
    for store, data in ((repository, BIG), (target, BIG[:-1])):
        says(store, session, "with files", files=[file_of(data), file_of(SMALL)])
    copy(repository, target)
    held = target.get("ann", session.id).messages[2:]
    found = [target.file("ann", session.id, file.id) for message in held for file in message.files]
    assert found == [BIG[:-1], SMALL, BIG, SMALL]


class Interrupted:
    """A target in which another program writes between the moment when a record is read and when it is written."""

    def __init__(self, sessions, write) -> None:
        self._sessions = sessions
        self._write = write

    def __getattr__(self, name):
        return getattr(self._sessions, name)

    def replace(self, record, rev):
        if self._write is not None:
            write, self._write = self._write, None
            write()
        return self._sessions.replace(record, rev)


def test_what_is_written_in_the_target_during_the_copy_is_kept(repository, tmp_path):
    source = SqliteRepository(tmp_path / "source.db")
    source.prepare()
    session = stored(repository, messages=2)
    copy(repository, source)
    says(source, session, "from the source")
    during = Interrupted(repository.for_admins(), lambda: says(repository, session, "meanwhile"))
    (record,) = records(source)
    assert copied(record, during).became == "merged"
    assert words(repository, session) == ["message 0", "message 1", "meanwhile", "from the source"]
    source.close()


def test_a_replacement_needs_the_rev_that_was_read(repository):
    session = stored(repository, messages=2)
    (record,) = records(repository)
    assert not repository.for_admins().replace(record | {"name": "x"}, 7)
    assert not repository.for_admins().replace(record | {"user": "bob"}, 1)
    assert records(repository) == [record]
    assert repository.for_admins().replace(record | {"name": "x", "rev": 2}, 1)
    assert repository.get("ann", session.id).name == "x"


# Random histories

message_words = st.sampled_from(["a", "ab", "abc", "b", "", "x y"])
steps = st.lists(
    st.tuples(
        st.sampled_from(["say", "branch", "stream", "edit", "redact", "rename", "trash"]),
        st.integers(0, 9),
        message_words,
    ),
    max_size=6,
)


def play(session: Session, history, at: datetime) -> Session:
    """Let a session go on by these steps, each a second after the one before."""
    for kind, place, content in history:
        at += timedelta(seconds=1)
        message = session.messages[place % len(session.messages)]
        match kind:
            case "say" | "branch" | "stream":
                status = "streaming" if kind == "stream" else None
                parent = message.id if kind == "branch" else None
                role = "assistant" if kind == "stream" else "user"
                said = Message(role=role, content=content, create_time=at, parent=parent, status=status)
                session.messages.append(said)
                session.head = None
            case "edit" if not message.redacted_time:
                message.content, message.status = content, None
            case "redact" if not message.redacted_time:
                session.name = REDACTED if session.name and session.name in message.content else session.name
                message.content, message.redacted_time, message.status = REDACTED, at, None
            case "rename":
                session.name = f"named {content}"
            case "trash":
                session.state, session.deleted_time = "trash", at
        session.rev += 1
        session.update_time = at
    return session


def parents(messages) -> dict[str, str]:
    found, before = {}, ROOT
    for message in messages:
        found[message["id"]] = message.get("parent") or before
        before = message["id"]
    return found


@settings(max_examples=400, deadline=None)
@given(common=steps, ours=steps, theirs=steps, ahead=st.integers(-5, 5))
def test_no_word_of_two_histories_with_a_common_beginning_is_lost(common, ours, theirs, ahead):
    first = Session(user="ann", bot_id="b", create_time=START, messages=[user_says("first", create_time=START)], rev=1)
    first.update_time = START
    begun = session_to_record(play(first, common, START))
    at = START + timedelta(minutes=1)
    held = session_to_record(play(session_from_record(begun), ours, at))
    given_ = session_to_record(play(session_from_record(begun), theirs, at + timedelta(seconds=ahead)))
    merge = merged(held, given_)
    record = merge.record
    again = merged(record, given_)
    assert not again.is_changed
    assert again.record == record
    order = [message["id"] for message in held["messages"]]
    assert [message["id"] for message in record["messages"]][: len(order)] == order
    found = {message["id"]: message for message in record["messages"]}
    assert len(found) == len(record["messages"]) == record["message_count"]
    for side in (held, given_):
        for message in side["messages"]:
            one = found[message["id"]]
            versions = [
                m for m in record["messages"] if m["id"] == message["id"] or m.get("version_of") == message["id"]
            ]
            is_redacted = one.get("redacted_time") is not None
            assert is_redacted or any(m["content"].startswith(message["content"]) for m in versions)
            assert not (message.get("redacted_time") and not is_redacted)
            assert not is_redacted or {m["content"] for m in versions} == {REDACTED}
    for side in (held, given_):
        of_side, of_all = parents(side["messages"]), parents(record["messages"])
        assert {message_id: of_all[message_id] for message_id in of_side} == of_side
    assert record["rev"] > held["rev"] or not merge.is_changed
    back = merged(given_, record)
    third = merged(record, back.record)
    assert merged(back.record, third.record).is_changed is False
    if not ours and theirs and all(kind != "edit" for kind, _, _ in theirs):
        assert {**record, "rev": 0} == {**given_, "rev": 0}


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(common=steps, ours=steps, theirs=steps)
def test_random_histories_are_copied_between_the_stores_and_a_second_copy_changes_nothing(
    repository, target, common, ours, theirs
):
    for store in (repository, target):
        for record in records(store):
            store.purge(record["user"], record["_id"])
    first = Session(user="ann", bot_id="b", create_time=START, messages=[user_says("first", create_time=START)], rev=1)
    begun = session_to_record(play(first, common, START))
    for store, history in ((repository, ours), (target, theirs)):
        at = START + timedelta(minutes=1)
        assert store.for_admins().put(session_to_record(play(session_from_record(begun), history, at))) == "made"
    ids = {
        message["id"]
        for store in (repository, target)
        for (record,) in [records(store)]
        for message in record["messages"]
    }
    copy(repository, target)
    (record,) = records(target)
    assert ids <= {message["id"] for message in record["messages"]}
    assert [one.became for one in copy(repository, target)] == ["kept"]
    assert records(target) == [record]


def test_an_agents_conflict_is_an_error_of_the_merge():
    message = user_says("a", agent_id="one", create_time=START)
    one = session_to_record(Session(user="ann", bot_id="b", messages=[message], rev=1))
    other = one | {"messages": [one["messages"][0] | {"content": "b"}]}
    with pytest.raises(InvalidInput, match="of an agent"):
        merged(one, other)


def test_an_import_that_replaces_a_session_keeps_the_messages_that_only_the_store_has(repository):
    session = stored(repository, messages=2, name="in the file")
    (exported,) = records(repository)
    says(repository, session, "said since", create_time=now() + timedelta(seconds=1))
    repository.update("ann", session.id, name="in the store")
    importer = SessionImporter(Admin(repository.for_admins(), Retention()), "replace")
    assert list(importer.load([exported])) == [session.id]
    assert words(repository, session) == ["message 0", "message 1", "said since"]
    assert shown(repository, session) == ["message 0", "message 1"]
    assert repository.get("ann", session.id).name == "in the file"


def test_an_import_that_replaces_a_damaged_session_restores_it(tmp_path):
    path = tmp_path / "botchat.db"
    repository = SqliteRepository(path)
    repository.prepare()
    session = stored(repository, messages=2)
    (exported,) = records(repository)
    says(repository, session, "said since")
    change_message(path, session.id, lambda _: b"", position=1)
    assert isinstance(records(repository)[0], DamagedRecord)
    assert list(SessionImporter(Admin(repository.for_admins(), Retention()), "replace").load([exported])) == [
        session.id
    ]
    assert {"message 0", "message 1", "said since"} <= set(words(repository, session))
    repository.close()


def test_data_of_a_file_that_the_target_has_lost_come_back(repository, tmp_path):
    target = SqliteRepository(tmp_path / "other.db")
    target.prepare()
    file = file_of(BIG)
    session = stored(repository)
    says(repository, session, "with a file", files=[file])
    copy(repository, target)
    with target._file.writing() as db:
        db.execute("DELETE FROM files")
    (back,) = copy(target, repository)
    assert (back.became, "missing" in back.problem) == ("kept", True)
    assert repository.file("ann", session.id, file.id) == BIG
    assert [one.became for one in copy(repository, target)] == ["updated"]
    assert target.file("ann", session.id, file.id) == BIG
    target.close()


def test_long_sessions_whose_older_messages_lie_in_blocks_are_merged(repository, tmp_path):
    source = SqliteRepository(tmp_path / "source.db")
    source.prepare()
    session = Session(user="ann", bot_id="b", messages=[user_says(f"{i} " + "x" * 20_000) for i in range(40)])
    source.save(session)
    copy(source, repository)
    says(source, session, "from the source")
    says(repository, session, "meanwhile")
    first = session.messages[0].id
    source.update_message("ann", session.id, first, **redaction_changes())
    (result,) = copy(source, repository)
    assert result.became == "merged"
    (record,) = records(repository)
    contents = [message["content"] for message in record["messages"]]
    assert (contents[0], contents[40:]) == (REDACTED, ["meanwhile", "from the source"])
    assert [one.became for one in copy(source, repository)] == ["kept"]
    if isinstance(repository, MongoRepository):
        keys = repository._database["session_blocks"].distinct("key")
        assert len(keys) == 1
    source.close()
