"""Another user's session can't be reached by any method of Chat or any widget of the page."""

import inspect

import pytest
from support.web.tabs import conversation_texts

from botchat.core.chat import Chat
from botchat.core.errors import SessionNotFound
from botchat.core.models import Message, Session

MALFORMED = ["none", "$ne", "x" * 3000, "' OR 1=1 --", "{}", "\u202e", "../secret"]

GIVEN = {"content": "Hi", "rating": "up", "file_id": "none", "before": 1, "bot_id": "b", "text": "words", "messages": 1}
"""Arguments by the name of their parameter, besides the user, the session and a message of it."""

FINDS_NOTHING = {"reply", "shared_links", "tags"}
"""Methods that return an empty result and raise no error."""


def methods():
    for name, method in inspect.getmembers(Chat, inspect.isfunction):
        parameters = inspect.signature(method).parameters
        if not name.startswith("_") and "user" in parameters and parameters.keys() & {"session", "session_id"}:
            yield pytest.param(name, parameters, id=name)


@pytest.fixture
def anns(store):
    """Return a session of ann's with two messages."""
    session = Session(user="ann", bot_id="b")
    for role, words in (("user", "secret words"), ("assistant", "secret answer")):
        store.append(session, Message(role=role, content=words))
    return session


@pytest.mark.parametrize(("name", "parameters"), list(methods()))
@pytest.mark.parametrize("whose", ["another's", "none's"])
def test_a_method_finds_no_session_of_another_and_leaves_it_as_it_is(chat_with, store, anns, whose, name, parameters):
    chat = chat_with("Never.")
    before = store.get("ann", anns.id)
    session = store.get("ann", anns.id)
    if whose == "none's":
        session.id = session.user = "none"
    given = GIVEN | {"user": "bob", "session": session, "session_id": session.id, "message_id": anns.messages[0].id}
    given["message"] = Message(role="user", content="Hi")
    if name == "append_messages":
        given["messages"] = [given["message"]]
    wanted = [
        p for p in parameters.values() if p.default is p.empty and p.name != "self" and p.kind is not p.VAR_KEYWORD
    ]
    arguments = [given[parameter.name] for parameter in wanted]
    changes = {"name": "Mine"} if any(p.kind is p.VAR_KEYWORD for p in parameters.values()) else {}
    if name in FINDS_NOTHING:
        assert not getattr(chat, name)(*arguments)
    else:
        with pytest.raises(SessionNotFound):
            getattr(chat, name)(*arguments, **changes)
    assert store.get("ann", anns.id) == before
    assert store.count("bob") == 0


def widgets(tab) -> set[str]:
    kinds = (tab.button, tab.menu_button, tab.text_input, tab.text_area, tab.selectbox, tab.checkbox, tab.radio)
    return {widget.key for kind in kinds for widget in kind if widget.key}


def test_no_widget_of_a_session_is_on_the_page_of_another_person(site):
    (session,) = site.sessions(1)
    answer = Message(role="assistant", content="secret answer")
    site.store.append(session, answer)
    of_session = widgets(site.open("ann", session.id)) - widgets(site.open("ann"))
    assert {"session menu", f"menu {answer.id}", f"copy {answer.id}"} <= of_session
    for user in ("bob", "admin"):
        for session_id in [session.id, *MALFORMED]:
            tab = site.open(user, session_id)
            assert not widgets(tab) & of_session
            assert conversation_texts(tab) == []
            assert "not found" in tab.error[0].value
