"""Matching sent messages with a session: any branches, and any losses on the client's side."""

from hypothesis import assume, given
from hypothesis import strategies as st
from support.bots.conversations import at_any_speed

from botchat.api.openai.matching import match_messages
from botchat.core.models import ROOT, Message, branch_of, valid_text

contents = st.sampled_from(["a", " a", "a\r\n", "a\nb", "a\rb", "b", "", " ", "\ud800", "\ufffd"])
roles = st.sampled_from(["user", "assistant", "assistant", "tool", "system"])


@st.composite
def sessions(draw) -> tuple[list[Message], str | None]:
    """Return all messages of a session with branches, and the id of the last shown one."""
    stored: list[Message] = []
    for _ in range(draw(st.integers(0, 10))):
        parents = st.none() | st.sampled_from([ROOT, *(message.id for message in stored)])
        stored.append(Message(role=draw(roles), content=draw(contents), parent=draw(parents)))
    head = draw(st.none() | st.sampled_from([message.id for message in stored])) if stored else None
    return stored, head


def texts_of(messages: list[Message]) -> list[tuple[str, str]]:
    """Return the messages that a client has: those it can get, with normalized text."""
    texts = [
        (m.role, valid_text(m.content).strip().replace("\r\n", "\n").replace("\r", "\n"))
        for m in messages
        if m.role in {"user", "assistant"}
    ]
    return [(role, text) for role, text in texts if text]


def branch_after_request(stored: list[Message], head: str | None, sent: list[Message]) -> list[tuple[str, str]]:
    """Return the branch that is shown after a request is stored."""
    match = match_messages(stored, head, sent)
    if match.question is not None:
        return texts_of(branch_of(stored, match.question))
    first, *rest = match.new
    first.parent = match.parent
    return texts_of(branch_of([*stored, first, *rest]))


@given(session=sessions(), data=st.data())
@at_any_speed
def test_a_client_that_holds_any_branch_goes_on_in_it(session, data):
    stored, head = session
    assume(stored)
    end = data.draw(st.sampled_from([message.id for message in stored]))
    held = texts_of(branch_of(stored, end))
    assume(held)
    sent = [*held, ("user", "new")]
    assert branch_after_request(stored, head, [Message(role=role, content=text) for role, text in sent]) == sent
    match = match_messages(stored, head, [Message(role=role, content=text) for role, text in sent])
    assert [message.content for message in match.new] == ["new"]


@given(session=sessions(), earlier=st.lists(st.tuples(st.sampled_from(["user", "assistant"]), contents), max_size=6))
@at_any_speed
def test_whatever_a_client_sends_is_the_end_of_the_branch_that_is_shown_then(session, earlier):
    stored, head = session
    sent = [*(Message(role=role, content=text) for role, text in earlier), Message(role="user", content="a")]
    said = texts_of(sent)
    branch = branch_after_request(stored, head, sent)
    assert branch[-len(said) :] == said
