"""Sessions for the tests of the stores."""

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from botchat.core.chat import Chat
from botchat.core.models import Message, Session

any_text = st.text(st.characters(), max_size=200)


def on_one_store(test):
    """Let all examples of a property share a store. A profile is chosen after this module is imported, so ask late."""
    health = [HealthCheck.function_scoped_fixture]
    examples = settings.default.max_examples * 2 // 5
    return settings(suppress_health_check=health, deadline=None, max_examples=examples)(test)


def user_says(content: str = "hello", **more) -> Message:
    return Message(role="user", content=content, **more)


def stored(repository, user: str = "ann", messages: int = 1, **more) -> Session:
    """A stored session with that many messages."""
    session = Session(user=user, **({"bot_id": "demo"} | more))
    session.messages = [user_says(f"message {i}") for i in range(messages)]
    repository.save(session)
    return session


def say(chat: Chat, session: Session, words: str) -> Message:
    reply = chat.send("ann", session, words)
    assert reply.wait(30)
    return reply.message
