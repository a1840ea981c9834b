"""The API while another process of the server waits for the first delta of a reply."""

import pytest
from support.api.client import Client
from support.fakes import DONE, Gate, ScriptedBot

from botchat.api.dependencies import Services
from botchat.core.chat import Chat
from botchat.core.turn import Turns


@pytest.fixture
def elsewhere(store):
    """Another process on the same store, whose bot never responds."""
    turns = Turns({"b": ScriptedBot(Gate())}, checkpoint_seconds=0.1)
    yield Chat(store, turns, default_bot="b")
    turns.close(timeout=0)


@pytest.fixture
def client(chat_with):
    client = Client(Services(chat=chat_with("Yes.", DONE), sole_user="ann"))
    client.base_url = "http://127.0.0.1"
    return client


def test_a_second_question_is_refused_and_the_answer_is_stopped_before_its_first_words(client, elsewhere, store):
    session = elsewhere.new_session("ann")
    reply = elsewhere.send("ann", session, "first")
    refused = client.say(session.id, "second")
    assert (refused.status_code, refused.json()["code"]) == (409, "reply_running")
    stopped = client.post(f"/session/{session.id}/stop")
    assert (stopped.status_code, stopped.json()["status"]) == (200, "stopped")
    assert reply.wait(30)
    assert [m.status for m in store.get("ann", session.id).messages] == [None, "stopped"]
    assert client.post(f"/session/{session.id}/stop").status_code == 204
