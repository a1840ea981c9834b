"""A restart of the server loses nothing that a tab typed or sent, even before the new process has drawn the page."""

import re

import pytest
from playwright.sync_api import expect
from streamlit.testing.v1 import AppTest
from support.fakes import DONE
from support.web.browser import chromium_binary
from support.web.tabs import PAGE, click, conversation_texts, open_session_id, pick


def restart(tab):
    """Run the page in a new process: the tab sends the values of its widgets, and the server knows nothing of them."""
    values = tab._tree.get_widget_states()
    fresh = AppTest.from_file(PAGE)
    tab._session_state, tab.session_state = fresh._session_state, fresh.session_state
    tab._run(values)
    assert not tab.exception, tab.exception


def stored_texts(site, tab) -> list[str]:
    return [message.content for message in site.store.get("ann", open_session_id(tab)).messages]


@pytest.fixture
def tab(site):
    """A tab with an answered message."""
    tab = site.say(site.open(), "Hi")
    return site.settle(tab, open_session_id(tab))


def test_a_message_that_reaches_a_new_process_first_is_sent_once(site, tab):
    tab.chat_input[0].set_value("Still there?")
    restart(tab)
    site.settle(tab, open_session_id(tab))
    site.run(tab)
    assert stored_texts(site, tab) == ["Hi", "Yes.", "Still there?", "Yes."]
    site.say(tab, "And now?")
    site.settle(tab, open_session_id(tab))
    assert stored_texts(site, tab)[4:] == ["And now?", "Yes."]


def test_the_first_message_of_a_chat_is_sent_with_the_system_prompt_and_the_files_of_the_tab(site):
    tab = site.open()
    tab.text_area[0].set_value("Be short.")
    tab.chat_input[0].set_value("What is in it?").upload("heron.txt", b"A heron waits.", "text/plain")
    restart(tab)
    site.settle(tab, open_session_id(tab))
    session = site.store.get("ann", open_session_id(tab))
    assert session.system == "Be short."
    assert [message.content for message in session.messages] == ["What is in it?", "Yes."]
    assert [file.name for file in session.messages[0].files] == ["heron.txt"]


def test_while_the_store_is_down_the_message_returns_to_the_input(site, tab):
    tab.chat_input[0].set_value("Still there?")
    site.follow("Yes.", DONE)  # no reply of the process before
    site.store.down = True
    restart(tab)
    assert tab.chat_input[0].value == "Still there?"
    assert "The store is down" in tab.warning[0].value
    site.store.down = False
    site.run(tab)
    site.say(tab, "Still there?")
    site.settle(tab, open_session_id(tab))
    assert stored_texts(site, tab)[2:] == ["Still there?", "Yes."]


def test_the_editor_of_a_message_stays_open_with_its_text(site, tab):
    question = site.store.get("ann", open_session_id(tab)).messages[0].id
    pick(tab, f"menu {question}", "Edit")
    tab.text_area(f"edited {question}").set_value("Hello")
    tab.button("send edited").click()  # the new process knows no callback of it
    restart(tab)
    assert tab.text_area(f"edited {question}").value == "Hello"
    site.settle(click(tab, "send edited"), open_session_id(tab))
    assert conversation_texts(tab)[0] == "Hello"
    assert not tab.text_area


def test_the_dialog_of_a_name_stays_open_with_its_text(site, tab):
    pick(tab, "session menu", "Rename")
    tab.text_input("new name").set_value("Herons")
    restart(tab)
    assert tab.text_input("new name").value == "Herons"
    click(tab, "save name")
    assert site.store.get("ann", open_session_id(tab)).name == "Herons"


@pytest.mark.skipif(chromium_binary() is None, reason="no Chromium here: install it to run these")
def test_a_message_sent_between_the_reconnect_and_the_first_run_is_answered(local_shell, serve, visitor):
    held: list[bytes | str] = []
    opened: list[object] = []

    def connect(socket):
        """Hold what the tab sends after the restart until its message is among it."""
        server = socket.connect_to_server()
        opened.append(server)
        is_first, is_released = len(opened) == 1, False

        def forward(data):
            nonlocal is_released
            is_text = b"Still there?" in (data if isinstance(data, bytes) else data.encode())
            if is_first or is_released:
                server.send(data)
                return
            held.append(data)
            if is_text:
                is_released = True
                for each in held:
                    server.send(each)

        socket.on_message(forward)

    visitor.page.route_web_socket(re.compile("_stcore/stream"), connect)
    page = serve(local_shell)
    visitor.visit(page.address)
    visitor.say("Hello")
    expect(visitor.messages).to_have_count(2)
    visitor.rests()
    connected = visitor.page.locator("[data-test-connection-state=CONNECTED]")
    page.stop()
    expect(connected).to_have_count(0)
    page.start(page.port)
    expect(connected).to_have_count(1)
    visitor.say("Still there?")
    expect(visitor.messages).to_have_count(4)
    assert len(held) > 1
    visitor.sees("Still there?")
