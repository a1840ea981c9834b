"""The composer: drafts, history, copying, links; the session at startup."""

from dataclasses import replace

from support.fakes import DONE
from support.stores.sessions import stored
from support.tui.stories import async_test, message_texts, only_session, terminal

from botchat.core.models import Message, now


def break_off(words: str) -> float:
    return len(words) / 0


@async_test
async def test_a_crash_shows_where_it_was_and_no_words_of_anybody(chat_with, tmp_path):
    async with terminal(chat_with(), tmp_path) as at:
        try:
            break_off("words of " + at.app.sessions.user)
        except ZeroDivisionError:
            at.app._fatal_error()
        shown = "".join(segment.text for rendered in at.app._exit_renderables for segment in rendered.segments)
        at.app._exit_renderables.clear()
    assert "ZeroDivisionError" in shown
    assert "words of ann" not in shown


@async_test
async def test_a_link_is_opened_only_after_its_address_was_seen(chat_with, tmp_path):
    async with terminal(chat_with(), tmp_path) as at:
        opened = []
        at.app.open_url = opened.append
        transcript = at.app.conversation.transcript
        transcript.post_message(transcript.LinkOpened("https://example.org/[/]"))
        await at.sees("Open this link in your browser?", "https://example.org/[/]")
        await at.press("n")
        assert opened == []
        transcript.post_message(transcript.LinkOpened("https://example.org/[/]"))
        await at.sees("Open this link in your browser?")
        await at.press("y")
        await at.until(lambda: opened == ["https://example.org/[/]"])
        transcript.post_message(transcript.LinkOpened("file:///etc/passwd"))
        await at.until(lambda: "Can't open this link: file:///etc/passwd isn't a web address." in at.toasts)
    assert len(opened) == 1


@async_test
async def test_a_message_and_its_code_blocks_are_copied_by_key(chat_with, tmp_path):
    reply = "Try:\n\n```python\none()\n```\n\nor\n\n```\ntwo()\n```\n"
    async with terminal(chat_with(reply, DONE), tmp_path) as at:
        await at.say("How?")
        await at.sees("two()")
        await at.until(lambda: not at.app.conversation._reply)
        await at.press("escape", "c")
        assert at.app.clipboard.strip() == "one()"
        await at.press("c")
        assert at.app.clipboard.strip() == "two()"
        await at.press("y")
        assert at.app.clipboard == reply


@async_test
async def test_c_goes_on_with_the_session_used_last_and_says_which(chat_with, store, tmp_path):
    first = stored(store, name="First made")
    other = stored(store, name="Made later")
    while now() <= other.update_time:  # what is written in the same millisecond was used as late
        pass
    store._repository.append(store.get("ann", first.id), Message(role="user", content="used last"))
    async with terminal(chat_with(), tmp_path, find_initial=lambda chat: chat.latest("ann"), resumes_latest=True) as at:
        await at.sees("used last", "Continuing chat", "“First made”")
        assert at.app.conversation.session.id == first.id


@async_test
async def test_a_session_that_is_not_there_ends_the_program_with_its_error(chat_with, tmp_path):
    chat = chat_with()
    async with terminal(lambda: chat, tmp_path, find_initial=lambda chat: chat.open("ann", "nope")) as at:
        await at.until(lambda: at.app.failure is not None)
    assert "nope" in str(at.app.failure)


@async_test
async def test_letters_typed_right_before_enter_are_sent_too(chat_with, store, tmp_path):
    async with terminal(chat_with("Yes.", DONE), tmp_path) as at:
        await at.press("H", "i", "ctrl+j", "y", "o", "u", "enter")
        await at.sees("Yes.")
    assert message_texts(store, only_session(store).id)[0] == "Hi\nyou"


@async_test
async def test_what_is_typed_at_once_goes_into_the_prompt(chat_with, tmp_path):
    chat = chat_with()
    async with terminal(lambda: chat, tmp_path) as at:
        await at.type("at once")
        assert at.composer_text == "at once"
        assert not at.app.sessions._search.value


@async_test
async def test_up_on_the_first_line_brings_back_what_was_sent(chat_with, tmp_path):
    async with terminal(chat_with("Yes.", DONE), tmp_path) as at:
        for words in ("first", "second"):
            await at.say(words)
            await at.until(lambda: at.composer_text == "" and not at.app.conversation._reply)
        await at.type("new")
        await at.press("up")
        assert at.composer_text == "second"
        await at.press("up")
        assert at.composer_text == "first"
        await at.press("up")
        assert at.composer_text == "first"
        await at.press("down", "down")
        assert at.composer_text == "new"


@async_test
async def test_a_long_paste_is_kept_whole(chat_with, store, tmp_path):
    pasted = "line [of] words\n" * 5000
    async with terminal(chat_with("Yes.", DONE), tmp_path) as at:
        await at.paste(pasted)
        await at.press("enter")
        await at.sees("Yes.")
    assert message_texts(store, only_session(store).id)[0] == pasted


@async_test
async def test_a_draft_is_there_again_after_a_crash_in_its_own_session_alone(chat_with, store, tmp_path):
    stored(store, name="Herons")
    async with terminal(chat_with(), tmp_path) as at:
        await at.type("for a new one")
        at.app.open(at.app.sessions.list.rows[0])
        await at.sees("message 0")
        assert at.composer_text == ""
        await at.type("for the herons")
        at.app.conversation._write_draft()
        at.app.conversation._autosave._composer = None  # it dies here: nothing more is written
    async with terminal(chat_with(), tmp_path) as at:
        assert at.composer_text == "for a new one"
        at.app.open(at.app.sessions.list.rows[0])
        await at.until(lambda: at.composer_text == "for the herons")
    async with terminal(chat_with(), tmp_path, user="bob") as at:
        assert at.composer_text == ""


def test_a_reply_can_be_drawn_without_its_session_growing_twice():
    from botchat.core.models import Session
    from botchat.tui.state import with_message

    session = with_message(Session(user="ann", bot_id="b"), message := Message(role="assistant", content="a"))
    again = with_message(session, replace(message, content="ab"))
    assert (again.message_count, [m.content for m in again.messages]) == (1, ["ab"])


@async_test
async def test_an_edited_entry_of_the_history_is_not_discarded_by_moving_on(chat_with, store, tmp_path):
    stored(store, bot_id="b")
    async with terminal(chat_with(), tmp_path, find_initial=lambda chat: chat.latest("ann")) as at:
        at.app.conversation.composer.focus()
        await at.press("up")
        await at.until(lambda: at.composer_text == "message 0")
        await at.type(" again")
        await at.press("down")
        assert at.composer_text == "message 0 again"
