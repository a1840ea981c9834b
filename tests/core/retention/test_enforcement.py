"""Sessions in use don't expire, and sessions that are due are archived."""

from datetime import timedelta

import pytest
from support.fakes import DONE, Gate, ScriptedBot
from support.stores.sessions import stored

from botchat.core.chat import Chat
from botchat.core.models import SessionFilter, now
from botchat.core.retention import Retention, Rule
from botchat.core.turn import Turns

DAY = timedelta(days=1)


@pytest.fixture
def chat_by(repository):
    made = []

    def make(*rules: Rule, bot: ScriptedBot | None = None) -> Chat:
        turns = Turns(
            {"demo": bot or ScriptedBot("Yes.", DONE, bot_id="demo")},
            retention=Retention(rules),
            checkpoint_seconds=0.05,
        )
        made.append(turns)
        return Chat(repository, turns, default_bot="demo")

    yield make
    for turns in made:
        turns.close(timeout=0)


def left(repository, session_id: str) -> float:
    return (repository.get("ann", session_id).expire_time - now()) / DAY


def test_the_end_of_a_session_is_moved_by_opening_it_but_not_at_every_look_nor_in_the_trash(repository, chat_by):
    chat = chat_by(Rule(older_than=10 * DAY, action="delete"))
    session, gone = stored(repository), stored(repository)
    repository.update("ann", session.id, expire_time=now() + timedelta(seconds=5))
    opened = chat.open("ann", session.id)
    assert 9.9 < left(repository, session.id) <= 10
    chat.open("ann", session.id)
    assert repository.get("ann", session.id).rev == opened.rev
    chat.delete("ann", gone.id)
    chat.open("ann", gone.id)
    assert left(repository, gone.id) > 29


def test_a_session_does_not_end_while_a_reply_is_coming_into_it(repository, chat_by):
    gate = Gate()
    chat = chat_by(
        Rule(older_than=timedelta(seconds=3), action="delete"), bot=ScriptedBot("Ye", gate, "s.", DONE, bot_id="demo")
    )
    session = chat.new_session("ann")
    reply = chat.send("ann", session, "Is it?")
    asked = repository.get("ann", session.id).expire_time
    assert asked is not None
    while repository.get("ann", session.id).expire_time <= asked:  # a tenth of the time has to pass
        assert not reply.ended
    gate.open()
    assert reply.wait(30)


def test_another_bot_means_its_rule(repository, chat_by):
    chat = chat_by(Rule(older_than=10 * DAY, action="delete", bot_id="demo"))
    session = stored(repository, bot_id="other")
    chat.update("ann", session.id, bot_id="demo")
    assert left(repository, session.id) > 9


def test_what_is_due_goes_to_the_archive_when_the_list_is_read_and_ends_when_it_was_to_end(repository, chat_by):
    everybody = repository.for_admins()
    old, pinned, new = stored(repository), stored(repository, pinned=True), stored(repository)
    ends = now() + 3 * DAY
    for session in (old, pinned):
        (record,) = everybody.records(SessionFilter(state=None, ids=(session.id,)))
        everybody.put(record | {"update_time": now() - 8 * DAY, "expire_time": ends}, replace=True)
    chat = chat_by(Rule(older_than=7 * DAY, action="archive"), Rule(older_than=10 * DAY, action="delete"))
    assert {session.id for session in chat.page("ann").sessions} == {pinned.id, new.id}
    archived = repository.get("ann", old.id)
    assert (archived.state, archived.expire_time) == ("archived", ends)
    assert chat.revision("ann") == 1
    chat.page("ann")
    assert chat.revision("ann") == 1
