"""A streaming reply in Chromium: its text never shrinks and never fades."""

import signal
import threading
from collections import defaultdict

import pytest
from playwright.sync_api import expect
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from support.bots.stub_server import streamed
from support.shell import Shell
from support.web.browser import Site, Visitor, chromium_binary, kill, options

pytestmark = pytest.mark.skipif(chromium_binary() is None, reason="no Chromium here: install it to run these")

_STEPS = 12

# What the last message shows and how strongly, after each change of the page and before each picture of it.
_WATCH = """() => {
  window.seen = [];
  const look = () => {
    const message = [...document.querySelectorAll('[data-testid=stChatMessage]')].at(-1);
    const texts = message ? [...message.querySelectorAll('[data-testid=stMarkdown]')] : [];
    const words = texts.map(text => text.textContent).join(' ').match(/word\\d+/g) || [];
    let opacity = 1;
    for (let node = texts.at(-1); node; node = node.parentElement) opacity *= getComputedStyle(node).opacity;
    const last = window.seen.at(-1);
    if (!last || last[0] !== words.length || last[1] !== opacity) window.seen.push([words.length, opacity]);
  };
  new MutationObserver(look).observe(document.body, {childList: true, subtree: true, characterData: true});
  const picture = () => { look(); requestAnimationFrame(picture); };
  picture();
}"""


@pytest.mark.parametrize("reasoned", [False, True], ids=["an answer", "an answer after reasoning"])
def test_a_reply_that_comes_never_gets_shorter_nor_fades(visitor, local_shell, stub_for, reasoned):
    holds = [threading.Event() for _ in range(_STEPS)]
    pieces = [{"reasoning_content": "Let me see."}] if reasoned else []
    pieces += [step for i, hold in enumerate(holds) for step in (f"word{i} ", hold)]
    stub_for(local_shell, [streamed(pieces)])
    site = Site(local_shell)
    site.start()
    try:
        visitor.visit(site.address)
        visitor.say("Go")
        visitor.sees("word0")
        visitor.page.evaluate(_WATCH)
        for i, hold in enumerate(holds):
            visitor.sees(f"word{i}")
            hold.set()
        expect(visitor.page.get_by_role("button", name="Stop")).to_have_count(0)
        visitor.rests()
        seen = visitor.page.evaluate("window.seen")
    finally:
        site.stop()
    lengths = [words for words, _ in seen]
    assert lengths == sorted(lengths)
    assert lengths[-1] == _STEPS
    assert {opacity for _, opacity in seen} == {1}


def test_a_browser_that_is_killed_in_the_middle_of_a_reply_loses_none_of_it(
    shell, serve, stub_for, visitor, browser, repository_at
):
    hold = threading.Event()
    stub_for(shell, [streamed(["the beginning ", hold, "and the end"])])
    address = serve(shell).address
    other = browser.browser_type.launch(executable_path=chromium_binary(), args=options())
    theirs = Visitor(other.new_page())
    theirs.visit(address)
    theirs.say("Go")
    theirs.sees("the beginning")
    kill(other)
    (session,) = repository_at.page("ann").sessions
    hold.set()
    visitor.visit(f"{address}/?session={session.id}")
    visitor.sees("the beginning and the end")
    expect(visitor.page.get_by_role("button", name="Stop")).to_have_count(0)
    assert repository_at.get("ann", session.id).messages[-1].content == "the beginning and the end"


def test_a_store_that_goes_while_a_bot_is_silent_is_told_and_the_reply_is_saved_when_it_is_back(
    tmp_path, serve, visitor, own_mongod, stub_for
):
    hold = threading.Event()
    # On a busy machine the driver takes more than its usual 2 s to find a server that is back.
    shell = Shell(tmp_path, f"{own_mongod.uri}/chat?serverSelectionTimeoutMS=5000&timeoutMS=6000")
    stub_for(shell, [streamed(["word0 ", hold, "word1"])])
    visitor.visit(serve(shell).address)
    visitor.say("Go")
    visitor.sees("word0")
    own_mongod.stop(signal.SIGKILL)
    visitor.sees("Couldn't save this reply")
    own_mongod.start()
    hold.set()
    visitor.sees("word1")
    expect(visitor.page.get_by_text("Couldn't save this reply")).to_have_count(0)
    expect(visitor.page.get_by_role("button", name="Stop")).to_have_count(0)


def timers(visitor: Visitor) -> dict[str, list[float]]:
    """The seconds that each fragment's timer is told to wait, as the page is told them."""
    told = defaultdict(list)

    def hear(frame: bytes) -> None:
        timer = ForwardMsg.FromString(frame).auto_rerun
        if timer.fragment_id:
            told[timer.fragment_id].append(timer.interval)

    visitor.page.on("websocket", lambda socket: socket.on("framereceived", hear))
    return told


def test_a_tab_asks_seldom_while_a_reply_is_followed_and_soon_after_a_click(visitor, shell, serve, stub_for):
    holds = [threading.Event(), threading.Event()]
    stub_for(shell, [streamed(["word0 ", holds[0], "word1 ", holds[1], "word2"])])
    told = timers(visitor)
    visitor.visit(serve(shell).address)
    visitor.say("Go")
    visitor.sees("word0")
    holds[0].set()
    visitor.sees("word1")
    ((first, *later),) = told.values()
    assert first < 1
    assert later
    assert all(seconds > 1 for seconds in later)
    visitor.click("Stop")
    visitor.sees("Stopped.")
    holds[1].set()
    assert any(seconds < 1 for seconds in next(iter(told.values()))[1 + len(later) :])
