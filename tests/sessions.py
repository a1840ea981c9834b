"""Sessions as the tests of the stores need them."""

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from botchat.core.models import Message, Session

any_text = st.text(st.characters(), max_size=200)
on_one_store = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=40)


def user_says(content: str = "hello", **more) -> Message:
    return Message(role="user", content=content, **more)


def stored(repository, user: str = "ann", messages: int = 1, **more) -> Session:
    """A session of that many messages, as the store has it."""
    session = Session(user=user, **({"bot_id": "demo"} | more))
    session.messages = [user_says(f"message {i}") for i in range(messages)]
    repository.save(session)
    return session
