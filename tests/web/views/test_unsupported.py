"""Messages without text on the page: unsupported content is named, and an empty reply can be retried."""

from support.fakes import DONE, Gate
from support.stores.sessions import stored, user_says
from support.web.tabs import click, conversation_texts, open_session_id

from botchat.core.models import Delta, Message, Unsupported, pack
from botchat.web import cache
from botchat.web.markdown.escape import escape

HOSTILE = "<img src=x onerror=alert(1)> :red[y] :material/home: **x** [a](http://b)\x1b[31m"
CALL = Unsupported("tool call: search", {"arguments": "{}"}, "call 0")
LINE = "Unsupported content: tool call: search"


def captions(tab) -> list[str]:
    """The quiet lines of the conversation, as they are meant to be read."""
    return [caption.value.replace("\\", "") for message in tab.chat_message for caption in message.caption]


def holding(site, *messages: Message):
    """A tab with a session of these messages."""
    session = stored(site.store, bot_id="b", messages=0)
    for message in messages:
        site.store.append(session, message)
    return site.open(session_id=session.id)


def test_what_can_not_be_shown_is_named_below_the_words_as_plain_text(site):
    question = user_says("", payload=pack([Unsupported("image", {})]))
    reply = Message(role="assistant", content="Yes.", payload=pack([CALL, Unsupported(HOSTILE, {})]))
    tab = holding(site, question, reply)
    hostile = HOSTILE.replace("\x1b", "␛")
    assert captions(tab) == ["Unsupported content: image", LINE, f"Unsupported content: {hostile}"]
    assert tab.chat_message[1].caption[1].value == escape(f"Unsupported content: {hostile}")
    kinds = [type(element).__name__ for element in tab.chat_message[1]]
    assert kinds.index("Markdown") < kinds.index("Caption")
    assert [button.label for button in tab.chat_message[0].button] == ["Edit"]  # nothing to copy


def test_it_is_named_while_the_reply_comes(site):
    gate, second = Gate(), Gate()
    site.follow(Delta(unsupported=CALL), gate, "Yes.", second, DONE)
    tab = site.say(site.open(), "Hi")
    assert captions(tab) == [LINE]
    gate.open()
    reply = cache.connection().reply("ann", open_session_id(tab))
    next(delta for delta in reply if delta.content)
    site.run(tab)
    assert (conversation_texts(tab), captions(tab)) == (["Hi", "Yes."], [LINE])
    second.open()
    site.settle(tab, open_session_id(tab))
    assert (conversation_texts(tab), captions(tab)) == (["Hi", "Yes."], [LINE])


def test_an_empty_reply_of_an_earlier_version_is_named_and_can_be_tried_again(site):
    tab = holding(site, user_says("Hi"), Message(role="assistant"))
    assert captions(tab) == ["Empty reply"]
    assert not [button for button in tab.chat_message[1].button if button.label == "Copy"]
    site.follow("Now.", DONE)
    click(site.run(tab), "retry")
    site.settle(tab, open_session_id(tab))
    assert conversation_texts(tab) == ["Hi", "Now."]
    assert len(site.store.get("ann", open_session_id(tab)).messages) == 2


def test_a_reply_with_nothing_readable_says_why_and_keeps_what_it_held_when_it_is_tried_again(site):
    held = {"status": "truncated", "error": "The reply is *empty*.", "payload": pack([CALL])}
    tab = holding(site, user_says("Hi"), Message(role="assistant", **held))
    assert tab.chat_message[1].warning[0].value == escape("The reply is *empty*.")
    site.follow("Now.", DONE)
    click(site.run(tab), "retry")
    site.settle(tab, open_session_id(tab))
    assert conversation_texts(tab) == ["Hi", "Now."]
    read = site.store.get("ann", open_session_id(tab)).messages
    assert [message.payload for message in read] == [None, pack([CALL]), None]
    click(tab, f"version before {read[2].id}")
    assert captions(tab)[0] == LINE
