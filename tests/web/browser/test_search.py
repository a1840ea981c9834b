"""Search in Chromium: results while typing, and a chat that opens at the message that was found."""

import pytest
from playwright.sync_api import expect
from support.web.browser import chromium_binary

from botchat.core.models import Message, Session

pytestmark = pytest.mark.skipif(chromium_binary() is None, reason="no Chromium here: install it to run these")


def test_a_word_is_found_while_typing_and_opens_its_message_wherever_it_is(
    local_shell, serve, visitor, local_repository
):
    session = Session(user="ann", bot_id="demo")
    contents = ["a <b>Heron</b> & more" if i == 2 else f"number {i}" for i in range(500)]
    session.messages = [
        Message(role="user" if i % 2 == 0 else "assistant", content=text) for i, text in enumerate(contents)
    ]
    local_repository.save(session)
    visitor.visit(serve(local_shell).address)
    visitor.page.evaluate("window.notReloaded = true")
    visitor.page.get_by_label("Search chats").press_sequentially("heron")
    found = visitor.page.locator(".botchat-hit")
    expect(found).to_have_text(["a <b>Heron</b> & more"])
    expect(found.locator("mark")).to_have_text("Heron")
    visitor.page.get_by_label("Search chats").press("ArrowDown")
    visitor.page.keyboard.press("ArrowDown")
    expect(found).to_be_focused()
    visitor.page.keyboard.press("Enter")
    message = visitor.page.locator('[data-testid="stChatMessage"][data-found]')
    expect(message).to_contain_text("a <b>Heron</b> & more")
    expect(message).to_be_in_viewport()
    visitor.page.wait_for_function("[...(CSS.highlights.get('botchat-words') ?? [])].join() === 'Heron'")
    assert visitor.page.evaluate("window.notReloaded")
    assert f"message={session.messages[2].id}" in visitor.page.url
    expect(visitor.page.get_by_text("number 499", exact=True)).to_have_count(0)
    visitor.page.get_by_role("button", name="Load later messages").click()
    expect(visitor.page.get_by_text("number 99", exact=True)).to_be_attached()
    visitor.rests()
    visitor.page.locator(".st-key-show-newest button").click()
    expect(visitor.page.get_by_text("number 499", exact=True)).to_be_attached()
    visitor.page.get_by_label("Search chats").press("Escape")
    expect(visitor.page.get_by_label("Search chats")).to_have_value("")
    expect(visitor.page.locator(".botchat-results")).to_have_count(0)


def test_a_link_to_a_message_of_another_version_shows_that_version(local_shell, serve, visitor, local_repository):
    session = Session(user="ann", bot_id="demo")
    first = Message(role="user", content="which bird")
    old = Message(role="assistant", content="an egret")
    new = Message(role="assistant", content="a heron", parent=first.id)
    session.messages = [first, old, new]
    local_repository.save(session)
    visitor.visit(f"{serve(local_shell).address}/?session={session.id}&message={old.id}")
    visitor.sees("viewing another version")
    expect(visitor.messages.filter(has_text="an egret")).to_be_visible()
    assert local_repository.get("ann", session.id).head is None
    visitor.click("Show current version")
    expect(visitor.messages.filter(has_text="a heron")).to_be_visible()
