"""The first minute: from the demo bot to a chat with one's own model, without a restart."""

import pytest
from playwright.sync_api import expect
from support.bots.stub_server import StubBot, streamed, whole
from support.web.browser import Visitor, chromium_binary

pytestmark = pytest.mark.skipif(chromium_binary() is None, reason="no Chromium here: install it to run these")

_KEY = "sk-very-secret-0123456789"


def _answer(request):
    if request.path.endswith("/models"):
        return whole({"object": "list", "data": [{"id": "stub-1", "object": "model"}]})
    return streamed(["Hello from ", "the server."])


def test_from_the_demo_to_a_chat_with_an_added_model_without_a_restart(local_shell, serve, visitor, tmp_path):
    local_shell.environment["PYTHON_KEYRING_BACKEND"] = "keyring.backends.fail.Keyring"
    page = visitor.page
    with StubBot(_answer) as server:
        site = serve(local_shell)
        visitor.visit(site.address)
        visitor.click("Add a model")
        dialog = page.get_by_role("dialog")
        dialog.get_by_role("textbox", name="Name", exact=True).fill("mine")
        dialog.get_by_role("textbox", name="Server URL").fill(server.url)
        dialog.get_by_role("textbox", name="API key", exact=True).fill(_KEY)
        dialog.get_by_role("textbox", name="API key", exact=True).press("Tab")
        dialog.get_by_role("button", name="Test connection").click()
        expect(dialog.get_by_text("replied in")).to_be_visible()
        dialog.get_by_role("button", name="Save").click()
        expect(dialog).to_have_count(0)
        expect(page.get_by_role("button", name="Edit")).to_be_visible()
        visitor.visit(site.address)
        visitor.say("Hi")
        visitor.sees("Hello from the server.")
        expect(page.get_by_role("button", name="Stop")).to_have_count(0)
        assert server.requests[-1].headers["authorization"] == f"Bearer {_KEY}"
    texts = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    assert not [text for text in texts if _KEY.encode() in text]
    assert _KEY not in page.content()
    assert [line[0] for line in local_shell.lines("bots", "list")] == ["mine", "demo"]


def test_only_an_admin_is_offered_to_add_a_model(local_shell, serve, visitor):
    local_shell.configure("admins = []\n")
    site = serve(local_shell)
    visitor.visit(site.address)
    visitor.sees("What can I help with?")
    expect(visitor.page.get_by_role("button", name="Add a model")).to_have_count(0)
    visitor.page.goto(f"{site.address}/?view=settings")
    visitor.sees("Export all chats")
    expect(visitor.page.get_by_role("button", name="Add a model")).to_have_count(0)


def test_a_bot_of_other_users_is_on_no_list_of_the_page(local_shell, serve, browser):
    local_shell.configure('[bots.theirs]\nmodel = "m"\nbase_url = "http://127.0.0.1:1/v1"\nusers = ["bob"]\n')
    context = browser.new_context()
    visitor = Visitor(context.new_page())
    site = serve(local_shell)
    visitor.visit(site.address)
    picker = visitor.page.get_by_role("combobox", name="Model")
    expect(picker).to_have_value("Demo · canned replies, no AI")
    picker.click()
    expect(visitor.page.get_by_role("option")).to_have_text(["Demo · canned replies, no AI"])
    context.close()
    assert [line[0] for line in local_shell.lines("bots", "list", "--user", "ann")] == ["demo"]
    assert [line[0] for line in local_shell.lines("bots", "list", "--user", "bob")] == ["theirs", "demo"]
