"""The composer in Chromium: the focus, Stop, keys, input methods and dropped files."""

import threading

import pytest
from playwright.sync_api import expect
from support.bots.stub_server import streamed
from support.web.browser import PHONE, Visitor, chromium_binary

pytestmark = pytest.mark.skipif(chromium_binary() is None, reason="no Chromium here: install it to run these")


@pytest.fixture
def page_address(local_shell, serve):
    """The page itself, on an empty store."""
    return serve(local_shell).address


@pytest.fixture
def held_reply(local_shell, stub_for):
    """A bot whose reply pauses in the middle until the event is set."""
    rest = threading.Event()
    stub_for(local_shell, [streamed(["The first half ", rest, "and the second half."])])
    yield rest
    rest.set()


def waits_for_stop(visitor: Visitor):
    return visitor.page.get_by_role("button", name="Stop")


def test_it_has_the_focus_at_first_and_in_a_new_chat(page_address, visit):
    visitor = visit(page_address)
    expect(visitor.line).to_be_focused()
    visitor.page.keyboard.type("think")
    visitor.page.keyboard.press("Enter")
    visitor.sees("Having thought about it")
    visitor.page.get_by_text("Having thought about it").click()
    visitor.click("New chat")
    expect(visitor.line).to_be_focused()


def test_on_a_touch_screen_nothing_opens_the_keyboard(page_address, visit):
    visitor = visit(page_address, PHONE, has_touch=True, is_mobile=True)
    visitor.rests()
    expect(visitor.line).not_to_be_focused()


@pytest.mark.parametrize("by", ["click", "Escape"])
def test_while_a_reply_streams_stop_is_where_send_is_and_escape_presses_it(held_reply, local_shell, serve, visit, by):
    visitor = visit(serve(local_shell).address)
    send = visitor.page.get_by_test_id("stChatInputSubmitButton")
    place = send.bounding_box()
    visitor.say("Go")
    visitor.sees("The first half")
    stop = waits_for_stop(visitor)
    visitor.page.wait_for_function(
        """() => {
            const [stop, send] = ['.st-key-stop button', '[data-testid="stChatInputSubmitButton"]']
                .map((each) => document.querySelector(each)?.getBoundingClientRect());
            return stop && Math.abs(stop.x - send.x) < 2 && Math.abs(stop.y - send.y) < 2;
        }"""
    )
    assert place is not None
    if by == "click":
        stop.click()
    else:
        visitor.line.press("Escape")
    visitor.sees("Stopped.")
    expect(send).to_be_visible()


def test_up_in_an_empty_composer_edits_the_last_message_and_escape_leaves_it(page_address, visit):
    visitor = visit(page_address)
    visitor.say("think")
    visitor.sees("Having thought about it")
    expect(visitor.page.get_by_role("button", name="Edit")).to_be_attached()
    visitor.line.press("ArrowUp")
    editor = visitor.page.get_by_label("Edit message")
    expect(editor).to_be_focused()
    visitor.page.keyboard.press("Escape")
    expect(editor).to_have_count(0)
    expect(visitor.line).to_be_focused()


def test_ctrl_enter_sends_an_edited_message(page_address, visit):
    visitor = visit(page_address)
    visitor.say("think")
    visitor.sees("Having thought about it")
    visitor.page.get_by_role("button", name="Edit").click(force=True)
    editor = visitor.page.get_by_label("Edit message")
    expect(editor).to_be_focused()
    visitor.page.keyboard.type(" again")
    visitor.page.keyboard.press("Control+Enter")
    expect(editor).to_have_count(0)
    expect(visitor.messages.first).to_contain_text("think again")


def test_enter_that_confirms_a_composition_does_not_send(page_address, visit):
    visitor = visit(page_address)
    visitor.line.fill("か")
    visitor.line.evaluate(
        """it => it.dispatchEvent(new KeyboardEvent("keydown", {
            key: "Enter", code: "Enter", keyCode: 229, which: 229, bubbles: true, cancelable: true }))"""
    )
    visitor.rests()
    expect(visitor.line).to_have_value("か")
    expect(visitor.messages).to_have_count(0)
    visitor.line.press("Enter")
    expect(visitor.messages.first).to_contain_text("か")


def test_a_file_dropped_anywhere_is_attached(page_address, visit):
    visitor = visit(page_address)
    visitor.page.evaluate(
        """() => {
            const files = new DataTransfer();
            files.items.add(new File(["Herons wait."], "herons.txt", { type: "text/plain" }));
            for (const type of ["dragover", "drop"])
                document.querySelector('[data-testid="stSidebar"]').dispatchEvent(
                    new DragEvent(type, { dataTransfer: files, bubbles: true, cancelable: true }));
        }"""
    )
    expect(visitor.page.get_by_test_id("stChatInput")).to_contain_text("herons.txt")
    visitor.say("Read this")
    visitor.sees("herons.txt")


def test_a_question_mark_shows_the_shortcuts(page_address, visit):
    visitor = visit(page_address)
    visitor.say("think")
    visitor.page.get_by_text("Having thought about it").click()
    visitor.page.keyboard.press("?")
    sheet = visitor.page.get_by_role("dialog", name="Keyboard shortcuts")
    expect(sheet).to_be_visible()
    visitor.page.keyboard.press("Escape")
    expect(sheet).to_have_count(0)


def test_a_lost_connection_is_said_in_our_words(local_shell, serve, visitor):
    site = serve(local_shell)
    visitor.visit(site.address)
    site.stop()
    expect(visitor.page.get_by_role("status").filter(has_text="Connection lost. Reconnecting…")).to_be_visible()
    streamlits = visitor.page.get_by_text("Streamlit server is not responding")
    expect(streamlits).to_be_attached()
    expect(streamlits).to_be_hidden()
