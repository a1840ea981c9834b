"""The demo bot: its replies are canned, say so, and do what its help describes."""

import asyncio
import selectors

import pytest
from support.bots.asked_bot import CollectedReply, ask, collect_reply

from botchat.core.bots.demo import DEMO, DemoBot
from botchat.core.models import Delta

WORDS = ["think", "slow", "long", "error"]


def demo_reply(*said: str) -> CollectedReply:
    """Return the demo bot's reply to the last of these messages; its earlier replies were "So."."""
    prompt = [m for text in said for m in ({"role": "user", "content": text}, {"role": "assistant", "content": "So."})]
    (heard,) = ask(DemoBot(pause=0), prompt[:-1])
    return heard


class HurriedSelector(selectors.DefaultSelector):
    """Returns at once instead of sleeping, and counts the skipped seconds."""

    skipped = 0.0

    def select(self, timeout=None):
        self.skipped += timeout or 0
        return super().select(0)


def seconds_for(word: str) -> float:
    """Return the seconds that a reply takes, on a clock that skips sleeps."""
    selector = HurriedSelector()

    def hurried_loop() -> asyncio.AbstractEventLoop:
        loop = asyncio.SelectorEventLoop(selector)
        loop.time = lambda: selector.skipped
        return loop

    with asyncio.Runner(loop_factory=hurried_loop) as runner:
        runner.run(collect_reply(DemoBot(), [{"role": "user", "content": word}]))
    return selector.skipped


@pytest.mark.parametrize("text", [*WORDS, "help", "hello", "hi", "", "  ", "?", "What is Rome?"])
def test_every_reply_begins_by_saying_that_it_is_canned_and_no_ai(text):
    assert demo_reply(text).content.startswith("*Demo bot: a canned reply, no AI.*\n\n")


def test_the_bot_itself_says_that_it_is_no_ai():
    info = DemoBot().info
    assert (info.bot_id, info.label) == (DEMO, "canned replies, no AI")
    assert demo_reply("help").finish.model == info.label


def test_the_demo_reads_the_words_of_a_message_with_an_image():
    parts = [{"type": "text", "text": "think"}, {"type": "image_url", "image_url": {"url": "data:,"}}]
    (heard,) = ask(DemoBot(pause=0), [{"role": "user", "content": parts}])
    assert heard.reasoning


@pytest.mark.parametrize("text", ["help", "Hello!", "hi", "", "What is Rome?"])
def test_help_names_every_word_and_where_a_real_bot_comes_from(text):
    heard = demo_reply(text)
    assert all(f"| `{word}` |" in heard.content for word in WORDS)
    assert "OPENAI_API_KEY" in heard.content
    assert "OPENAI_BASE_URL" in heard.content
    assert (heard.finish.reason, heard.reasoning) == ("stop", "")


def test_think_reasons_before_it_answers():
    heard = demo_reply("think")
    first_answer = heard.pieces.index(next(piece for piece in heard.pieces if piece.content))
    assert "nothing to think about" in heard.reasoning
    assert not any(piece.reasoning_content for piece in heard.pieces[first_answer:])
    assert "so I have no thoughts" in heard.content
    assert heard.finish.reason == "stop"


def test_slow_takes_half_a_minute_and_nothing_else_does():
    assert demo_reply("slow").content.endswith("Done.")
    assert 25 <= seconds_for("slow") <= 35
    assert all(seconds_for(word) < 15 for word in ("think", "long", "error", "help"))


def test_long_has_a_list_a_table_and_code():
    heard = demo_reply("long")
    assert len(heard.content) > 2000
    assert "\n\n20. " in heard.content
    assert "|---|---|" in heard.content
    assert "```python\n" in heard.content


def test_error_breaks_off_and_the_received_part_is_kept():
    heard = demo_reply("error")
    assert heard.content.endswith("This is the beginning of a reply that")
    assert heard.finish is None
    assert heard.error == "The demo bot simulated an error. The partial reply is kept."


@pytest.mark.parametrize("text", ["THINK", "Think, please.", " think!", "think\nabout it"])
def test_a_word_counts_however_it_is_written(text):
    assert demo_reply(text).reasoning


def test_only_the_last_message_counts():
    assert demo_reply("think", "long").reasoning == ""
    assert demo_reply("long", "think").reasoning


def test_anything_else_is_quoted_line_by_line_and_not_at_any_length():
    assert "You wrote:\n\n> What is Rome?\n> And Oslo?\n\nI can't" in demo_reply("What is Rome?\nAnd Oslo?").content
    assert "> " + "x" * 500 + "\n" in demo_reply("x" * 1000).content


def test_a_reply_comes_word_by_word():
    heard = demo_reply("Hm")
    assert heard.pieces[:3] == [Delta(content="*Demo "), Delta(content="bot: "), Delta(content="a ")]
