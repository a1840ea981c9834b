"""What the browser does for the page: drafts, copying, themes, keys, the drawer of a phone, and what it never does."""

import os
import signal
import socket
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from browser import PATIENCE, Site, Visitor, chromium, chromium_binary
from look_page import GREETING, LONG
from playwright.sync_api import expect
from shell import Shell
from stub_bot import streamed

pytestmark = pytest.mark.skipif(chromium_binary() is None, reason="no Chromium here: install it to run these")

# Streamlit's own index page has this one script; the page works without it.
_KNOWN_VIOLATION = "sha256-THxz9J9+wf7rhwR2YkXJoSZ13UCmYyC+3lNDv2+8ugA="

WIDE = {"width": 1440, "height": 900}
PHONE = {"width": 375, "height": 800}


@pytest.fixture(scope="module")
def browser():
    with chromium() as browser:
        yield browser


@pytest.fixture
def visit(browser):
    """Open an address in a browser of one's own. What it complained of is nothing, or the test fails."""
    contexts, complaints = [], []

    def visit(address: str, viewport=WIDE, **options) -> Visitor:
        context = browser.new_context(viewport=viewport, **options)
        contexts.append(context)
        visitor = Visitor(context.new_page())
        visitor.page.on("console", lambda line: line.type == "error" and complaints.append(line.text))
        visitor.page.on("pageerror", lambda error: complaints.append(str(error)))
        visitor.visit(address)
        return visitor

    yield visit
    for context in contexts:
        context.close()
    assert [line for line in complaints if _KNOWN_VIOLATION not in line] == []


@pytest.fixture
def serve():
    """Start the page on a shell's store, and stop it at the end."""
    with ExitStack() as sites:

        def start(shell: Shell) -> str:
            site = Site(shell)
            sites.callback(site.stop)
            site.start()
            return site.address

        yield start


@pytest.fixture
def address(local_shell, serve):
    """The page itself, on an empty store."""
    return serve(local_shell)


@pytest.fixture(scope="module")
def parts():
    """The page with each part of the look."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    root = Path(__file__).parent
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(root.parent), str(root)])}
    process = subprocess.Popen([sys.executable, root / "look_page.py", str(port)], env=environment)
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            break
        except ConnectionRefusedError:
            assert process.poll() is None
    yield f"http://127.0.0.1:{port}"
    process.send_signal(signal.SIGTERM)
    process.wait()


def clipboard(visitor: Visitor) -> str:
    return visitor.page.evaluate("navigator.clipboard.readText()")


def dark(visitor: Visitor) -> bool:
    return visitor.page.locator(".stApp").evaluate("it => getComputedStyle(it).colorScheme") == "dark"


# Drafts


def test_a_draft_survives_a_reload_and_each_session_has_its_own(address, visit):
    visitor = visit(address)
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


def test_a_draft_is_gone_with_the_tab(address, visit):
    visitor = visit(address)
    visitor.line.fill("for nobody else")
    other = Visitor(visitor.page.context.new_page())
    other.visit(address)
    expect(other.line).to_have_value("")
    assert "nobody" not in visitor.page.evaluate("JSON.stringify(localStorage)")


def test_a_draft_that_was_restored_is_sent_as_it_stands(address, visit):
    visitor = visit(address)
    visitor.line.fill("think")
    visitor.page.reload()
    expect(visitor.line).to_have_value("think")
    visitor.line.press("Enter")
    visitor.sees("Having thought about it")


def test_a_message_that_was_not_saved_is_a_draft_again_after_a_reload(tmp_path, own_mongod, serve, visit):
    visitor = visit(serve(Shell(tmp_path, f"{own_mongod.uri}/chat?serverSelectionTimeoutMS=5000&timeoutMS=6000")))
    own_mongod.stop(signal.SIGKILL)
    visitor.say("Do not lose this")
    visitor.sees("Not saved, and not sent")
    expect(visitor.line).to_have_value("")
    own_mongod.start()
    visitor.page.reload()
    expect(visitor.line).to_have_value("Do not lose this")


# Copying


@pytest.mark.parametrize("key", [None, "Enter", "Space"])
def test_a_message_is_copied_as_it_is_by_click_and_key(parts, visit, key):
    visitor = visit(parts, permissions=["clipboard-read", "clipboard-write"])
    button = visitor.page.get_by_role("button", name="Copy", exact=True).first
    if key:
        button.press(key)
    else:
        button.click()
    expect(visitor.page.get_by_role("status").filter(has_text="Copied")).to_be_visible()
    assert clipboard(visitor) == GREETING


def test_a_message_of_1_mb_is_copied_whole_and_its_text_leaves_the_page_again(parts, visit):
    visitor = visit(parts, permissions=["clipboard-read", "clipboard-write"])
    visitor.page.get_by_role("button", name="Copy", exact=True).last.click()
    expect(visitor.page.get_by_role("status").filter(has_text="Copied")).to_be_visible()
    assert clipboard(visitor) == LONG
    assert visitor.page.locator("[data-copy]").count() == 0


def test_copying_works_without_a_secure_context_too(parts, visit):
    visitor = visit(parts, permissions=["clipboard-read", "clipboard-write"])
    visitor.page.evaluate("Object.defineProperty(window, 'isSecureContext', { value: false })")
    visitor.page.evaluate("void (navigator.clipboard.write = () => Promise.reject(new Error('not here')))")
    visitor.page.get_by_role("button", name="Copy", exact=True).first.click()
    expect(visitor.page.get_by_role("status").filter(has_text="Copied")).to_be_visible()
    assert clipboard(visitor) == GREETING


def test_a_block_of_code_has_a_button_of_its_own_that_keys_reach(parts, visit):
    visitor = visit(parts, permissions=["clipboard-read", "clipboard-write"])
    visitor.page.get_by_test_id("stCode").first.focus()
    expect(visitor.page.get_by_label("Copy to clipboard").first).to_be_visible()
    visitor.page.keyboard.press("Tab")
    expect(visitor.page.get_by_label("Copy to clipboard").first).to_be_focused()
    visitor.page.keyboard.press("Enter")
    expect(visitor.page.get_by_label("Copied")).to_be_focused()
    assert clipboard(visitor) == "print(1)"


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
    expect(visitor.page.get_by_role("radio", name="the fourth")).to_be_checked()
    expect(visitor.page.get_by_text("the fourth")).to_be_in_viewport()


@pytest.mark.parametrize(("key", "from_line"), [("/", False), ("Control+k", False), ("Control+k", True)])
def test_a_key_leads_to_the_search(parts, visit, key, from_line):
    visitor = visit(parts)
    if from_line:
        visitor.line.focus()
    visitor.page.keyboard.press(key)
    expect(visitor.page.get_by_placeholder("Search")).to_be_focused()


def test_a_slash_in_the_line_is_a_slash(parts, visit):
    visitor = visit(parts)
    visitor.line.press("/")
    expect(visitor.line).to_have_value("/")


def test_a_key_begins_a_new_chat_also_from_the_line(address, visit):
    visitor = visit(address)
    visitor.say("think")
    visitor.sees("Having thought about it")
    visitor.line.press("Control+Shift+O")
    visitor.sees("What is on your mind?")


# What bots write


def test_an_image_from_elsewhere_is_asked_for_when_its_link_is_followed_not_before(local_shell, serve, visit, stub_for):
    server = stub_for(local_shell, lambda _request: streamed([picture]))
    picture = f"![a cat]({server.url}/pixel?q=1) [![in a link]({server.url}/badge)](https://example.invalid)\n\nThe end"
    visitor = visit(serve(local_shell))
    visitor.say("Show me")
    visitor.sees("The end")
    visitor.sees("Image: in a link (127.0.0.1)")
    assert {request.path for request in server.requests} == {"/v1/chat/completions"}
    with visitor.page.context.expect_page() as opened:
        visitor.page.get_by_role("link", name="Image: a cat (127.0.0.1)").click()
    opened.value.wait_for_load_state()
    assert next(request.path for request in server.requests if request.method == "GET") == "/v1/pixel?q=1"


@pytest.mark.parametrize(
    "evil",
    [
        "<script>document.title='run'</script>",
        "<img src=x onerror=\"document.title='run'\">",
        "[click](javascript:document.title='run') <a href=\"javascript:document.title='run'\">x</a>",
        "<iframe src='https://example.invalid/frame'></iframe><object data='https://example.invalid/'></object>",
        "![x](https://example.invalid/x.png) ![x][r]\n\n[r]: https://example.invalid/r.png",
        "![x](data:image/svg+xml,<svg onload=alert(1)>)",
        "```html\n<script>document.title='run'</script>",
        "| " + " | ".join(f"column {i}" for i in range(60)) + " |\n" + "|-" * 60 + "|\n" + "| cell " * 60 + "|",
        "# " * 3000 + "deep",
        "> " * 300 + "deep",
    ],
    ids=["script", "onerror", "javascript", "frame", "image", "svg", "half a fence", "table", "headings", "quotes"],
)
def test_what_a_bot_writes_is_never_run_and_stays_in_its_place(local_shell, serve, visit, stub_for, evil):
    stub_for(local_shell, lambda _request: streamed([evil]))
    visitor = visit(serve(local_shell))
    visitor.say("Go")
    expect(visitor.messages).to_have_count(2)
    expect(visitor.page.get_by_role("button", name="Stop")).to_have_count(0)
    assert visitor.page.title() == "Go · botchat"
    assert visitor.page.locator("[data-testid=stChatMessage] :is(script, iframe, object, svg[onload])").count() == 0
    assert visitor.page.locator("[href^='javascript']").count() == 0
    assert visitor.page.evaluate("document.querySelector('.stMain').scrollWidth <= innerWidth")


def test_a_message_of_1_mb_is_read_part_by_part(parts, visit):
    visitor = visit(parts)
    visitor.sees("1,048,576 characters, as plain text")
    box = visitor.page.locator(".st-key-long-long")
    assert len(box.inner_text()) <= 40_000
    visitor.page.get_by_role("button", name="27").click()
    expect(box).to_contain_text(LONG[-16:-1])


# Everybody can use it


@pytest.mark.parametrize("viewport", [WIDE, PHONE], ids=["wide", "phone"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_serious_is_found_by_axe(parts, address, visit, scheme, viewport):
    for where in (parts, address):
        visitor = visit(where, viewport, color_scheme=scheme)
        found = Axe().run(visitor.page)
        serious = [it for it in found.response["violations"] if it["impact"] in {"serious", "critical"}]
        assert [(it["id"], [node["html"][:200] for node in it["nodes"]]) for it in serious] == []


def test_no_width_makes_the_page_scroll_sideways(parts, visit):
    for width in (320, 375, 768, 1440):
        visitor = visit(parts, {"width": width, "height": 800})
        visitor.page.wait_for_load_state("networkidle", timeout=PATIENCE)
        assert visitor.page.evaluate("document.querySelector('.stMain').scrollWidth <= innerWidth"), width
