"""The terminal app end to end, checked against the store."""

from support.fakes import DONE, Gate, ScriptedBot
from support.stores.sessions import stored
from support.tui.stories import async_test, message_texts, only_session, terminal

from botchat.core.chat import Chat
from botchat.core.errors import StoreUnavailable
from botchat.core.models import Message, Session
from botchat.core.turn import Turns
from botchat.tui.conversation.drafts import Draft, Drafts


@async_test
async def test_a_message_is_sent_and_its_reply_shown_and_both_are_stored(chat_with, store, tmp_path):
    async with terminal(chat_with("Good ", "day.", DONE), tmp_path) as at:
        await at.say("Hello")
        await at.sees("Good day.")
        await at.until(lambda: not at.app.conversation.is_answering)
        assert at.composer_text == ""
        assert at.names == ["Hello"]
        await at.sees("Hello", "b (scripted)", "ann", "2 messages")
    assert message_texts(store, only_session(store).id) == ["Hello", "Good day."]


@async_test
async def test_the_list_is_painted_before_the_store_is_open(chat_with, tmp_path):
    gate = Gate()
    chat = chat_with("Good day.", DONE)

    def connect():
        gate._opened.result(30)
        return chat

    async with terminal(connect, tmp_path) as at:
        await at.sees("Loading…", "New chat")
        await at.type("Hi")
        await at.press("enter")
        await at.until(lambda: at.notice == "Will be sent when the store is available.")
        assert at.composer_text == "Hi"
        gate.open()
        await at.sees("Good day.")


@async_test
async def test_a_store_that_can_not_be_opened_is_told_in_the_lists_place_and_tried_again(chat_with, store, tmp_path):
    stored(store, name="Herons")
    chat, answers = chat_with(), [StoreUnavailable("The store at [/] is down.")]

    def connect():
        if answers:
            raise answers.pop()
        return chat

    async with terminal(connect, tmp_path) as at:
        await at.until(
            lambda: at.app.sessions.list.tail == ("error", "The store at [/] is down. Press Enter to retry.")
        )
        await at.sees("○")
        at.app.sessions.list.focus()
        await at.press("enter")
        await at.sees("Herons", "●", "1 chat")


@async_test
async def test_a_message_is_sent_when_a_store_that_was_down_at_the_start_is_available(chat_with, tmp_path):
    chat, failures = chat_with("Good day.", DONE), [StoreUnavailable("The store is down.")]

    def connect():
        if failures:
            raise failures[0]
        return chat

    async with terminal(connect, tmp_path, size=(60, 20)) as at:
        await at.sees("The store is down. Retrying…")
        at.app.retry_seconds = 0.05
        await at.say("Hi")
        await at.until(lambda: at.notice == "The store is down. Retrying… Will be sent when the store is available.")
        failures.clear()
        await at.sees("Good day.")
        assert at.composer_text == ""


@async_test
async def test_a_message_sent_before_the_last_chat_is_open_is_sent_there_and_its_draft_stays(
    chat_with, store, tmp_path
):
    session = stored(store, bot_id="b")
    Drafts(tmp_path, "store", "ann").write(session.id, Draft("a draft"))
    gate, chat = Gate(), chat_with("Good day.", DONE)

    def connect():
        gate._opened.result(30)
        return chat

    async with terminal(connect, tmp_path, find_initial=lambda chat: chat.latest("ann")) as at:
        await at.say("Hi")
        await at.until(lambda: at.notice == "Will be sent when the store is available.")
        gate.open()
        await at.sees("Good day.")
        assert at.composer_text == "a draft"
    assert message_texts(store, session.id)[-2:] == ["Hi", "Good day."]


@async_test
async def test_escape_stops_the_reply_and_keeps_what_came(chat_with, store, tmp_path):
    gate = Gate()
    async with terminal(chat_with("What came", gate, "never", DONE), tmp_path) as at:
        await at.say("Go")
        await at.sees("What came")
        await at.press("escape")
        await at.until(lambda: not at.app.conversation.is_answering)
        await at.sees("What came", "■ Stopped")
    session = only_session(store)
    assert [(m.content, m.status) for m in session.messages] == [("Go", None), ("What came", "stopped")]


@async_test
async def test_what_another_program_writes_is_noticed_and_shown(chat_with, store, tmp_path):
    session = stored(store)
    async with terminal(chat_with(), tmp_path, find_initial=lambda chat: chat.latest("ann")) as at:
        await at.type("a draft")
        store._repository.append(store.get("ann", session.id), Message(role="assistant", content="From elsewhere."))
        at.app.conversation.check_changes()
        await at.sees("From elsewhere.")
        assert at.composer_text == "a draft"
        await at.until(lambda: any("was updated elsewhere" in toast for toast in at.toasts))


@async_test
async def test_escape_asks_another_program_to_stop_the_reply_that_it_receives(chat_with, store, tmp_path):
    elsewhere = Turns({"b": ScriptedBot("half", Gate())}, checkpoint_seconds=0.1)
    session = Session(user="ann", bot_id="b")
    reply = Chat(store, elsewhere, default_bot="b").send("ann", session, "Go")
    while store.get("ann", session.id).message_count < 2:
        pass
    async with terminal(chat_with(), tmp_path, find_initial=lambda chat: chat.latest("ann")) as at:
        await at.sees("half")
        await at.press("escape")
        await at.until(lambda: reply.settled)
        await at.sees("Stopped")
    elsewhere.close(timeout=0)


@async_test
async def test_a_reply_goes_on_while_another_session_is_read_and_is_there_on_return(chat_with, store, tmp_path):
    other = stored(store, name="Other")
    gate = Gate()
    async with terminal(chat_with("It begins", gate, " and ends.", DONE), tmp_path) as at:
        await at.say("Go")
        await at.sees("It begins")
        first_id = at.app.conversation.session.id
        at.app.open(next(row for row in at.app.sessions.list.rows if row.id == other.id))
        await at.until(lambda: at.app.conversation.session.id == other.id)
        assert "It begins" not in at.text
        at.app.open(next(row for row in at.app.sessions.list.rows if row.id == first_id))
        await at.sees("It begins")
        assert at.app.conversation.is_answering
        at.app.open(next(row for row in at.app.sessions.list.rows if row.id == other.id))
        await at.until(lambda: at.app.conversation.session.id == other.id)
        gate.open()
        while at.app.conversation._background_replies:
            at.app.conversation.check_changes()
            await at.settled()
        await at.until(lambda: "New reply in “Go”." in at.toasts)
    assert message_texts(store, first_id) == ["Go", "It begins and ends."]


@async_test
async def test_earlier_messages_come_when_the_top_is_reached(chat_with, store, tmp_path):
    stored(store, messages=300)
    async with terminal(chat_with(), tmp_path, find_initial=lambda chat: chat.latest("ann")) as at:
        await at.sees("message 299")
        await at.press("escape")
        await at.press("home")
        await at.until(lambda: at.app.conversation.session.first == 50)
        await at.press("home")
        await at.until(lambda: at.app.conversation.session.first == 0)
        await at.press("home")
        await at.sees("message 0")
    assert len(at.app.conversation.session.messages) == 300


@async_test
async def test_words_of_people_and_bots_are_never_markup(chat_with, store, tmp_path):
    evil = "[/] [red]x[/red] \x1b]0;title\x07 [@click=app.quit]q[/]"
    stored(store, name=evil)
    async with terminal(chat_with(evil, DONE), tmp_path, size=(160, 40)) as at:
        await at.sees("[/] [red]x[/red] ␛]0;title␇"[:24])
        at.app.sessions.list.focus()
        await at.press("p")
        await at.until(lambda: any(" pinned." in toast for toast in at.toasts))
        await at.press("d")
        await at.sees("[/] [red]x[/red] ␛]0;title␇")
        await at.press("escape")
        await at.press("ctrl+p")
        await at.type("red")
        await at.sees("Open: [/] [red]x[/red]")
        await at.press("escape")
        await at.say("[/b] hi")
        await at.sees("[/b] hi", "[red]x[/red] ␛]0;title␇")


@async_test
async def test_a_session_deleted_elsewhere_is_told(chat_with, store, tmp_path):
    session = stored(store)
    async with terminal(chat_with(), tmp_path, find_initial=lambda chat: chat.latest("ann")) as at:
        store.purge("ann", session.id)
        at.app.conversation.check_changes()
        await at.until(lambda: at.notice == "This chat was deleted elsewhere.")


@async_test
async def test_scrolling_up_while_a_reply_streams_is_not_pulled_down(chat_with, store, tmp_path):
    gate, end = Gate(), Gate()
    stored(store, messages=40, bot_id="b")
    chat = chat_with("It begins.\n\n", gate, "More.\n\n" * 30, end, DONE)
    async with terminal(chat, tmp_path, find_initial=lambda chat: chat.latest("ann")) as at:
        await at.say("Go")
        await at.sees("It begins.")
        await at.press("shift+tab")
        await at.press("pageup", "pageup")
        await at.settled()
        seen = [line[:95].rstrip() for line in at.text.splitlines()[2:20]]  # without the scrollbar
        gate.open()
        await at.until(lambda: "More." in at.app.conversation.session.messages[-1].content)
        await at.sees("Jump to latest")
        assert [line[:95].rstrip() for line in at.text.splitlines()[2:20]] == seen
        end.open()
