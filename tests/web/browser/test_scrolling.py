"""Scrolling in Chromium: sending, a streaming reply, the way back to the end, and earlier messages."""

import threading

import pytest
from playwright.sync_api import expect
from support.bots.stub_server import streamed
from support.web.browser import PHONE, WIDE, Visitor, chromium_binary

from botchat.core.models import Message, Session

pytestmark = pytest.mark.skipif(chromium_binary() is None, reason="no Chromium here: install it to run these")

# The element that scrolls the chat, whichever that is.
_SCROLLER = """(() => {
    let it = document.querySelector('[data-testid="stChatMessage"]');
    while (it && !(it.scrollHeight > it.clientHeight && /auto|scroll/.test(getComputedStyle(it).overflowY)))
        it = it.parentElement;
    return it;
})()"""
_DISTANCE = f"(it => it ? it.scrollHeight - it.scrollTop - it.clientHeight : -1)({_SCROLLER})"
_LINES = "\n\n".join(f"line {i}" for i in range(60))


def long_chat(repository, messages: int) -> Session:
    session = Session(user="ann", bot_id="demo")
    for i in range(messages):
        role = "assistant" if i % 2 else "user"
        repository.append(session, Message(role=role, content=f"number {i}. " + "words " * 60))
    return session


def is_at_end(visitor: Visitor) -> None:
    visitor.page.wait_for_function(f"() => {_DISTANCE} >= 0 && {_DISTANCE} < 2")


def wheel(visitor: Visitor, pixels: int) -> None:
    """Turn the wheel over the messages and wait until the view rests."""
    box = visitor.page.get_by_test_id("stMainBlockContainer").bounding_box()
    assert box is not None
    visitor.page.mouse.move(box["x"] + 100, 300)
    visitor.page.mouse.wheel(0, pixels)
    visitor.page.wait_for_function(
        f"""() => {{
            const top = {_SCROLLER}.scrollTop, before = window.topBefore;
            window.topBefore = top;
            return top === before;
        }}""",
        polling=200,
    )


def jump(visitor: Visitor):
    return visitor.page.locator(".botchat-jump").get_by_role("button", name="Jump to latest")


@pytest.fixture
def held_reply(local_shell, stub_for):
    """A bot whose long reply pauses before each of its parts until the part's event is set."""
    parts = [threading.Event() for _ in range(3)]
    pieces = [f"begins {_LINES}"]
    for number, part in enumerate(parts):
        pieces += [part, f"\n\npart {number}. {_LINES}"]
    stub_for(local_shell, [streamed(pieces)])
    yield parts
    for part in parts:
        part.set()


@pytest.fixture
def long_session(local_repository):
    return long_chat(local_repository, 30)


@pytest.mark.parametrize("viewport", [WIDE, PHONE], ids=["wide", "phone"])
def test_a_chat_opens_at_its_end(local_shell, serve, visit, long_session, viewport):
    visitor = visit(f"{serve(local_shell).address}/?session={long_session.id}", viewport)
    expect(visitor.messages.last).to_contain_text("number 29")
    is_at_end(visitor)
    expect(jump(visitor)).to_be_hidden()
    expect(visitor.page.get_by_test_id("stHeader")).to_be_in_viewport()


def test_sending_while_scrolled_up_leads_to_the_message(local_shell, serve, visit, long_session):
    visitor = visit(f"{serve(local_shell).address}/?session={long_session.id}")
    visitor.rests()
    is_at_end(visitor)
    wheel(visitor, -3000)
    expect(jump(visitor)).to_be_visible()
    visitor.say("Here I am")
    expect(visitor.messages.filter(has_text="Here I am").first).to_be_in_viewport()
    is_at_end(visitor)
    expect(jump(visitor)).to_be_hidden()


def test_the_view_follows_a_reply_until_the_user_scrolls_up(held_reply, local_shell, serve, visit):
    visitor = visit(serve(local_shell).address)
    visitor.say("Go")
    visitor.sees("line 59")
    is_at_end(visitor)
    held_reply[0].set()
    visitor.sees("part 0")
    is_at_end(visitor)
    wheel(visitor, -1200)
    place = visitor.page.evaluate(f"{_SCROLLER}.scrollTop")
    held_reply[1].set()
    visitor.sees("part 1")
    assert visitor.page.evaluate(f"{_SCROLLER}.scrollTop") == place
    jump(visitor).click()
    is_at_end(visitor)
    expect(jump(visitor)).to_be_hidden()
    held_reply[2].set()
    visitor.sees("part 2")
    expect(visitor.page.get_by_role("button", name="Stop")).to_have_count(0)
    is_at_end(visitor)


def test_scrolling_back_to_the_end_follows_again(held_reply, local_shell, serve, visit):
    visitor = visit(serve(local_shell).address)
    visitor.say("Go")
    visitor.sees("line 59")
    is_at_end(visitor)
    wheel(visitor, -600)
    wheel(visitor, 5000)
    is_at_end(visitor)
    held_reply[0].set()
    visitor.sees("part 0")
    is_at_end(visitor)


def test_earlier_messages_load_near_the_top_and_what_is_in_sight_stays(local_shell, serve, visit, local_repository):
    session = long_chat(local_repository, 120)
    visitor = visit(f"{serve(local_shell).address}/?session={session.id}")
    visitor.rests()
    is_at_end(visitor)
    expect(visitor.page.get_by_role("button", name="Load earlier messages (70)")).to_be_attached()
    for first, left in ((70, 20), (20, None)):
        visitor.page.evaluate(f"{_SCROLLER}.scrollTop = 1000")
        wheel(visitor, -700)
        button = visitor.page.get_by_role("button", name="Load earlier messages")
        if left:
            expect(button).to_have_text(f"Load earlier messages ({left})")
        else:
            expect(button).to_have_count(0)
        visitor.rests()
        expect(visitor.messages.filter(has_text=f"number {first}.")).to_be_in_viewport()
    assert visitor.messages.count() == 120
    expect(jump(visitor)).to_be_visible()
    jump(visitor).click()
    is_at_end(visitor)


def test_the_button_loads_earlier_messages_too_and_keeps_the_place(local_shell, serve, visit, local_repository):
    session = long_chat(local_repository, 70)
    visitor = visit(f"{serve(local_shell).address}/?session={session.id}")
    visitor.rests()
    is_at_end(visitor)
    visitor.page.get_by_role("button", name="Load earlier messages (20)").press("Enter")
    expect(visitor.page.get_by_role("button", name="Load earlier messages")).to_have_count(0)
    visitor.rests()
    expect(visitor.messages.filter(has_text="number 20.")).to_be_in_viewport()


def test_messages_that_leave_the_page_for_earlier_ones_are_counted(local_shell, serve, visit, local_repository):
    session = long_chat(local_repository, 270)
    visitor = visit(f"{serve(local_shell).address}/?session={session.id}")
    visitor.rests()
    for left in (170, 120, 70, 20):
        # A click by the script: focusing the button would scroll to it, which loads messages by itself.
        visitor.page.get_by_role("button", name="Load earlier messages").evaluate("it => it.click()")
        expect(visitor.page.get_by_role("button", name="Load earlier messages")).to_have_text(
            f"Load earlier messages ({left})"
        )
        visitor.rests()
    expect(visitor.page.get_by_text("50 newer messages aren't shown.")).to_be_attached()
    jump(visitor).click()
    expect(visitor.messages.last).to_contain_text("number 269.")
    is_at_end(visitor)
