"""Topics detected by embeddings: what is requested, what is stored, and that a failure has no effect."""

import logging
import math
import queue

import pytest
from support.bots.asked_bot import bot_at
from support.bots.stub_server import StubBot, refused, streamed, whole

from botchat.core.chat import Chat, topic_starts
from botchat.core.models import Message
from botchat.core.storage import SessionRepository
from botchat.core.turn import Turns
from botchat.core.turn.topic_embeddings import detect_topic

HERONS = ["Where do herons nest?", "Which fish suit them?", "Do storms disturb colonies?", "When does breeding start?"]
GOES_ON, TURNS = "Could winter kill chicks?", "Could herons ride the winter trains?"


class TopicRecorder:
    """A store that records which topics were stored, and whose preferences prevent the request."""

    def __init__(self, repository: SessionRepository) -> None:
        self._repository = repository
        self.heard: queue.Queue[str] = queue.Queue()

    def __getattr__(self, name: str):
        return getattr(self._repository, name)

    def update_message(self, user: str, session_id: str, message_id: str, **changes) -> None:
        self._repository.update_message(user, session_id, message_id, **changes)
        if "topic" in changes:
            self.heard.put(changes["topic"])


class LogCollector(logging.Handler):
    """Collects the log records."""

    def __init__(self, heard: queue.Queue[str]) -> None:
        super().__init__()
        self._heard = heard

    def emit(self, record: logging.LogRecord) -> None:
        self._heard.put(record.getMessage())


def embeddings_for(request):
    """Answer like a server that has one embedding for trains and another for everything else."""
    if not request.path.endswith("/embeddings"):
        return streamed(["It", " depends."])
    vectors = [[0.1, 1.0] if "train" in text else [1.0, 0.1 + len(text) / 1000] for text in request.body["input"]]
    data = [{"object": "embedding", "index": i, "embedding": vector} for i, vector in enumerate(vectors)]
    return whole({"object": "list", "data": data[::-1], "model": "places"})


def send_about_herons(repository, server, new: str, *, shown: bool = True, **config):
    """Say all about herons, then this, to a bot at that server; give the session and what was kept or logged of it."""
    store = TopicRecorder(repository)
    handler = LogCollector(store.heard)
    log = logging.getLogger("botchat.core.turn.topic_embeddings")
    log.addHandler(handler)
    bot = bot_at(server.url, **config)
    turns = Turns({"local": bot})
    chat = Chat(store, turns, default_bot="local")
    try:
        chat.set_preferences("ann", topics="shown" if shown else "hidden")
        session = chat.new_session("ann")
        for text in [*HERONS, new]:
            assert chat.send("ann", session, text).wait(30)
            session = chat.open("ann", session.id)
        heard = store.heard.get(timeout=30) if shown and "embedding_model" in config else None
        return repository.get("ann", session.id), heard
    finally:
        turns.close()
        log.removeHandler(handler)


@pytest.mark.parametrize(("new", "topic"), [(GOES_ON, "same"), (TURNS, "new")])
def test_the_server_tells_once_after_the_answer_whether_a_topic_begins_and_that_is_kept(repository, new, topic):
    with StubBot(embeddings_for) as server:
        session, kept = send_about_herons(repository, server, new, embedding_model="places")
    (asked,) = [request for request in server.requests if request.path == "/v1/embeddings"]
    assert asked.body["model"] == "places"
    assert asked.body["input"][-1] == new
    assert kept == topic
    question = session.messages[-2]
    assert [m.topic for m in session.messages if m.topic] == [question.topic] == [topic]
    assert (question.id in topic_starts(session.messages)) == (topic == "new")


def test_no_server_is_asked_with_topics_hidden_or_without_a_model(local_repository):
    for options in ({"shown": False, "embedding_model": "places"}, {"shown": True}):
        with StubBot(embeddings_for) as server:
            session, _ = send_about_herons(local_repository, server, TURNS, **options)
        assert {request.path for request in server.requests} == {"/v1/chat/completions"}
        assert not any(message.topic for message in session.messages)


@pytest.mark.parametrize(
    "answer",
    [
        refused(404, "no such model"),
        whole({"data": [{"index": 0, "embedding": [1.0]}]}),
        whole({"data": [{"index": 0, "embedding": "AAAA"}]}),
        whole("nothing"),
    ],
)
def test_a_server_that_fails_leaves_it_to_the_words_and_is_logged(local_repository, answer):
    def server_of(request):
        return answer if request.path.endswith("/embeddings") else streamed(["Yes."])

    with StubBot(server_of) as server:
        session, logged = send_about_herons(
            local_repository, server, "Book flights to Lisbon", embedding_model="places"
        )
    assert "using words instead: BotError: " in logged
    assert "no chat" not in logged  # which is not what was asked for
    assert session.messages[-2].topic is None
    assert session.messages[-2].id in topic_starts(session.messages)
    assert session.messages[-1].content == "Yes."


def test_how_near_is_near_enough_is_taken_from_the_conversation_itself():
    def at(*degrees: float) -> list[list[float]]:
        return [[math.cos(math.radians(angle)), math.sin(math.radians(angle))] for angle in degrees]

    places = [2, 4, 6, 8]
    calm, wide = at(0, 5, 2, 7, 0, 4, 3, 6, 50), at(0, 50, 90, 10, 40, 0, 70, 20, 80)
    assert detect_topic(places, calm) == "new"
    assert detect_topic(places, wide) == "same"
    assert detect_topic(places, at(*[0] * 8, 15)) == "same"


def test_a_verdict_counts_more_than_the_words():
    first, goes_on, turns = (
        Message(role="user", content="Where do herons nest?"),
        Message(role="user", content="Book flights to Lisbon", topic="same"),
        Message(role="user", content="Which flights to Lisbon?", topic="new"),
    )
    assert topic_starts([first, goes_on, turns]) == {turns.id}
