"""Turns in the terminal: send, retry, regenerate, edit, change the bot; feedback and unsaved replies."""

from support.fakes import DONE, Gate, ScriptedBot
from support.stores.sessions import stored
from support.tui.stories import async_test, message_texts, only_session, terminal

from botchat.core.chat import Chat
from botchat.core.errors import BotError
from botchat.core.models import Message, Session
from botchat.core.turn import Turns


@async_test
async def test_a_save_that_fails_is_told_at_once_with_the_words_still_in_the_prompt(chat_with, store, tmp_path):
    async with terminal(chat_with("Yes.", DONE), tmp_path) as at:
        store.down = True
        await at.say("Keep me")
        await at.until(lambda: at.notice == "Couldn't send: The store is down.")
        assert at.composer_text == "Keep me"
        await at.sees("○")
        store.down = False
        await at.press("enter")
        await at.sees("Yes.")
        assert at.composer_text == ""
    assert message_texts(store, only_session(store).id) == ["Keep me", "Yes."]


@async_test
async def test_a_message_that_is_too_large_stays_in_the_prompt_to_be_made_shorter(chat_with, store, tmp_path):
    async with terminal(chat_with("Yes.", DONE), tmp_path) as at:
        store.rejects_as_too_large = True
        await at.say("Keep me")
        await at.until(lambda: at.notice.startswith("Couldn't send: The message is too large. The limit is 15 MiB."))
        assert at.composer_text == "Keep me"
    assert store.page("ann").sessions == ()


@async_test
async def test_a_message_whose_save_was_not_acknowledged_is_not_stored_twice(chat_with, store, tmp_path):
    async with terminal(chat_with("Yes.", DONE), tmp_path) as at:
        store.loses_acknowledgements = True
        await at.say("Once")
        await at.until(lambda: at.notice == "Couldn't send: The store's answer was lost.")
        store.loses_acknowledgements = False
        await at.press("enter")
        await at.sees("Yes.")
    assert message_texts(store, only_session(store).id) == ["Once", "Yes."]


@async_test
async def test_a_reply_that_is_not_saved_says_so_until_it_is(chat_with, store, tmp_path):
    gate, end = Gate(), Gate()
    async with terminal(chat_with("It begins", gate, ", goes on", end, DONE, checkpoint_seconds=0.01), tmp_path) as at:
        await at.say("Go")
        await at.sees("It begins")
        await at.until(lambda: len(only_session(store).messages) == 2)
        store.down = True
        gate.open()
        await at.until(lambda: at.notice == "Couldn't save this reply: The store is down. Retrying…")
        await at.sees("It begins, goes on")
        store.down = False
        await at.until(lambda: at.notice == "")
        end.open()
        await at.until(lambda: not at.app.conversation._reply)
    assert message_texts(store, only_session(store).id) == ["Go", "It begins, goes on"]


@async_test
async def test_a_bot_that_fails_says_why_and_r_asks_it_again(chat_with, store, tmp_path):
    chat = chat_with(BotError("There is [no] key."))
    async with terminal(chat, tmp_path) as at:
        await at.say("Are you there?")
        await at.until(lambda: at.notice.startswith("There is [no] key."))
        await at.until(lambda: not at.app.conversation._reply)
        chat.bot._script = ("Now I am.", DONE)
        await at.press("escape", "r", "right", "enter")
        await at.sees("Now I am.")
    assert message_texts(store, only_session(store).id) == ["Are you there?", "Now I am."]


@async_test
async def test_an_unanswered_message_is_asked_again_after_a_restart(chat_with, store, tmp_path):
    session = stored(store, bot_id="b")
    async with terminal(chat_with("At last.", DONE), tmp_path, find_initial=lambda chat: chat.latest("ann")) as at:
        await at.sees("message 0")
        assert at.notice == "No reply yet. To retry, press Escape, then r."
        await at.press("escape", "r", "right", "enter")
        await at.sees("At last.")
    assert message_texts(store, session.id) == ["message 0", "At last."]


@async_test
async def test_another_answer_and_the_one_before_are_branches_to_go_between(chat_with, store, tmp_path):
    chat = chat_with("First answer.", DONE)
    async with terminal(chat, tmp_path) as at:
        await at.say("Why?")
        await at.sees("First answer.")
        await at.until(lambda: not at.app.conversation._reply)
        chat.bot._script = ("Second answer.", DONE)
        await at.press("escape", "r", "right", "enter")
        await at.sees("Second answer.")
        assert "First answer." not in at.text
        await at.until(lambda: not at.app.conversation._reply)
        await at.press("left_square_bracket")
        await at.sees("First answer.")
        assert "Second answer." not in at.text
        await at.press("right_square_bracket")
        await at.sees("Second answer.")
    assert message_texts(store, only_session(store).id) == ["Why?", "First answer.", "Second answer."]


@async_test
async def test_an_earlier_message_is_edited_and_the_old_branch_stays(chat_with, store, tmp_path):
    chat = chat_with("An answer.", DONE)
    async with terminal(chat, tmp_path) as at:
        await at.say("Teh question")
        await at.sees("An answer.")
        await at.until(lambda: not at.app.conversation._reply)
        await at.type("half a thought")
        await at.press("escape", "e")
        assert at.composer_text == "Teh question"
        assert "Editing" in at.notice
        await at.press("escape")
        assert at.composer_text == "half a thought"
        await at.press("escape", "e")
        await at.press("end", *["backspace"] * len("Teh question"))
        await at.say("The question")
        await at.until(lambda: at.composer_text == "half a thought")
        await at.until(lambda: not at.app.conversation._reply)
        await at.sees("The question")
    assert message_texts(store, only_session(store).id) == ["Teh question", "An answer.", "The question", "An answer."]


@async_test
async def test_feedback_with_a_comment_is_stored_and_the_same_key_takes_it_back(chat_with, store, tmp_path):
    async with terminal(chat_with("An answer.", DONE), tmp_path) as at:
        await at.say("Why?")
        await at.sees("An answer.")
        await at.until(lambda: not at.app.conversation._reply)
        await at.press("escape", "plus")
        await at.sees("Good response")
        await at.type("so [true]")
        await at.press("enter")
        await at.until(lambda: "Feedback saved." in at.toasts)
        given = only_session(store).messages[1].feedback
        assert (given["rating"], given["comment"]) == ("up", "so [true]")
        await at.press("plus")
        await at.until(lambda: "Feedback removed." in at.toasts)
        assert only_session(store).messages[1].feedback is None


@async_test
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
        await at.until(lambda: "Feedback saved." in at.toasts)
    assert only_session(store).messages[1].feedback["comment"] == "wrong"


@async_test
async def test_another_bot_answers_from_then_on(chat_with, store, tmp_path):
    chat = chat_with("I am b.", DONE)
    chat.turns.bots.replace({**chat.turns.bots, "c": ScriptedBot("I am c.", DONE, bot_id="c")}, "b")
    async with terminal(chat, tmp_path) as at:
        await at.say("Who?")
        await at.sees("I am b.")
        await at.until(lambda: not at.app.conversation._reply)
        await at.press("ctrl+b")
        await at.sees("Model for this chat")
        await at.press("down", "enter")
        await at.until(lambda: "Model changed to c. Applies from your next message." in at.toasts)
        await at.sees("c (scripted)")
        await at.say("And now?")
        await at.sees("I am c.")
    assert only_session(store).bot_id == "c"


@async_test
async def test_a_person_goes_on_with_a_bot_of_their_choice_in_a_session_of_agents(chat_with, store, tmp_path):
    session = stored(store, bot_id="agent")
    store.append(session, Message(role="assistant", content="I am an agent.", agent_id="desk"))
    first = {"find_initial": lambda chat: chat.latest("ann"), "size": (160, 30)}  # toasts cover no message
    async with terminal(chat_with("I am b.", DONE), tmp_path, **first) as at:
        await at.sees("I am an agent.")
        await at.say("Who?")
        await at.until(lambda: "Press Ctrl+B to choose a model." in at.notice)
        await at.press("ctrl+b")
        await at.sees("Model for this chat")
        await at.press("enter")
        await at.until(lambda: "Model changed to b. Applies from your next message." in at.toasts)
        await at.press("enter")
        await at.sees("I am b.")
        rows = [row.strip() for row in at.text.splitlines()]
        assert any(row.endswith("│  desk") for row in rows)
        assert any(row.endswith("│  b") for row in rows)
        assert not any(row.endswith("│  agent") for row in rows)


@async_test
async def test_the_bot_named_at_the_start_answers_in_the_session_to_begin_with(chat_with, store, tmp_path):
    session = stored(store, bot_id="gone")
    first = {"find_initial": lambda chat: chat.latest("ann"), "bot": "b"}
    async with terminal(chat_with("Here.", DONE), tmp_path, **first) as at:
        await at.until(lambda: "Model changed to b. Applies from your next message." in at.toasts)
        await at.say("Who?")
        await at.sees("Here.")
    assert store.get("ann", session.id).bot_id == "b"


@async_test
async def test_who_leaves_with_a_reply_that_is_not_saved_is_asked_and_can_wait_for_it(chat_with, store, tmp_path):
    gate = Gate()
    async with terminal(chat_with("It begins", gate, ", ends.", DONE, checkpoint_seconds=0.01), tmp_path) as at:
        await at.say("Go")
        await at.sees("It begins")
        await at.until(lambda: len(only_session(store).messages) == 2)
        store.down = True
        gate.open()
        await at.until(lambda: at.notice.startswith("Couldn't save this reply: The store is down."))
        await at.press("ctrl+q")
        await at.sees(
            "A reply isn't saved: The store is down.", "Save to file (s)", "Wait (w)", "Quit without saving (q)"
        )
        await at.press("w")
        assert at.app.is_running
        await at.press("ctrl+n")  # another session: the reply is still the program's alone
        await at.until(lambda: not at.app.conversation.session.rev)
        await at.press("ctrl+c", "ctrl+c")
        await at.sees("A reply isn't saved: The store is down.")
        await at.press("escape")
        store.down = False
        await at.until(lambda: not at.app.unsaved_replies)
        await at.press("ctrl+q")
        await at.until(lambda: not at.app.is_running)
    assert message_texts(store, only_session(store).id) == ["Go", "It begins, ends."]


@async_test
async def test_ctrl_c_in_the_question_leaves_as_if_to_save(chat_with, store, tmp_path):
    gate = Gate()
    async with terminal(chat_with(gate, "All.", DONE, checkpoint_seconds=0.01), tmp_path) as at:
        await at.say("Go")
        await at.until(lambda: len(store.page("ann").sessions) == 1)
        store.down = True
        gate.open()
        await at.until(lambda: at.app.unsaved_replies)
        await at.press("ctrl+q")
        await at.sees("Save to file (s)")
        await at.press("ctrl+c")
        await at.until(lambda: not at.app.is_running)
        assert not at.app.discards_unsaved


@async_test
async def test_a_reply_that_another_program_waits_for_says_so_and_is_stopped(chat_with, store, tmp_path):
    elsewhere = Turns({"b": ScriptedBot(Gate())}, checkpoint_seconds=0.1)
    session = Session(user="ann", bot_id="b")
    reply = Chat(store, elsewhere, default_bot="b").send("ann", session, "Go")
    first = lambda chat: chat.latest("ann")  # noqa: E731
    async with terminal(chat_with("Yes.", DONE), tmp_path, find_initial=first) as at:
        await at.until(lambda: at.notice.startswith("Streaming in another window or program."))
        await at.press("escape")
        await at.until(lambda: reply.settled)
        assert reply.message.status == "stopped"
    elsewhere.close(timeout=0)


@async_test
async def test_words_typed_while_the_messages_have_the_focus_store_and_request_nothing(chat_with, store, tmp_path):
    chat = chat_with("First answer.", DONE)
    async with terminal(chat, tmp_path) as at:
        await at.say("Why?")
        await at.sees("First answer.")
        await at.until(lambda: not at.app.conversation._reply)
        await at.press("escape", *"rory", "enter")
        await at.press(*"fyi", "enter")
        await at.press(*"n", *"yes", "enter")
        await at.press(*"oy", "enter")
        await at.until(lambda: at.app.screen is at.app.screen_stack[0])
        assert len(chat.bot.prompts) == 1
    assert message_texts(store, only_session(store).id) == ["Why?", "First answer."]
    assert store.preferences("ann").topics != "shown"


@async_test
async def test_page_keys_in_the_composer_scroll_the_messages(chat_with, store, tmp_path):
    session = stored(store, messages=60, bot_id="b")
    async with terminal(chat_with(), tmp_path, find_initial=lambda chat: chat.open("ann", session.id)) as at:
        await at.sees("message 59")
        assert at.app.conversation.composer.has_focus
        await at.press("pageup")
        await at.until(lambda: "message 59" not in at.text)
        await at.press("pagedown", "pagedown")
        await at.sees("message 59")
        assert at.app.conversation.composer.has_focus
