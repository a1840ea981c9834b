"""A change of topic as the bot's server tells it: what it is asked, what is kept, and whom it never disturbs."""

import logging
import math
import queue

import pytest
from support.bots.asked_bot import bot_at
from support.bots.stub_server import StubBot, refused, streamed, whole

from botchat.core.chat import Chat, topics_of
from botchat.core.models import Message
from botchat.core.storage import SessionRepository
from botchat.core.turn import Turns
from botchat.core.turn.topic_embeddings import topic_of

HERONS = ["Where do herons nest?", "Which fish suit them?", "Do storms disturb colonies?", "When does breeding start?"]
GOES_ON, TURNS = "Could winter kill chicks?", "Could herons ride the winter trains?"


class Kept:
    """A store that tells which topics were kept, and which sessions' topics were not even to be asked for."""

    def __init__(self, repository: SessionRepository) -> None:
        self._repository = repository
        self.heard: queue.Queue[str] = queue.Queue()

    def __getattr__(self, name: str):
        return getattr(self._repository, name)

    def update_message(self, user: str, session_id: str, message_id: str, **changes) -> None:
        self._repository.update_message(user, session_id, message_id, **changes)
        if "topic" in changes:
            self.heard.put(changes["topic"])


class Heard(logging.Handler):
    """Hears what is logged."""

    def __init__(self, heard: queue.Queue[str]) -> None:
        super().__init__()
        self._heard = heard

    def emit(self, record: logging.LogRecord) -> None:
        self._heard.put(record.getMessage())


def placed(request):
    """Answer as a server does that has trains in one place and all else in another."""
    if not request.path.endswith("/embeddings"):
        return streamed(["It", " depends."])
    vectors = [[0.1, 1.0] if "train" in text else [1.0, 0.1 + len(text) / 1000] for text in request.body["input"]]
    data = [{"object": "embedding", "index": i, "embedding": vector} for i, vector in enumerate(vectors)]
    return whole({"object": "list", "data": data[::-1], "model": "places"})


def said(repository, server, new: str, *, shown: bool = True, **config):
    """Say all about herons, then this, to a bot at that server; give the session and what was kept or logged of it."""
    store = Kept(repository)
    handler = Heard(store.heard)
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
    with StubBot(placed) as server:
        session, kept = said(repository, server, new, embedding_model="places")
    (asked,) = [request for request in server.requests if request.path == "/v1/embeddings"]
    assert asked.body["model"] == "places"
    assert asked.body["input"][-1] == new
    assert kept == topic
    question = session.messages[-2]
    assert [m.topic for m in session.messages if m.topic] == [question.topic] == [topic]
    assert (question.id in topics_of(session.messages)) == (topic == "new")


def test_who_wants_no_topics_shown_or_names_no_model_has_no_server_asked(local_repository):
    for options in ({"shown": False, "embedding_model": "places"}, {"shown": True}):
        with StubBot(placed) as server:
            session, _ = said(local_repository, server, TURNS, **options)
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
def test_a_server_that_can_not_tell_leaves_it_to_the_words_and_a_line_in_the_log(local_repository, answer):
    def server_of(request):
        return answer if request.path.endswith("/embeddings") else streamed(["Yes."])

    with StubBot(server_of) as server:
        session, logged = said(local_repository, server, "Book flights to Lisbon", embedding_model="places")
    assert "has its topic told by words: BotError: " in logged
    assert "no chat" not in logged  # which is not what was asked for
    assert session.messages[-2].topic is None
    assert session.messages[-2].id in topics_of(session.messages)
    assert session.messages[-1].content == "Yes."


def test_how_near_is_near_enough_is_taken_from_the_conversation_itself():
    def at(*degrees: float) -> list[list[float]]:
        return [[math.cos(math.radians(angle)), math.sin(math.radians(angle))] for angle in degrees]

    places = [2, 4, 6, 8]
    calm, wide = at(0, 5, 2, 7, 0, 4, 3, 6, 50), at(0, 50, 90, 10, 40, 0, 70, 20, 80)
    assert topic_of(places, calm) == "new"
    assert topic_of(places, wide) == "same"
    assert topic_of(places, at(*[0] * 8, 15)) == "same"


def test_a_verdict_counts_more_than_the_words():
    first, goes_on, turns = (
        Message(role="user", content="Where do herons nest?"),
        Message(role="user", content="Book flights to Lisbon", topic="same"),
        Message(role="user", content="Which flights to Lisbon?", topic="new"),
    )
    assert topics_of([first, goes_on, turns]) == {turns.id}
