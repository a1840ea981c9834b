"""The user stories of the page in Chromium, on a SQLite file and a real MongoDB."""

import re
import signal
import threading

import pytest
from playwright.sync_api import expect
from support.bots.stub_server import streamed
from support.shell import Shell
from support.web.browser import Visitor, chromium_binary

from botchat.core.models import HEARTBEAT_LIMIT, Message, Session, now

pytestmark = pytest.mark.skipif(chromium_binary() is None, reason="no Chromium here: install it to run these")


def test_a_chat_with_the_demo_bot_is_there_after_a_reload(shell, serve, visitor):
    site = serve(shell)
    visitor.visit(site.address)
    visitor.say("think")
    visitor.sees("Having thought about it")
    expect(visitor.list).to_have_count(1)
    expect(visitor.page.get_by_role("button", name="Stop")).to_have_count(0)
    visitor.page.reload()
    expect(visitor.messages).to_have_count(2)
    visitor.sees("Having thought about it")
    visitor.page.get_by_text("Thought for").click()
    visitor.sees("I only have canned replies")
    visitor.sees("Demo · canned replies, no AI")
    expect(visitor.page).to_have_title("think · botchat")


def test_120_sessions_are_shown_50_then_100_then_120_and_none_to_another_user(shell, serve, visitor, repository_at):
    for i in range(120):
        repository_at.append(Session(user="ann", bot_id="demo"), Message(role="user", content=f"number {i}"))
    visitor.visit(serve(shell).address)
    for shown in (50, 100):
        expect(visitor.list).to_have_count(shown)
        visitor.page.get_by_role("button", name="Load more").dispatch_event("click")  # a scroll would load by itself
    expect(visitor.list).to_have_count(120)
    expect(visitor.page.get_by_role("button", name="Load more")).to_have_count(0)
    expect(visitor.page.get_by_text("Showing ")).to_have_count(0)
    visitor.visit(serve(shell, "--user", "bob").address)
    visitor.sees("No chats yet")
    expect(visitor.list).to_have_count(0)


def test_a_reply_whose_tab_was_closed_in_the_middle_is_whole_in_the_next(shell, serve, browser, stub_for):
    rest = threading.Event()
    stub_for(shell, [streamed(["The first half ", rest, "and the second half."])])
    site = serve(shell)
    context = browser.new_context()
    closing = Visitor(context.new_page())
    closing.visit(site.address)
    closing.say("Go")
    closing.sees("The first half")
    address = closing.page.url
    closing.page.close()
    rest.set()
    back = Visitor(context.new_page())
    back.visit(address)
    back.sees("The first half and the second half.")
    expect(back.page.get_by_role("button", name="Stop")).to_have_count(0)
    context.close()


def test_a_reply_streams_into_two_tabs_and_is_stopped_in_one(shell, serve, browser, stub_for):
    rest = threading.Event()
    server = stub_for(shell, [streamed([{"reasoning_content": "Let me see."}, "So far ", rest, "never"])])
    site = serve(shell)
    context = browser.new_context()
    first, second = Visitor(context.new_page()), Visitor(context.new_page())
    first.visit(site.address)
    first.say("Go")
    first.sees("So far")
    second.visit(first.page.url)
    second.sees("So far")
    own_stop = (
        "() => { const it = document.querySelector('.stStatusWidget'); return it && getComputedStyle(it).display }"
    )
    assert second.page.wait_for_function(own_stop).json_value() == "none"  # Streamlit's: it would stop no reply
    second.click("Stop")
    for tab in (first, second):
        tab.sees("Stopped.")
    assert server.left.wait(30)
    context.close()


def test_a_reply_of_a_killed_server_keeps_what_was_checkpointed_and_shows_as_interrupted(
    shell, serve, visitor, stub_for, repository_at
):
    rest = threading.Event()
    stub_for(shell, [streamed(["Kept words ", rest, "never"])])
    site = serve(shell)
    visitor.visit(site.address)
    visitor.say("Go")
    visitor.sees("Kept words")
    session_id = re.search("session=(.+)", visitor.page.url).group(1)
    while repository_at.get("ann", session_id).message_count < 2:
        pass
    site.stop(signal.SIGKILL)
    question, answer = repository_at.get("ann", session_id).messages
    assert (question.content, answer.content, answer.status) == ("Go", "Kept words ", "streaming")
    repository_at.update_message("ann", session_id, answer.id, heartbeat=now() - HEARTBEAT_LIMIT)
    visitor.visit(f"{serve(shell).address}/?session={session_id}")
    visitor.sees("Interrupted: botchat closed before this reply finished.")
    visitor.sees("Kept words")


def test_a_server_that_is_told_to_end_keeps_what_came_as_interrupted(shell, serve, visitor, stub_for, repository_at):
    stub_for(shell, [streamed(["Kept words ", threading.Event(), "never"])])
    site = serve(shell)
    visitor.visit(site.address)
    visitor.say("Go")
    visitor.sees("Kept words")
    site.stop(signal.SIGTERM)
    (summary,) = repository_at.page("ann").sessions
    answer = repository_at.get("ann", summary.id).messages[1]
    assert (answer.content, answer.status) == ("Kept words ", "interrupted")


def test_a_mongodb_that_stops_in_the_middle_loses_nothing_and_the_person_is_told(tmp_path, serve, visitor, own_mongod):
    # On a busy machine the driver takes more than its usual 2 s to find a server that is back.
    shell = Shell(tmp_path, f"{own_mongod.uri}/chat?serverSelectionTimeoutMS=5000&timeoutMS=6000")
    visitor.visit(serve(shell).address)
    visitor.say("think")
    visitor.sees("Having thought about it")
    expect(visitor.page.get_by_role("button", name="Stop")).to_have_count(0)  # stored: the next may be sent
    own_mongod.stop(signal.SIGKILL)
    visitor.say("Do not lose this")
    visitor.sees("Couldn't send")
    visitor.sees("Do not lose this")
    expect(visitor.messages.filter(has_text="Having thought about it")).to_be_visible()
    own_mongod.start()
    visitor.page.locator(".st-key-send-again button").click()
    visitor.sees("You wrote:")
    expect(visitor.page.get_by_text("Couldn't send")).to_have_count(0)
    ((_, _, _, count, *_),) = shell.lines("sessions", "list")
    assert count == "4"


def test_what_a_bot_writes_is_never_run_and_reaches_nowhere(local_shell, serve, visitor, stub_for):
    server = stub_for(local_shell, lambda _request: streamed([evil]))
    elsewhere = server.url.removesuffix("/v1")
    evil = (
        "<script>document.title='run'</script><img src=x onerror=\"document.title='run'\">\n\n"
        f"![pixel]({elsewhere}/pixel?q=secret) [link](javascript:document.title='run')\n\n"
        f"<iframe src='{elsewhere}/frame'></iframe>\n\n```\nhalf a fence"
    )
    visitor.visit(serve(local_shell).address)
    visitor.say("<b>bold</b> <img src=x onerror=\"document.title='run'\">")
    visitor.sees("half a fence")
    expect(visitor.page.get_by_role("button", name="Stop")).to_have_count(0)
    expect(visitor.page.get_by_role("link", name="Image: pixel (127.0.0.1)")).to_be_visible()
    visitor.sees("<b>bold</b> <img src=x")
    assert visitor.page.title().endswith("· botchat")
    assert {request.path for request in server.requests} <= {"/v1/chat/completions", "/v1/models"}
    assert visitor.page.locator("[href^='javascript']").count() == 0
    assert visitor.page.locator("[data-testid=stChatMessage] iframe, [data-testid=stChatMessage] script").count() == 0


def test_a_name_in_the_list_is_text(local_shell, serve, visitor):
    visitor.visit(serve(local_shell).address)
    visitor.say("think **x** :red[y] [z](http://evil.invalid) $1 & <b> `c`")
    expect(visitor.list.first).to_have_text("think **x** :red[y] [z](http://evil.invalid) $1 & <b> `c`"[:50])


def test_the_page_answers_with_headers_that_keep_it_safe_and_only_to_its_own_names(local_shell, serve, visitor):
    site = serve(local_shell)
    headers = visitor.page.goto(site.address).headers
    assert "default-src 'self'" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"


def test_two_sites_take_two_ports_and_a_port_that_is_taken_is_told(local_shell, serve):
    first, second = serve(local_shell), serve(local_shell)
    assert first.port != second.port
    done = local_shell.run("web", "--port", str(first.port))
    assert (done.returncode, f"Port {first.port} on 127.0.0.1 is unavailable" in done.stderr) == (1, True)


def test_ctrl_c_ends_the_server_quietly(local_shell, serve):
    site = serve(local_shell)
    assert "for ann (store: " in site.line
    assert site.stop(signal.SIGINT) == 0
