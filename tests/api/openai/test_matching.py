"""Where the messages of a request belong in a session, whatever its branches and whatever a client has lost of them."""

from hypothesis import assume, given
from hypothesis import strategies as st
from support.bots.conversations import at_any_speed

from botchat.api.openai.matching import match_messages
from botchat.core.models import ROOT, Message, branch_of, valid_text

contents = st.sampled_from(["a", " a", "a\r\n", "a\nb", "a\rb", "b", "", " ", "\ud800", "\ufffd"])
roles = st.sampled_from(["user", "assistant", "assistant", "tool", "system"])


@st.composite
def sessions(draw) -> tuple[list[Message], str | None]:
    """All messages of a session with branches, and the last of them that is shown."""
    stored: list[Message] = []
    for _ in range(draw(st.integers(0, 10))):
        parents = st.none() | st.sampled_from([ROOT, *(message.id for message in stored)])
        stored.append(Message(role=draw(roles), content=draw(contents), parent=draw(parents)))
    head = draw(st.none() | st.sampled_from([message.id for message in stored])) if stored else None
    return stored, head


def as_sent(messages: list[Message]) -> list[tuple[str, str]]:
    """What a client holds of messages: those with words that it can get, in its own spelling."""
    texts = [
        (m.role, valid_text(m.content).strip().replace("\r\n", "\n").replace("\r", "\n"))
        for m in messages
        if m.role in {"user", "assistant"}
    ]
    return [(role, text) for role, text in texts if text]


def branch_after(stored: list[Message], head: str | None, sent: list[Message]) -> list[tuple[str, str]]:
    """The branch that is shown once a request is stored."""
    match = match_messages(stored, head, sent)
    if match.question is not None:
        return as_sent(branch_of(stored, match.question))
    first, *rest = match.new
    first.parent = match.parent
    return as_sent(branch_of([*stored, first, *rest]))


@given(session=sessions(), data=st.data())
@at_any_speed
def test_a_client_that_holds_any_branch_goes_on_in_it(session, data):
    stored, head = session
    assume(stored)
    end = data.draw(st.sampled_from([message.id for message in stored]))
    held = as_sent(branch_of(stored, end))
    assume(held)
    sent = [*held, ("user", "new")]
    assert branch_after(stored, head, [Message(role=role, content=text) for role, text in sent]) == sent
    match = match_messages(stored, head, [Message(role=role, content=text) for role, text in sent])
    assert [message.content for message in match.new] == ["new"]


@given(session=sessions(), earlier=st.lists(st.tuples(st.sampled_from(["user", "assistant"]), contents), max_size=6))
@at_any_speed
def test_whatever_a_client_sends_is_the_end_of_the_branch_that_is_shown_then(session, earlier):
    stored, head = session
    sent = [*(Message(role=role, content=text) for role, text in earlier), Message(role="user", content="a")]
    said = as_sent(sent)
    branch = branch_after(stored, head, sent)
    assert branch[-len(said) :] == said
