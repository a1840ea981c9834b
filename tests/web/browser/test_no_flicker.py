"""A conversation stays on the screen, in Chromium, while the page is redrawn.

The page gets at most one message of the server per two frames, as over a slow network, so that the browser draws each
step between two runs of the page and the test sees it.
"""

import json
import threading
from itertools import pairwise

import pytest
from playwright.sync_api import expect
from support.bots.stub_server import Break, chunk, sse, streamed
from support.web.browser import Visitor, chromium_binary

from botchat.core.models import PAGE_SIZE, Message, Session

pytestmark = pytest.mark.skipif(chromium_binary() is None, reason="no Chromium here: install it to run these")

_SLOW = """(() => {
  const listen = WebSocket.prototype.addEventListener;
  WebSocket.prototype.addEventListener = function (type, hear, ...more) {
    if (type !== 'message') return listen.call(this, type, hear, ...more);
    const waiting = [];
    const next = () => requestAnimationFrame(() => requestAnimationFrame(() => {
      hear.call(this, waiting.shift());
      if (waiting.length) next();
    }));
    return listen.call(this, type, event => {
      if (!window.seen && !waiting.length) hear.call(this, event);
      else if (waiting.push(event) === 1) next();
    }, ...more);
  };
})()"""

# What each message shows and how strongly the faintest of it, at each change of the page and in each frame.
_WATCH = """() => {
  window.seen = [];
  const strength = node => node ? getComputedStyle(node).opacity * strength(node.parentElement) : 1;
  const look = () => {
    const texts = message => [...message.querySelectorAll('[data-testid=stMarkdown], [data-testid=stText]')]
      .filter(text => /word\\d+/.test(text.textContent));
    const messages = [...document.querySelectorAll('[data-testid=stChatMessage]')].map(texts);
    const words = messages.map(found => found.map(text => text.textContent).join(' ').match(/word\\d+/g) || []);
    const state = JSON.stringify([words, Math.min(1, ...messages.flat().map(strength))]);
    if (window.seen.at(-1) !== state) window.seen.push(state);
  };
  new MutationObserver(look).observe(document.body, {childList: true, subtree: true, characterData: true});
  const picture = () => { look(); requestAnimationFrame(picture); };
  picture();
}"""


@pytest.fixture
def slow(visitor):
    """A visitor whose page gets the messages of the server one by one from `watch` on."""
    visitor.page.add_init_script(_SLOW)
    return visitor


def watch(visitor: Visitor) -> None:
    visitor.rests()
    visitor.page.evaluate(_WATCH)


def seen(visitor: Visitor) -> list[list[list[str]]]:
    """The words of each message in each state since `watch`, until the reply is complete; none of them was faint."""
    expect(visitor.page.get_by_role("button", name="Stop", exact=True)).to_have_count(0)
    expect(visitor.messages.last.get_by_role("button", name="More")).to_be_attached()
    visitor.rests()
    states = [json.loads(state) for state in visitor.page.evaluate("window.seen")]
    assert {strength for _, strength in states} == {1}
    return [words for words, _ in states]


def only_grows(states: list[list[list[str]]]) -> bool:
    """Tell whether each state has all messages of the one before, each of them with all of its words."""
    return all(
        len(before) <= len(after) and all(new[: len(old)] == old for old, new in zip(before, after, strict=False))
        for before, after in pairwise(states)
    )


_REASONING = {"reasoning_content": "word1 "}


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda hold: streamed(["word1 ", hold, "word2"]), ["word1", "word2"]),
        (lambda hold: streamed([_REASONING, hold, "word2 ", "word3"]), ["word1", "word2", "word3"]),
        (lambda hold: streamed([_REASONING, "word2 ", hold, "word3"], "length"), ["word1", "word2", "word3"]),
        (lambda hold: sse(chunk("word1 "), hold, Break.RESET), ["word1"]),
        (lambda hold: sse(chunk(_REASONING), hold, Break.RESET), ["word1"]),
    ],
    ids=["an answer", "reasoning, then an answer", "a cut answer", "a failed answer", "failed after reasoning"],
)
def test_a_question_and_its_reply_only_grow(slow, serve, local_shell, stub_for, answer, words):
    hold = threading.Event()
    stub_for(local_shell, [streamed(["word0"]), answer(hold)])
    slow.visit(serve(local_shell).address)
    slow.say("word0")
    expect(slow.page.get_by_role("button", name="More")).to_have_count(2)
    watch(slow)
    slow.say("word0")
    expect(slow.messages.last).to_contain_text("word1")
    hold.set()
    states = seen(slow)
    assert only_grows(states)
    assert states[-1] == [["word0"], ["word0"], ["word0"], words]


def test_a_reply_that_is_stopped_keeps_its_words(slow, serve, local_shell, stub_for):
    stub_for(local_shell, [streamed([_REASONING, "word2 ", threading.Event()])])
    slow.visit(serve(local_shell).address)
    slow.say("word0")
    slow.sees("word2")
    slow.page.evaluate(_WATCH)
    slow.click("Stop")
    slow.sees("Stopped.")
    assert seen(slow) == [[["word0"], ["word1", "word2"]]]


def test_another_answer_takes_the_place_of_the_one_before(slow, serve, local_shell, stub_for):
    hold = threading.Event()
    stub_for(local_shell, [streamed(["word1 word2"]), streamed(["word3 ", hold, "word4"])])
    slow.visit(serve(local_shell).address)
    slow.say("word0")
    expect(slow.page.get_by_role("button", name="More")).to_have_count(2)
    watch(slow)
    slow.pick("More", "Regenerate")
    slow.sees("word3")
    hold.set()
    states = seen(slow)
    assert {len(messages) for messages in states} == {2}
    first = next(place for place, (_, answer) in enumerate(states) if "word3" in answer)
    assert only_grows(states[first:])
    assert states[-1] == [["word0"], ["word3", "word4"]]


def test_the_messages_of_a_long_session_stay_where_they_are(slow, serve, local_shell, stub_for, local_repository):
    hold = threading.Event()
    stub_for(local_shell, [streamed(["word1 ", hold, "word2"])])
    session = Session(user="ann", bot_id="stub")
    for i in range(PAGE_SIZE + 1):
        local_repository.append(session, Message(role="assistant" if i % 2 else "user", content=f"word{500 + i}"))
    slow.visit(f"{serve(local_shell).address}/?session={session.id}")
    expect(slow.messages).to_have_count(PAGE_SIZE)
    watch(slow)
    slow.say("word0")
    expect(slow.messages.last).to_contain_text("word1")
    hold.set()
    states = seen(slow)
    assert only_grows(states)
    assert states[-1] == [*states[0], ["word0"], ["word1", "word2"]]
