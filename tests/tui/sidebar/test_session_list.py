"""The session list: pages, search, filters, layout."""

import threading

import pytest
from support.fakes import DONE, ScriptedBot
from support.stores.sessions import stored
from support.tui.lists import START, count_line, store_sessions
from support.tui.stories import async_test, terminal

from botchat.core.chat import Chat
from botchat.core.turn import Turns


@async_test
async def test_120_sessions_are_listed_50_100_and_120_by_m(chat_with, store, tmp_path):
    store_sessions(store, 120)
    stored(store, "bob", name="not mine")
    async with terminal(chat_with(), tmp_path) as at:
        await at.until(lambda: count_line(at) == "Showing 50 of 120")
        assert at.app.sessions.list.tail == ("more", "Load more (m)")
        at.app.sessions.list.focus()
        await at.press("m")
        await at.until(lambda: count_line(at) == "Showing 100 of 120")
        await at.press("m")
        await at.until(lambda: count_line(at) == "120 chats")
        assert at.app.sessions.list.tail == ("none", "")
        assert at.names == [f"number {i}" for i in range(119, -1, -1)]


@pytest.mark.parametrize("number", [0, 1, 49, 50, 51, 100, 101])
def test_getting_near_the_end_loads_all_there_is_once_each(chat_with, store, tmp_path, number):
    store_sessions(store, number)

    @async_test
    async def to_the_end():
        async with terminal(chat_with(), tmp_path) as at:
            at.app.sessions.list.focus()
            while at.app.sessions.list.tail[0] in {"more", "loading"}:
                await at.press("end")
                await at.settled()
            assert at.names == [f"number {i}" for i in range(number - 1, -1, -1)]

    to_the_end()


@async_test
async def test_moving_down_loads_more_before_the_end_is_seen(chat_with, store, tmp_path):
    store_sessions(store, 60)
    async with terminal(chat_with(), tmp_path) as at:
        at.app.sessions.list.focus()
        await at.press(*["down"] * 46)
        await at.until(lambda: len(at.names) == 60)
        assert at.app.sessions.current.name == "number 13"


@async_test
async def test_a_page_that_fails_is_told_in_its_place_and_is_not_the_end(flaky_chat, store, tmp_path):
    store_sessions(store, 60)
    async with terminal(flaky_chat, tmp_path) as at:
        at.app.sessions.list.focus()
        flaky_chat._repository.fails = True
        await at.press("m")
        await at.until(lambda: at.app.sessions.list.tail == ("error", "The store is away. Press Enter to retry."))
        assert len(at.names) == 50
        flaky_chat._repository.fails = False
        await at.press("end", "enter")
        await at.until(lambda: len(at.names) == 60)


@async_test
async def test_a_first_page_that_fails_is_never_an_empty_list(flaky_chat, store, tmp_path):
    store_sessions(store, 3)
    flaky_chat._repository.fails = True
    async with terminal(flaky_chat, tmp_path) as at:
        await at.sees("The store is away.")
        assert "No chats yet" not in at.text
        flaky_chat._repository.fails = False
        at.app.sessions.list.focus()
        await at.press("m")
        await at.until(lambda: len(at.names) == 3)


@async_test
async def test_a_search_finds_names_and_contents_page_by_page(flaky_chat, store, tmp_path):
    store_sessions(store, 60)
    stored(store, name="Herons [/]")
    async with terminal(flaky_chat, tmp_path) as at:
        at.app.sessions.list.focus()
        await at.press("slash")
        await at.type("heron")
        await at.until(lambda: at.names == ["Herons [/]"])
        assert count_line(at) == "1 result"
        assert [text for _, text in flaky_chat._repository.asked if text] == ["heron"]  # once, not for each letter
        await at.press(*["backspace"] * 5)
        await at.type("message 0")
        await at.until(lambda: count_line(at) == "50+ results")
        await at.press("enter", "m")
        await at.until(lambda: count_line(at) == "61 results")
        await at.press("slash")
        await at.type(" nothing like it")
        await at.sees("No results for")
        await at.press("escape")
        await at.until(lambda: count_line(at) == "Showing 50 of 61")


@async_test
async def test_the_list_can_be_of_one_bot(chat_with, store, tmp_path):
    stored(store, name="with b", bot_id="b")
    stored(store, name="with demo", bot_id="demo")
    async with terminal(chat_with(), tmp_path) as at:
        at.app.sessions.list.focus()
        await at.press("b")
        await at.sees("Filter by model")
        await at.press("down", "enter")
        await at.until(lambda: at.names == ["with b"])
        assert count_line(at) == "1 chat · b"


@async_test
async def test_in_a_narrow_terminal_a_key_shows_the_list_and_hides_it(chat_with, store, tmp_path):
    stored(store, name="Herons")
    async with terminal(chat_with(), tmp_path, size=(50, 20)) as at:
        assert "Herons" not in at.text
        await at.press("ctrl+l")
        await at.sees("Herons", "1 chat")
        await at.press("enter")
        await at.sees("message 0")
        assert "1 chat" not in at.text


@async_test
async def test_in_a_narrow_terminal_escape_leads_from_the_list_to_the_composer(chat_with, store, tmp_path):
    stored(store, name="Herons")
    async with terminal(chat_with(), tmp_path, size=(50, 20)) as at:
        await at.press("ctrl+l")
        await at.sees("Herons")
        await at.press("escape")
        await at.until(lambda: "Herons" not in at.text)
        assert at.app.conversation.composer.has_focus


@async_test
async def test_a_terminal_that_becomes_narrow_keeps_showing_the_composer_that_has_the_focus(chat_with, tmp_path):
    async with terminal(chat_with(), tmp_path, size=(80, 24)) as at:
        await at.press("ctrl+l", "escape")
        assert at.app.conversation.composer.has_focus
        await at._pilot.resize_terminal(60, 20)
        await at.settled()
        assert at.app.conversation.composer.has_focus
        await at.sees("Message botchat…")


@async_test
async def test_a_wide_terminal_hides_the_list_when_asked_twice(chat_with, store, tmp_path):
    stored(store, name="Herons")
    async with terminal(chat_with(), tmp_path) as at:
        await at.press("ctrl+l", "ctrl+l")
        assert "Herons" not in at.text
        assert at.app.conversation.composer.has_focus
        await at.press("ctrl+l")
        await at.sees("Herons")


@async_test
async def test_the_rows_of_5000_sessions_are_drawn_only_where_they_are_seen(chat_with, store, tmp_path):
    async with terminal(chat_with(), tmp_path) as at:
        rows = [stored_summary(i) for i in range(5000)]
        at.app.sessions.list.set_rows(rows)
        drawn = set()
        original = at.app.sessions.list._line_of
        at.app.sessions.list._line_of = lambda row, *a, **k: drawn.add(row.id) or original(row, *a, **k)
        at.app.sessions.list.focus()
        await at.press("end")
        await at.sees("number 4999")
        assert len(drawn) < 60


def stored_summary(i: int):
    from botchat.core.models import SessionSummary

    return SessionSummary(str(i), f"number {i}", START, "b", START, 1)


@async_test
async def test_a_click_opens_a_session(chat_with, store, tmp_path):
    store_sessions(store, 3)
    async with terminal(chat_with(), tmp_path) as at:
        await at._pilot.click("#sessions-list", offset=(3, 3))
        await at.until(lambda: at.app.conversation.session.name == "number 1")


@async_test
async def test_a_page_that_comes_late_does_not_replace_a_newer_list(flaky_chat, store, tmp_path):
    store_sessions(store, 60)
    stored(store, name="slow")
    async with terminal(flaky_chat, tmp_path) as at:
        page, gate, posted = flaky_chat._repository.page, threading.Event(), []

        def slow(user, after, limit, where):
            if where.text:
                gate.wait(30)
            return page(user, after, limit, where)

        post = at.app.sessions.post_message
        at.app.sessions.post_message = lambda event: posted.append(event) or post(event)
        flaky_chat._repository.page = slow
        at.app.sessions.list.focus()
        await at.press("slash")
        await at.type("slow")
        await at.press("enter", "slash", "escape")
        await at.until(lambda: count_line(at) == "Showing 50 of 61")
        gate.set()
        await at.until(lambda: any(event.where.text for event in posted if hasattr(event, "where")))
        await at.settled()
        assert len(at.names) == 50


@async_test
async def test_a_name_that_the_bot_gives_a_session_shows_in_the_list_and_above_the_session(store, tmp_path):
    turns = Turns({"b": ScriptedBot("Yes.", DONE, title=("About herons", DONE))}, titles=True)
    async with terminal(Chat(store, turns, default_bot="b"), tmp_path) as at:
        await at.say("Do herons stand?")
        await at.until(lambda: [s.name for s in store.page("ann").sessions] == ["About herons"])
        at.app.conversation.check_changes()
        await at.until(lambda: at.names == ["About herons"] and at.app.header.state.name == "About herons")
    turns.close(timeout=0)
