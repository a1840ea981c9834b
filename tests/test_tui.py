"""What a person does in the terminal chat, with the store as the witness."""

from dataclasses import replace

from fakes import DONE, Gate, ScriptedBot
from sessions import stored
from tui_stories import story, terminal

from botchat.core.errors import BotError, StoreUnavailable
from botchat.core.models import Message


def said(store, session_id: str) -> list[str]:
    return [message.content for message in store.get("ann", session_id, 100).messages]


def only_session(store):
    (summary,) = store.page("ann").sessions
    return store.get("ann", summary.id)


@story
async def test_a_message_is_sent_and_its_reply_shown_and_both_are_stored(chat_with, store, tmp_path):
    async with terminal(chat_with("Good ", "day.", DONE), tmp_path) as at:
        await at.say("Hello")
        await at.sees("Good day.")
        await at.until(lambda: not at.app.conversation.is_answering)
        assert at.prompt == ""
        assert at.names == ["Hello"]
        await at.sees("Hello", "b (scripted)", "ann", "2 messages")
    assert said(store, only_session(store).id) == ["Hello", "Good day."]


@story
async def test_the_list_is_painted_before_the_store_is_open(chat_with, tmp_path):
    gate = Gate()
    chat = chat_with("Good day.", DONE)

    def connect():
        gate._opened.result(30)
        return chat

    async with terminal(connect, tmp_path) as at:
        await at.sees("Loading …", "New session")
        await at.type("Hi")
        await at.press("enter")
        await at.until(lambda: at.notice == "It is sent as soon as the store is open.")
        assert at.prompt == "Hi"
        gate.open()
        await at.sees("Good day.")


@story
async def test_a_store_that_can_not_be_opened_is_told_in_the_lists_place_and_tried_again(chat_with, store, tmp_path):
    stored(store, name="Herons")
    chat, answers = chat_with(), [StoreUnavailable("The store at [/] is down.")]

    def connect():
        if answers:
            raise answers.pop()
        return chat

    async with terminal(connect, tmp_path) as at:
        await at.until(lambda: at.app.sessions.list.end == ("error", "The store at [/] is down. Enter tries again."))
        await at.sees("○")
        at.app.sessions.list.focus()
        await at.press("enter")
        await at.sees("Herons", "●", "1 of 1")


@story
async def test_escape_stops_the_reply_and_keeps_what_came(chat_with, store, tmp_path):
    gate = Gate()
    async with terminal(chat_with("What came", gate, "never", DONE), tmp_path) as at:
        await at.say("Go")
        await at.sees("What came")
        await at.press("escape")
        await at.until(lambda: not at.app.conversation.is_answering)
        await at.sees("What came", "stopped")
    session = only_session(store)
    assert [(m.content, m.status) for m in session.messages] == [("Go", None), ("What came", "stopped")]


@story
async def test_a_save_that_fails_is_told_at_once_with_the_words_still_in_the_prompt(chat_with, store, tmp_path):
    async with terminal(chat_with("Yes.", DONE), tmp_path) as at:
        store.down = True
        await at.say("Keep me")
        await at.until(lambda: at.notice == "Not sent: The store is down.")
        assert at.prompt == "Keep me"
        await at.sees("○")
        store.down = False
        await at.press("enter")
        await at.sees("Yes.")
        assert at.prompt == ""
    assert said(store, only_session(store).id) == ["Keep me", "Yes."]


@story
async def test_a_message_whose_save_was_not_acknowledged_is_not_stored_twice(chat_with, store, tmp_path):
    async with terminal(chat_with("Yes.", DONE), tmp_path) as at:
        store.answers_are_lost = True
        await at.say("Once")
        await at.until(lambda: at.notice == "Not sent: The store's answer was lost.")
        store.answers_are_lost = False
        await at.press("enter")
        await at.sees("Yes.")
    assert said(store, only_session(store).id) == ["Once", "Yes."]


@story
async def test_a_reply_that_is_not_saved_says_so_until_it_is(chat_with, store, tmp_path):
    gate, end = Gate(), Gate()
    async with terminal(chat_with("It begins", gate, ", goes on", end, DONE, checkpoint_seconds=0.01), tmp_path) as at:
        await at.say("Go")
        await at.sees("It begins")
        await at.until(lambda: len(only_session(store).messages) == 2)
        store.down = True
        gate.open()
        await at.until(lambda: at.notice == "The reply is not saved: The store is down. It is tried again.")
        await at.sees("It begins, goes on")
        store.down = False
        await at.until(lambda: at.notice == "")
        end.open()
        await at.until(lambda: not at.app.conversation._reply)
    assert said(store, only_session(store).id) == ["Go", "It begins, goes on"]


def break_off(words: str) -> float:
    return len(words) / 0


@story
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


@story
async def test_a_bot_that_fails_says_why_and_r_asks_it_again(chat_with, store, tmp_path):
    chat = chat_with(BotError("There is [no] key."))
    async with terminal(chat, tmp_path) as at:
        await at.say("Are you there?")
        await at.until(lambda: at.notice.startswith("There is [no] key."))
        await at.until(lambda: not at.app.conversation._reply)
        chat.bot._script = ("Now I am.", DONE)
        await at.press("escape", "r")
        await at.sees("Now I am.")
    assert said(store, only_session(store).id) == ["Are you there?", "Now I am."]


@story
async def test_an_unanswered_message_is_asked_again_after_a_restart(chat_with, store, tmp_path):
    session = stored(store, bot_id="b")
    async with terminal(chat_with("At last.", DONE), tmp_path, first=lambda chat: chat.latest("ann")) as at:
        await at.sees("message 0")
        assert "has no answer" in at.notice
        await at.press("escape", "r")
        await at.sees("At last.")
    assert said(store, session.id) == ["message 0", "At last."]


@story
async def test_another_answer_and_the_one_before_are_branches_to_go_between(chat_with, store, tmp_path):
    chat = chat_with("First answer.", DONE)
    async with terminal(chat, tmp_path) as at:
        await at.say("Why?")
        await at.sees("First answer.")
        await at.until(lambda: not at.app.conversation._reply)
        chat.bot._script = ("Second answer.", DONE)
        await at.press("escape", "r")
        await at.sees("Second answer.")
        assert "First answer." not in at.text
        await at.until(lambda: not at.app.conversation._reply)
        await at.press("left_square_bracket")
        await at.sees("First answer.")
        assert "Second answer." not in at.text
        await at.press("right_square_bracket")
        await at.sees("Second answer.")
    assert said(store, only_session(store).id) == ["Why?", "First answer.", "Second answer."]


@story
async def test_an_earlier_message_is_edited_and_the_old_branch_stays(chat_with, store, tmp_path):
    chat = chat_with("An answer.", DONE)
    async with terminal(chat, tmp_path) as at:
        await at.say("Teh question")
        await at.sees("An answer.")
        await at.until(lambda: not at.app.conversation._reply)
        await at.type("half a thought")
        await at.press("escape", "e")
        assert at.prompt == "Teh question"
        assert "Editing" in at.notice
        await at.press("escape")
        assert at.prompt == "half a thought"
        await at.press("escape", "e")
        await at.press("end", *["backspace"] * len("Teh question"))
        await at.say("The question")
        await at.until(lambda: at.prompt == "half a thought")
        await at.until(lambda: not at.app.conversation._reply)
        await at.sees("The question")
    assert said(store, only_session(store).id) == ["Teh question", "An answer.", "The question", "An answer."]


@story
async def test_feedback_with_a_comment_is_stored_and_the_same_key_takes_it_back(chat_with, store, tmp_path):
    async with terminal(chat_with("An answer.", DONE), tmp_path) as at:
        await at.say("Why?")
        await at.sees("An answer.")
        await at.until(lambda: not at.app.conversation._reply)
        await at.press("escape", "plus")
        await at.sees("Good answer.")
        await at.type("so [true]")
        await at.press("enter")
        await at.until(lambda: "Your feedback is kept." in at.toasts)
        given = only_session(store).messages[1].feedback
        assert (given["rating"], given["comment"]) == ("up", "so [true]")
        await at.press("plus")
        await at.until(lambda: "Your feedback is taken back." in at.toasts)
        assert only_session(store).messages[1].feedback is None


@story
async def test_feedback_that_could_not_be_stored_is_asked_for_again_with_its_words(chat_with, store, tmp_path):
    async with terminal(chat_with("An answer.", DONE), tmp_path) as at:
        await at.say("Why?")
        await at.sees("An answer.")
        await at.until(lambda: not at.app.conversation._reply)
        store.down = True
        await at.press("escape", "minus")
        await at.type("wrong")
        await at.press("enter")
        await at.sees("The store is down.", "wrong")
        store.down = False
        await at.press("enter")
        await at.until(lambda: "Your feedback is kept." in at.toasts)
    assert only_session(store).messages[1].feedback["comment"] == "wrong"


@story
async def test_another_bot_answers_from_then_on(chat_with, store, tmp_path):
    chat = chat_with("I am b.", DONE)
    chat.turns.bots["c"] = ScriptedBot("I am c.", DONE, bot_id="c")
    async with terminal(chat, tmp_path) as at:
        await at.say("Who?")
        await at.sees("I am b.")
        await at.until(lambda: not at.app.conversation._reply)
        await at.press("ctrl+b")
        await at.sees("Who answers from now on?")
        await at.press("down", "enter")
        await at.until(lambda: "c answers from now on." in at.toasts)
        await at.sees("c (scripted)")
        await at.say("And now?")
        await at.sees("I am c.")
    assert only_session(store).bot_id == "c"


@story
async def test_the_bot_named_at_the_start_answers_in_the_session_to_begin_with(chat_with, store, tmp_path):
    session = stored(store, bot_id="gone")
    first = {"first": lambda chat: chat.latest("ann"), "bot": "b"}
    async with terminal(chat_with("Here.", DONE), tmp_path, **first) as at:
        await at.until(lambda: "b answers from now on." in at.toasts)
        await at.say("Who?")
        await at.sees("Here.")
    assert store.get("ann", session.id).bot_id == "b"


@story
async def test_what_another_program_writes_is_noticed_and_shown(chat_with, store, tmp_path):
    session = stored(store)
    async with terminal(chat_with(), tmp_path, first=lambda chat: chat.latest("ann")) as at:
        await at.type("a draft")
        store._repository.append(store.get("ann", session.id), Message(role="assistant", content="From elsewhere."))
        at.app.conversation.look()
        await at.sees("From elsewhere.")
        assert at.prompt == "a draft"
        assert any("was written to elsewhere" in toast for toast in at.toasts)


@story
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
        while at.app.conversation._left:
            at.app.conversation.look()
            await at.settled()
        await at.until(lambda: "“Go” has its reply." in at.toasts)
    assert said(store, first_id) == ["Go", "It begins and ends."]


@story
async def test_earlier_messages_come_when_the_top_is_reached(chat_with, store, tmp_path):
    stored(store, messages=300)
    async with terminal(chat_with(), tmp_path, first=lambda chat: chat.latest("ann")) as at:
        await at.sees("message 299")
        await at.press("escape")
        await at.press("home")
        await at.until(lambda: at.app.conversation.session.first == 50)
        await at.press("home")
        await at.until(lambda: at.app.conversation.session.first == 0)
        await at.press("home")
        await at.sees("message 0")
    assert len(at.app.conversation.session.messages) == 300


@story
async def test_words_of_people_and_bots_are_never_markup(chat_with, store, tmp_path):
    evil = "[/] [red]x[/red] \x1b]0;title\x07 [@click=app.quit]q[/]"
    stored(store, name=evil)
    async with terminal(chat_with(evil, DONE), tmp_path, size=(160, 40)) as at:
        await at.sees("[/] [red]x[/red] ␛]0;title␇"[:24])
        at.app.sessions.list.focus()
        await at.press("p")
        await at.until(lambda: any("is pinned" in toast for toast in at.toasts))
        await at.press("d")
        await at.sees("[/] [red]x[/red] ␛]0;title␇")
        await at.press("escape")
        await at.press("ctrl+p")
        await at.type("red")
        await at.sees("Open: [/] [red]x[/red]")
        await at.press("escape")
        await at.say("[/b] hi")
        await at.sees("[/b] hi", "[red]x[/red] ␛]0;title␇")


@story
async def test_a_link_is_opened_only_after_its_address_was_seen(chat_with, tmp_path):
    async with terminal(chat_with(), tmp_path) as at:
        opened = []
        at.app.open_url = opened.append
        transcript = at.app.conversation.transcript
        transcript.post_message(transcript.LinkOpened("https://example.org/[/]"))
        await at.sees("Open this in your browser?", "https://example.org/[/]")
        await at.press("n")
        assert opened == []
        transcript.post_message(transcript.LinkOpened("https://example.org/[/]"))
        await at.sees("Open this in your browser?")
        await at.press("y")
        await at.until(lambda: opened == ["https://example.org/[/]"])
        transcript.post_message(transcript.LinkOpened("file:///etc/passwd"))
        await at.until(lambda: "Not opened, it is no address of the web: file:///etc/passwd" in at.toasts)
    assert len(opened) == 1


@story
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


@story
async def test_c_goes_on_with_the_session_used_last_and_says_which(chat_with, store, tmp_path):
    first = stored(store, name="First made")
    stored(store, name="Made later")
    store._repository.append(store.get("ann", first.id), Message(role="user", content="used last"))
    async with terminal(chat_with(), tmp_path, first=lambda chat: chat.latest("ann"), is_latest=True) as at:
        await at.sees("used last", "Going on with", "“First made”")
        assert at.app.conversation.session.id == first.id


@story
async def test_a_session_that_is_not_there_ends_the_program_with_its_error(chat_with, tmp_path):
    chat = chat_with()
    async with terminal(lambda: chat, tmp_path, first=lambda chat: chat.open("ann", "nope")) as at:
        await at.until(lambda: at.app.failure is not None)
    assert "nope" in str(at.app.failure)


@story
async def test_letters_typed_right_before_enter_are_sent_too(chat_with, store, tmp_path):
    async with terminal(chat_with("Yes.", DONE), tmp_path) as at:
        await at.press("H", "i", "ctrl+j", "y", "o", "u", "enter")
        await at.sees("Yes.")
    assert said(store, only_session(store).id)[0] == "Hi\nyou"


@story
async def test_what_is_typed_at_once_goes_into_the_prompt(chat_with, tmp_path):
    chat = chat_with()
    async with terminal(lambda: chat, tmp_path) as at:
        await at.type("at once")
        assert at.prompt == "at once"
        assert not at.app.sessions._search.value


@story
async def test_up_on_the_first_line_brings_back_what_was_sent(chat_with, tmp_path):
    async with terminal(chat_with("Yes.", DONE), tmp_path) as at:
        for words in ("first", "second"):
            await at.say(words)
            await at.until(lambda: at.prompt == "" and not at.app.conversation._reply)
        await at.type("new")
        await at.press("up")
        assert at.prompt == "second"
        await at.press("up")
        assert at.prompt == "first"
        await at.press("up")
        assert at.prompt == "first"
        await at.press("down", "down")
        assert at.prompt == "new"


@story
async def test_a_long_paste_is_kept_whole(chat_with, store, tmp_path):
    pasted = "line [of] words\n" * 5000
    async with terminal(chat_with("Yes.", DONE), tmp_path) as at:
        await at.paste(pasted)
        await at.press("enter")
        await at.sees("Yes.")
    assert said(store, only_session(store).id)[0] == pasted


@story
async def test_a_draft_is_there_again_after_a_crash_in_its_own_session_alone(chat_with, store, tmp_path):
    stored(store, name="Herons")
    async with terminal(chat_with(), tmp_path) as at:
        await at.type("for a new one")
        at.app.open(at.app.sessions.list.rows[0])
        await at.sees("message 0")
        assert at.prompt == ""
        await at.type("for the herons")
        at.app.conversation._write_draft()
        at.app.conversation._keeper._prompt = None  # it dies here: nothing more is written
    async with terminal(chat_with(), tmp_path) as at:
        assert at.prompt == "for a new one"
        at.app.open(at.app.sessions.list.rows[0])
        await at.until(lambda: at.prompt == "for the herons")
    async with terminal(chat_with(), tmp_path, user="bob") as at:
        assert at.prompt == ""


@story
async def test_a_session_deleted_elsewhere_is_told(chat_with, store, tmp_path):
    session = stored(store)
    async with terminal(chat_with(), tmp_path, first=lambda chat: chat.latest("ann")) as at:
        store.purge("ann", session.id)
        at.app.conversation.look()
        await at.until(lambda: "not in the store any more" in at.notice)


@story
async def test_scrolling_up_while_a_reply_streams_is_not_pulled_down(chat_with, store, tmp_path):
    gate, end = Gate(), Gate()
    stored(store, messages=40, bot_id="b")
    chat = chat_with("It begins.\n\n", gate, "More.\n\n" * 30, end, DONE)
    async with terminal(chat, tmp_path, first=lambda chat: chat.latest("ann")) as at:
        await at.say("Go")
        await at.sees("It begins.")
        await at.press("shift+tab")
        await at.press("pageup", "pageup")
        await at.settled()
        seen = [line[:95].rstrip() for line in at.text.splitlines()[2:20]]  # without the scrollbar
        gate.open()
        await at.until(lambda: "More." in at.app.conversation.session.messages[-1].content)
        await at.sees("new below")
        assert [line[:95].rstrip() for line in at.text.splitlines()[2:20]] == seen
        end.open()


def test_a_reply_can_be_drawn_without_its_session_growing_twice():
    from botchat.core.models import Session
    from botchat.tui.known import with_message

    session = with_message(Session(user="ann", bot_id="b"), message := Message(role="assistant", content="a"))
    again = with_message(session, replace(message, content="ab"))
    assert (again.message_count, [m.content for m in again.messages]) == (1, ["ab"])
