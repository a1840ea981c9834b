"""Actions on sessions in the list, and undo."""

from support.stores.sessions import stored
from support.tui.lists import count_line, store_sessions
from support.tui.stories import async_test, terminal


@async_test
async def test_a_name_that_could_not_be_stored_is_asked_for_again(flaky_chat, store, tmp_path):
    session = stored(store, name="Hernos")
    async with terminal(flaky_chat, tmp_path) as at:
        at.app.sessions.list.focus()
        await at.press("r")
        await at.press(*["backspace"] * 6)
        await at.type("[/b] Herons")
        flaky_chat._repository.fails = True
        await at.press("enter")
        await at.sees("The store is away.", "[/b] Herons")
        flaky_chat._repository.fails = False
        await at.press("enter")
        await at.until(lambda: at.names == ["[/b] Herons"])
    assert store.get("ann", session.id).name == "[/b] Herons"


@async_test
async def test_a_session_is_renamed_everywhere_it_is_shown(chat_with, store, tmp_path):
    session = stored(store, name="Hernos")
    async with terminal(chat_with(), tmp_path, find_initial=lambda chat: chat.latest("ann")) as at:
        await at.press("ctrl+r")
        await at.press(*["backspace"] * 6)
        await at.type("Herons")
        await at.press("enter")
        await at.until(lambda: at.app.header.state.name == "Herons")
        assert at.names == ["Herons"]
    assert store.get("ann", session.id).name == "Herons"


@async_test
async def test_a_session_is_deleted_after_a_question_and_u_brings_it_back(chat_with, store, tmp_path):
    store_sessions(store, 2)
    async with terminal(chat_with(), tmp_path) as at:
        at.app.sessions.list.focus()
        await at.press("d")
        await at.sees("Move “number 1” to trash?")
        await at.press("n")
        assert len(at.names) == 2
        await at.press("d", "y")
        await at.until(lambda: at.names == ["number 0"])
        assert count_line(at) == "1 chat"
        assert "“number 1” moved to trash. Press u to undo." in at.toasts
        assert store.count("ann") == 1
        await at.press("u")
        await at.until(lambda: at.names == ["number 1", "number 0"])
        assert store.count("ann") == 2
        await at.press("u")
        await at.until(lambda: "Nothing to undo." in at.toasts)


@async_test
async def test_an_old_session_comes_back_to_its_place_also_in_a_search(chat_with, store, tmp_path):
    store_sessions(store, 3)
    async with terminal(chat_with(), tmp_path) as at:
        at.app.sessions.list.focus()
        await at.press("slash")
        await at.type("number")
        await at.until(lambda: count_line(at) == "3 results")
        await at.press("enter", "down", "d", "y")
        await at.until(lambda: at.names == ["number 2", "number 0"])
        await at.press("u")
        await at.until(lambda: at.names == ["number 2", "number 1", "number 0"])


@async_test
async def test_the_archive_and_the_trash_are_views_and_give_back(chat_with, store, tmp_path):
    store_sessions(store, 3)
    async with terminal(chat_with(), tmp_path) as at:
        at.app.sessions.list.focus()
        await at.press("a")
        await at.until(lambda: at.names == ["number 1", "number 0"])
        await at.press("d", "y")
        await at.until(lambda: at.names == ["number 0"])
        await at.press("v")
        await at.until(lambda: at.names == ["number 2"])
        assert count_line(at) == "1 chat · archive"
        await at.press("a")
        await at.sees("No archived chats.")
        await at.press("v")
        await at.until(lambda: at.names == ["number 1"])
        await at.press("d")
        await at.sees("This can't be undone.")
        await at.press("y")
        await at.sees("Trash is empty.")
        await at.press("v")
        await at.until(lambda: at.names == ["number 2", "number 0"])


@async_test
async def test_a_session_is_pinned_and_unpinned(chat_with, store, tmp_path):
    session = stored(store)
    async with terminal(chat_with(), tmp_path) as at:
        at.app.sessions.list.focus()
        await at.press("p")
        await at.sees("★ message 0")
        assert store.get("ann", session.id).pinned
        await at.press("p")
        await at.until(lambda: "★" not in at.text)
        assert not store.get("ann", session.id).pinned
