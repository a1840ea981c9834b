"""A shared link in Chromium: made in the chat, read by another browser, revoked."""

import pytest
from playwright.sync_api import expect
from support.web.browser import chromium_binary

from botchat.core.models import Message, Session

pytestmark = pytest.mark.skipif(chromium_binary() is None, reason="no Chromium here: install it to run these")


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
