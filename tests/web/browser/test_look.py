"""The page's script and style in Chromium: drafts, copying, themes, keys, a phone's drawer, and external requests."""

import signal

import pytest
from playwright.sync_api import Locator, expect
from support.shell import Shell
from support.web.browser import PHONE, Visitor, chromium_binary
from support.web.look_page import GREETING, LONG

from botchat.core.models import Message, Session

pytestmark = pytest.mark.skipif(chromium_binary() is None, reason="no Chromium here: install it to run these")

# Streamlit's own index page has this one script; the page works without it.
_KNOWN_VIOLATION = "sha256-THxz9J9+wf7rhwR2YkXJoSZ13UCmYyC+3lNDv2+8ugA="


@pytest.fixture
def page_address(local_shell, serve):
    """The page itself, on an empty store."""
    return serve(local_shell).address


def clipboard(visitor: Visitor) -> str:
    return visitor.page.evaluate("navigator.clipboard.readText()")


def dark(visitor: Visitor) -> bool:
    return visitor.page.locator(".stApp").evaluate("it => getComputedStyle(it).colorScheme") == "dark"


# Drafts


def test_a_draft_survives_a_reload_and_each_session_has_its_own(page_address, visit):
    visitor = visit(page_address)
    visitor.say("think")
    visitor.sees("Having thought about it")
    expect(visitor.line).to_have_value("")
    visitor.line.fill("half a thought\nin two lines")
    visitor.page.reload()
    expect(visitor.line).to_have_value("half a thought\nin two lines")
    visitor.click("New chat")
    expect(visitor.line).to_have_value("")
    visitor.line.fill("something new")
    visitor.page.go_back()
    expect(visitor.line).to_have_value("half a thought\nin two lines")
    visitor.click("New chat")
    expect(visitor.line).to_have_value("something new")
    visitor.line.press("Enter")
    expect(visitor.messages.filter(has_text="something new").first).to_be_visible()
    expect(visitor.line).to_have_value("")
    visitor.page.reload()
    expect(visitor.messages.first).to_be_visible()
    expect(visitor.line).to_have_value("")


def test_a_draft_is_gone_with_the_tab(page_address, visit):
    visitor = visit(page_address)
    visitor.line.fill("for nobody else")
    other = Visitor(visitor.page.context.new_page())
    other.visit(page_address)
    expect(other.line).to_have_value("")
    assert "nobody" not in visitor.page.evaluate("JSON.stringify(localStorage)")


def test_a_draft_that_was_restored_is_sent_as_it_stands(page_address, visit):
    visitor = visit(page_address)
    visitor.line.fill("think")
    visitor.page.reload()
    expect(visitor.line).to_have_value("think")
    visitor.line.press("Enter")
    visitor.sees("Having thought about it")


def test_a_message_that_was_not_saved_is_a_draft_again_after_a_reload(tmp_path, own_mongod, serve, visit):
    visitor = visit(
        serve(Shell(tmp_path, f"{own_mongod.uri}/chat?serverSelectionTimeoutMS=5000&timeoutMS=6000")).address
    )
    own_mongod.stop(signal.SIGKILL)
    visitor.say("Do not lose this")
    visitor.sees("Couldn't send")
    expect(visitor.line).to_have_value("")
    own_mongod.start()
    visitor.page.reload()
    expect(visitor.line).to_have_value("Do not lose this")


# Copying


def copy_button(visitor: Visitor, key: str) -> Locator:
    """The Copy button with this key. Its place tells nothing: parts of the page that are still loading are hidden."""
    return visitor.page.locator(f".st-key-copy-{key}").get_by_role("button", name="Copy", exact=True)


@pytest.mark.parametrize("key", [None, "Enter", "Space"])
def test_a_message_is_copied_as_it_is_by_click_and_key(parts, visit, key):
    visitor = visit(parts, permissions=["clipboard-read", "clipboard-write"])
    button = copy_button(visitor, "greeting")
    if key:
        button.press(key)
    else:
        button.click()
    expect(visitor.page.get_by_role("status").filter(has_text="Copied")).to_be_visible()
    assert clipboard(visitor) == GREETING


def test_a_message_of_1_mb_is_copied_whole_and_its_text_leaves_the_page_again(parts, visit):
    visitor = visit(parts, permissions=["clipboard-read", "clipboard-write"])
    copy_button(visitor, "long").click()
    expect(visitor.page.get_by_role("status").filter(has_text="Copied")).to_be_visible()
    assert clipboard(visitor) == LONG
    assert visitor.page.locator("[data-copy]").count() == 0


def test_copying_works_without_a_secure_context_too(parts, visit):
    visitor = visit(parts, permissions=["clipboard-read", "clipboard-write"])
    visitor.page.evaluate("Object.defineProperty(window, 'isSecureContext', { value: false })")
    visitor.page.evaluate("void (navigator.clipboard.write = () => Promise.reject(new Error('not here')))")
    copy_button(visitor, "greeting").click()
    expect(visitor.page.get_by_role("status").filter(has_text="Copied")).to_be_visible()
    assert clipboard(visitor) == GREETING


def test_an_older_exchange_is_copied_and_changed_from_its_one_menu(local_shell, serve, visitor, local_repository):
    session = Session(user="ann", bot_id="demo")
    for i in range(14):
        local_repository.append(session, Message(role="assistant" if i % 2 else "user", content=f"words **{i}**"))
    visitor.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    visitor.visit(f"{serve(local_shell).address}/?session={session.id}")
    said = visitor.page.get_by_role("status").filter(has_text="Copied")
    question, answer = visitor.messages.nth(0), visitor.messages.nth(1)
    expect(question.get_by_role("button", name="More")).to_have_count(0)
    old, new = (visitor.messages.nth(place).bounding_box()["height"] for place in (0, 12))
    assert old == new  # the row of what can be done with a message takes no room in the box of what was said
    visitor.is_at_the_end()  # a menu that is opened before would scroll away
    for option, place in (("Copy", 1), ("Copy prompt", 0), ("Edit prompt", 0)):
        answer.hover()
        answer.get_by_role("button", name="More").click()
        visitor.page.get_by_role("menuitem", name=option, exact=True).click()
        if option.startswith("Copy"):
            expect(said).to_be_visible()
            assert clipboard(visitor) == f"words **{place}**"
            expect(said).to_be_hidden()
    expect(visitor.page.get_by_label("Edit message")).to_have_value("words **0**")


def test_a_block_of_code_has_a_button_of_its_own_that_keys_reach(parts, visit):
    visitor = visit(parts, permissions=["clipboard-read", "clipboard-write"])
    visitor.page.get_by_test_id("stCode").first.focus()
    expect(visitor.page.get_by_label("Copy to clipboard").first).to_be_visible()
    visitor.page.keyboard.press("Tab")
    expect(visitor.page.get_by_label("Copy to clipboard").first).to_be_focused()
    visitor.page.keyboard.press("Enter")
    expect(visitor.page.get_by_label("Copied")).to_be_focused()
    assert clipboard(visitor) == "print(1)"


def test_a_rating_that_was_given_is_seen(parts, visit):
    visitor = visit(parts)
    ratings = visitor.page.get_by_test_id("stFeedback").get_by_role("radio")
    visitor.rests()
    ratings.first.press("Space")
    expect(ratings.first).to_be_checked()
    expect(ratings.first).not_to_have_css("background-color", "rgba(0, 0, 0, 0)")
    expect(ratings.last).to_have_css("background-color", "rgba(0, 0, 0, 0)")


# Themes


def test_a_theme_takes_effect_at_once_and_survives_a_reload(parts, visit):
    visitor = visit(parts, color_scheme="light")
    assert not dark(visitor)
    visitor.click("Settings")
    dialog = visitor.page.get_by_role("dialog")
    expect(dialog.get_by_label("System")).to_be_checked()
    dialog.get_by_label("Dark").check()
    visitor.page.wait_for_function("getComputedStyle(document.querySelector('.stApp')).colorScheme === 'dark'")
    visitor.page.reload()
    visitor.click("Settings")
    assert dark(visitor)
    expect(dialog.get_by_label("Dark")).to_be_checked()
    dialog.get_by_label("System").check()
    visitor.page.wait_for_function("getComputedStyle(document.querySelector('.stApp')).colorScheme === 'light'")


# Phones and keys


def test_the_drawer_of_a_phone_closes_when_a_session_was_chosen(parts, visit):
    visitor = visit(parts, PHONE)
    sidebar = visitor.page.get_by_test_id("stSidebar")
    for choose in (
        lambda: visitor.page.get_by_text("the fourth").click(),
        lambda: visitor.click("New chat"),
    ):
        visitor.page.get_by_test_id("stExpandSidebarButton").click()
        expect(visitor.page.get_by_text("the fourth")).to_be_in_viewport()
        choose()
        expect(sidebar.get_by_text("the fourth")).not_to_be_in_viewport()


def test_on_a_wide_screen_the_list_stays(parts, visit):
    visitor = visit(parts)
    visitor.page.get_by_text("the fourth").click()
    expect(visitor.page.get_by_role("link", name="the fourth")).to_have_attribute("aria-current", "page")
    expect(visitor.page.get_by_text("the fourth")).to_be_in_viewport()


@pytest.mark.parametrize(("key", "from_line"), [("/", False), ("Control+k", False), ("Control+k", True)])
def test_a_key_leads_to_the_search(parts, visit, key, from_line):
    visitor = visit(parts)
    expect(visitor.line).to_be_focused()
    if not from_line:
        visitor.messages.first.click()
    visitor.page.keyboard.press(key)
    expect(visitor.page.get_by_placeholder("Search")).to_be_focused()


def test_a_key_pressed_before_the_search_is_drawn_leads_there_still(visitor, parts):
    held = []
    visitor.page.route("**/TextInput*.js", lambda script: held.append(script))  # noqa: PLW0108 - it refuses a built-in
    visitor.visit(parts)
    expect(visitor.line).to_be_focused()
    visitor.messages.first.click()
    visitor.page.keyboard.press("/")
    expect(visitor.page.get_by_placeholder("Search")).to_have_count(0)
    held[0].continue_()
    expect(visitor.page.get_by_placeholder("Search")).to_be_focused()


def test_a_slash_in_the_line_is_a_slash(parts, visit):
    visitor = visit(parts)
    visitor.line.press("/")
    expect(visitor.line).to_have_value("/")


def test_a_key_begins_a_new_chat_also_from_the_line(page_address, visit):
    visitor = visit(page_address)
    visitor.say("think")
    visitor.sees("Having thought about it")
    visitor.line.press("Control+Shift+O")
    visitor.sees("What can I help with?")
