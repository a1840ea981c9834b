"""The bot's context in the terminal: cutting it, undoing that, topics."""

from support.stores.sessions import stored
from support.tui.stories import async_test, terminal

from botchat.core.models import Message

TALK = ["What is a heron?", "A heron is a bird.", "A train to Cambridge, on Saturday.", "At nine."]


@async_test
async def test_what_came_before_is_forgotten_taken_back_and_begun_anew_by_keys(chat_with, store, tmp_path):
    session = stored(store, messages=0, bot_id="b")
    for i, text in enumerate(TALK):
        store.append(session, Message(role="assistant" if i % 2 else "user", content=text))
    async with terminal(chat_with("Yes."), tmp_path, find_initial=lambda chat: chat.latest("ann")) as at:
        await at.sees("At nine.")
        await at.press("escape")
        await at.press("f", "right", "enter")
        await at.sees("── 2 of 4 messages in context", "· 2 of 4 messages in context")
        assert store.get("ann", session.id).cut == session.messages[2].id
        await at.press("f", "right", "enter")
        await at.until(lambda: "messages in context" not in at.text)
        assert "New topic" not in at.text
        await at.press("o", "right", "enter")
        await at.sees("── New topic")
        assert store.preferences("ann").topics == "shown"
        await at.press("n", "right", "enter")
        await at.until(lambda: at.app.header.state.name == TALK[2])
        assert TALK[0] not in [message.content for message in at.app.conversation.session.messages]
    assert store.get("ann", session.id).message_count == 4
