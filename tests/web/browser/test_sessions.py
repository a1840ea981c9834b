"""Actions on sessions in Chromium, on a SQLite file and a real MongoDB."""

import pytest
from playwright.sync_api import expect
from support.web.browser import chromium_binary

from botchat.core.models import Message, Session

pytestmark = pytest.mark.skipif(chromium_binary() is None, reason="no Chromium here: install it to run these")


def test_sessions_are_found_renamed_archived_deleted_and_brought_back(shell, serve, visitor, repository_at):
    for name in ("about herons", "about fish"):
        repository_at.append(Session(user="ann", bot_id="demo"), Message(role="user", content=name))
    visitor.visit(serve(shell).address)
    expect(visitor.list).to_have_count(2)
    search = visitor.page.get_by_label("Search chats")
    search.fill("HERONS")
    found = visitor.page.locator(".botchat-results strong")
    expect(found).to_have_text(["about herons"])
    found.first.click()
    visitor.pick("Chat options", "Rename")
    visitor.page.get_by_label("Name", exact=True).fill("about **storks**")
    visitor.click("Save")
    expect(visitor.page).to_have_title("about **storks** · botchat")
    visitor.pick("Chat options", "Archive")
    visitor.sees("This chat is archived.")
    visitor.click("Undo")
    search.fill("")
    search.press("Enter")
    expect(visitor.list).to_have_count(2)
    visitor.pick("Chat options", "Delete")
    expect(visitor.list).to_have_text(["about fish"])
    visitor.page.get_by_role("radio", name="Trash").click()
    expect(visitor.list).to_have_text(["about **storks**"])
    visitor.list.first.click()
    visitor.click("Restore")
    visitor.page.get_by_role("radio", name="Chats").click()
    expect(visitor.list).to_have_count(2)


def test_several_sessions_are_deleted_at_once(shell, serve, visitor, repository_at):
    for i in range(3):
        repository_at.append(Session(user="ann", bot_id="demo"), Message(role="user", content=f"number {i}"))
    visitor.visit(serve(shell).address)
    visitor.click("Select")
    visitor.sees("0 selected")
    for i in range(2):
        visitor.page.locator(".st-key-sessions").get_by_text(f"number {i}").click()
        visitor.sees(f"{i + 1} selected")
    visitor.click("Delete")
    expect(visitor.list).to_have_text(["number 2"])
    visitor.click("Undo")
    expect(visitor.list).to_have_count(3)


def test_back_and_forward_lead_through_the_sessions_that_were_opened(local_shell, serve, visitor, local_repository):
    made = [Session(user="ann", bot_id="demo") for _ in range(2)]
    for i, session in enumerate(made):
        local_repository.append(session, Message(role="user", content=f"words of {i}"))
    visitor.visit(f"{serve(local_shell).address}/?session={made[0].id}")
    expect(visitor.messages.filter(has_text="words of 0")).to_be_visible()
    visitor.list.filter(has_text="words of 1").click()
    expect(visitor.messages.filter(has_text="words of 1")).to_be_visible()
    expect(visitor.page).to_have_title("words of 1 · botchat")
    visitor.page.go_back()
    expect(visitor.messages.filter(has_text="words of 0")).to_be_visible()
    expect(visitor.page).to_have_title("words of 0 · botchat")
    visitor.page.go_forward()
    expect(visitor.messages.filter(has_text="words of 1")).to_be_visible()


def test_a_message_is_edited_answered_again_and_rated_and_the_branches_stay(shell, serve, visitor, repository_at):
    visitor.visit(serve(shell).address)
    visitor.say("think")
    visitor.sees("Having thought about it")
    expect(visitor.page.get_by_role("button", name="Stop")).to_have_count(0)
    visitor.rests()
    visitor.page.get_by_test_id("stFeedback").get_by_role("radio").first.click(force=True)
    expect(visitor.page.get_by_label("Comment")).to_be_visible()
    visitor.rests()
    visitor.page.get_by_label("Comment").fill("It is honest.")
    visitor.page.get_by_label("Comment").press("Enter")
    visitor.rests()
    visitor.pick("More", "Regenerate")
    visitor.sees("2/2")
    visitor.click("Previous version")
    visitor.sees("1/2")
    expect(visitor.page.get_by_label("Comment")).to_have_value("It is honest.")
    visitor.page.get_by_role("button", name="More", exact=True).first.click()
    visitor.page.get_by_role("menuitem", name="Edit").click()
    visitor.page.get_by_label("Edit message").fill("hello")
    visitor.page.get_by_role("button", name="Send", exact=True).click()
    visitor.sees("I can't think, but I can show you")
    expect(visitor.page.get_by_role("button", name="Stop")).to_have_count(0)
    (summary,) = repository_at.page("ann").sessions
    stored = repository_at.get("ann", summary.id).messages
    assert [message.role for message in stored] == ["user", "assistant", "assistant", "user", "assistant"]
    assert stored[1].feedback["rating"] == "up"
    assert stored[1].feedback["comment"] == "It is honest."
    assert stored[3].content == "hello"


def test_a_tab_shows_what_another_one_says_in_the_same_session(local_shell, serve, visitor, browser):
    visitor.visit(serve(local_shell).address)
    visitor.say("think")
    visitor.sees("Having thought about it")
    with browser.new_context() as context:
        other = type(visitor)(context.new_page())
        other.visit(visitor.page.url)
        expect(other.messages).to_have_count(2)
        visitor.say("hello")
        other.sees("I can't think, but I can show you")
        expect(other.messages).to_have_count(4)
        expect(other.page.get_by_role("button", name="Stop")).to_have_count(0)
        other.say("long")
        visitor.sees("This is the end of the long reply.")


def test_a_link_is_made_read_in_another_browser_and_revoked(local_shell, serve, visitor, local_repository):
    session = Session(user="ann", bot_id="demo", system="a system prompt")
    local_repository.append(session, Message(role="user", content="Where are herons?"))
    local_repository.append(session, Message(role="assistant", content="**North**.", reasoning_content="a thought"))
    visitor.visit(f"{serve(local_shell).address}/?session={session.id}")
    visitor.pick("Chat options", "Share")
    visitor.click("Create link")
    link = visitor.page.get_by_role("dialog").locator("code")
    expect(link).to_contain_text("/share/")
    address = link.inner_text().strip()

    reader = visitor.page.context.browser.new_context().new_page()
    reader.goto(address)
    expect(reader.get_by_text("Where are herons?").last).to_be_visible()
    expect(reader.locator("strong", has_text="North")).to_be_visible()
    assert "a thought" not in reader.content()
    assert "a system prompt" not in reader.content()

    visitor.page.get_by_role("dialog").get_by_role("button", name="Revoke").click()
    expect(visitor.page.get_by_role("dialog").get_by_role("button", name="Revoke")).to_have_count(0)
    reader.reload()
    expect(reader.get_by_role("heading", name="Link not found")).to_be_visible()
    reader.context.close()
