"""The transcript: what a reader sees, chooses, selects and copies, and what is left undrawn."""

import os
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console
from rich.style import Style
from textual.app import App
from tui_stories import story

from botchat.core.models import Message
from botchat.tui.look import PARTS, Look
from botchat.tui.reading import Document, plain_blocks
from botchat.tui.rows import finished
from botchat.tui.transcript import Transcript
from botchat.tui.transcript_heights import Heights

SIZE = (80, 24)
TIME = datetime(2026, 11, 21, 12, 30, tzinfo=UTC)
SNAPSHOTS = Path(__file__).parent / "snapshots"

RICH = """# A heading

Words that are **bold**, *slanted* and `code`, with a [map](https://example.org/map) and https://a.example/b.

- one
- two
  1. inner
- [x] done

> said by others

```python
def cost(days: int) -> int:
    return days * 42  # in all
```

| where | far |
|---|---:|
| Tivoli | 42 |

***

The <b>end</b>.
"""


class TranscriptApp(App):
    """A transcript alone, which notes what it posts."""

    def __init__(self):
        super().__init__()
        self.noted = []

    def compose(self):
        yield Transcript()

    @property
    def transcript(self):
        return self.query_one(Transcript)

    def on_transcript_selected(self, event):
        self.noted.append(("selected", event.message.id))

    def on_transcript_new_below(self, event):
        self.noted.append(("below", event.count))

    def on_transcript_earlier_wanted(self):
        self.noted.append("earlier")

    def on_transcript_link_opened(self, event):
        self.noted.append(("link", event.url))


def said(content, *, role="assistant", **about):
    return Message(role=role, content=content, create_time=TIME, **about)


def asked(count, *, begin=0):
    return [said(f"question {i}", role="user", id=f"q{i}") for i in range(begin, begin + count)]


def seen(app):
    """The words in each row of the screen, without the bar at the current message."""
    transcript = app.transcript
    return [transcript.render_line(y).text.rstrip()[2:] for y in range(transcript.size.height)]


async def until(pilot, condition):
    """Wait for what is sure to come; the test's time-out ends it if it does not."""
    while not condition():
        await pilot.pause()


def drawn(blocks, width=40):
    look = Look(Console(), width, Style(), dict.fromkeys(PARTS, Style()))
    return [row.strip.text for block in blocks for row in finished(block.rows(look), look)]


# What is seen


@story
async def test_a_session_opens_at_its_newest_message_and_reads_only_what_is_seen():
    app = TranscriptApp()
    async with app.run_test(size=SIZE) as pilot:
        app.transcript.show(asked(10_000), first=0, bot_id="b")
        await pilot.pause()
        assert seen(app)[-1] == "question 9999"
        assert len(app.transcript._rows._items) < 20


@story
async def test_the_beginning_of_a_long_session_can_be_reached_and_says_what_is_not_loaded():
    app = TranscriptApp()
    async with app.run_test(size=SIZE) as pilot:
        app.transcript.show(asked(10_000), first=34, bot_id="b")
        app.transcript.focus()
        await pilot.press("home")
        assert seen(app)[0] == "── 34 earlier messages · l loads more ──"
        assert seen(app)[3] == "question 0"
        assert app.noted == ["earlier"]


@story
async def test_earlier_messages_are_not_wanted_where_there_are_none():
    app = TranscriptApp()
    async with app.run_test(size=SIZE) as pilot:
        app.transcript.show(asked(100), first=0, bot_id="b")
        app.transcript.focus()
        await pilot.press("home")
        assert seen(app)[2] == "question 0"
        assert app.noted == []


@pytest.mark.parametrize("where", ["home", "pageup"])
@story
async def test_earlier_messages_come_in_above_without_moving_what_is_seen(where):
    app = TranscriptApp()
    async with app.run_test(size=SIZE) as pilot:
        app.transcript.show([*asked(20, begin=50), said(RICH), *asked(20, begin=70)], first=50, bot_id="b")
        app.transcript.focus()
        await pilot.press(where)
        before = seen(app)
        app.transcript.prepend([said(RICH), *asked(49, begin=1)], first=0)
        await pilot.pause()
        assert seen(app)[1:] == before[1:]
        await pilot.press("pageup")
        assert seen(app) != before


@story
async def test_scrolling_up_over_messages_of_unknown_height_moves_by_exactly_one_row():
    app = TranscriptApp()
    async with app.run_test(size=SIZE) as pilot:
        app.transcript.show([said(RICH) for _ in range(30)], first=0, bot_id="b")
        await pilot.pause()
        for _ in range(80):
            before = seen(app)
            app.transcript.scroll_relative(y=-1, animate=False, immediate=True)
            await pilot.pause()
            assert seen(app)[1:] == before[:-1]


@story
async def test_what_is_appended_is_followed_at_the_end():
    app = TranscriptApp()
    async with app.run_test(size=SIZE) as pilot:
        app.transcript.show(asked(100), first=0, bot_id="b")
        app.transcript.append(said("the answer"))
        await pilot.pause()
        assert app.transcript.at_end
        assert seen(app)[-1] == "the answer"
        assert app.noted == []


@story
async def test_a_reader_further_up_is_not_pulled_down_but_told_what_came():
    app = TranscriptApp()
    async with app.run_test(size=SIZE) as pilot:
        app.transcript.show(asked(100), first=0, bot_id="b")
        app.transcript.focus()
        await pilot.press("pageup")
        before = seen(app)
        reply = said("the", status="streaming")
        app.transcript.append(said("one more", role="user"))
        app.transcript.append(reply)
        app.transcript.update(said("the answer", id=reply.id))
        await pilot.pause()
        assert seen(app) == before
        assert app.noted == [("below", 1), ("below", 2)]
        await pilot.press("end")
        assert seen(app)[-1] == "the answer"
        assert app.noted[-1] == ("below", 0)


@story
async def test_a_reply_is_followed_while_it_streams():
    app = TranscriptApp()
    async with app.run_test(size=SIZE) as pilot:
        app.transcript.show(asked(3), first=0, bot_id="b")
        lines = [f"line {i}\n\n" for i in range(50)]
        for i in range(50):
            app.transcript.update(said("".join(lines[: i + 1]), id="r", status="streaming"))
        await until(pilot, lambda: seen(app)[-1] == "line 49")
        assert app.transcript.at_end


@story
async def test_what_is_finished_of_a_streaming_reply_is_not_drawn_again():
    app = TranscriptApp()
    async with app.run_test(size=SIZE) as pilot:
        app.transcript.show([said("", id="r", status="streaming")], first=0, bot_id="b")
        app.transcript.update(said("one\n\ntwo\n\nthr", id="r", status="streaming"))
        await until(
            pilot, lambda: seen(app)[-1 - seen(app)[::-1].index("thr")] == "thr" if "thr" in seen(app) else False
        )
        before = next(iter(app.transcript._rows._items.values())).parts
        app.transcript.update(said("one\n\ntwo\n\nthree", id="r", status="streaming"))
        await until(pilot, lambda: "three" in seen(app))
        after = next(iter(app.transcript._rows._items.values())).parts
        assert [part.block for part in after][-1].source == "three"
        assert all(old is new for old, new in zip(before[:3], after[:3], strict=True))


@story
async def test_another_width_wraps_anew_and_keeps_what_is_seen():
    app = TranscriptApp()
    async with app.run_test(size=SIZE) as pilot:
        many = [said(f"question {i} " + "with words " * 30, role="user") for i in range(1000)]
        app.transcript.show(many, first=0, bot_id="b")
        app.transcript.focus()
        await pilot.press("pageup", "pageup", "pageup")
        first = next(row for row in seen(app) if row.startswith("question"))
        await pilot.resize_terminal(50, 24)
        assert any(row.startswith(first[:20]) for row in seen(app))
        assert max(map(len, seen(app))) <= 48


@story
async def test_the_end_stays_in_view_when_the_width_changes():
    app = TranscriptApp()
    async with app.run_test(size=SIZE) as pilot:
        app.transcript.show([said(RICH) for _ in range(50)], first=0, bot_id="b")
        await pilot.resize_terminal(40, 12)
        assert seen(app)[-1] == "The <b>end</b>."


@story
async def test_another_theme_gives_other_colours_to_the_same_rows():
    app = TranscriptApp()
    async with app.run_test(size=SIZE) as pilot:
        app.transcript.show([said(RICH)], first=0, bot_id="b")
        await pilot.pause()
        words, colours = seen(app), {segment.style.color for segment in app.transcript.render_line(5)}
        app.theme = "textual-light"
        await pilot.pause()
        assert seen(app) == words
        assert {segment.style.color for segment in app.transcript.render_line(5)}.isdisjoint(colours)


# What is told about messages


@pytest.mark.parametrize(
    ("about", "words"),
    [
        ({"status": "stopped"}, "■ stopped"),
        ({"status": "interrupted"}, "■ interrupted"),
        ({"status": "failed", "error": "No key [/] was\x1b given."}, "✗ failed: No key [/] was␛ given."),
        ({"status": "truncated", "error": "No more came."}, "✂ cut off: No more came."),
        ({"feedback": {"rating": "down", "comment": "wrong"}}, "b  ▼ wrong"),
        ({"agent_id": "other-bot"}, "other-bot"),
        ({"reasoning_content": "I think so"}, "▸ thoughts (3 words)"),
    ],
)
@story
async def test_how_a_message_ended_and_what_belongs_to_it_is_seen(about, words):
    app = TranscriptApp()
    async with app.run_test(size=SIZE) as pilot:
        app.transcript.show([said("so far", **about)], first=0, bot_id="b")
        await pilot.pause()
        assert words in seen(app)
        assert "so far" in seen(app)


@story
async def test_the_last_message_says_when_it_has_no_answer_until_one_comes():
    app = TranscriptApp()
    async with app.run_test(size=SIZE) as pilot:
        app.transcript.show(asked(2), first=0, bot_id="b", unanswered=True)
        await pilot.pause()
        assert seen(app)[5:7] == ["question 1", "not answered · r retry"]
        app.transcript.update_state(unanswered=False)
        await pilot.pause()
        assert "not answered · r retry" not in seen(app)
        app.transcript.update_state(unanswered=True)
        app.transcript.append(said("here it is"))
        await pilot.pause()
        assert "not answered · r retry" not in seen(app)


@story
async def test_a_message_with_others_in_its_place_says_which_it_is():
    app = TranscriptApp()
    async with app.run_test(size=SIZE) as pilot:
        app.transcript.show([said("yes", id="m2")], first=0, bot_id="b", alternatives={"m2": ["m1", "m2", "m3"]})
        await pilot.pause()
        assert seen(app)[1] == "b  ‹ 2/3 ›"  # noqa: RUF001
        app.transcript.update_state(alternatives={"m2": ["m1", "m2"]})
        await pilot.pause()
        assert seen(app)[1] == "b  ‹ 2/2 ›"  # noqa: RUF001


@story
async def test_thoughts_unfold_for_one_message_or_for_all():
    app = TranscriptApp()
    async with app.run_test(size=SIZE) as pilot:
        both = [said(f"answer {i}", id=f"m{i}", reasoning_content=f"thought {i}") for i in range(2)]
        app.transcript.show(both, first=0, bot_id="b")
        app.transcript.toggle_reasoning("m1")
        await pilot.pause()
        assert "thought 1" in seen(app)
        assert "thought 0" not in seen(app)
        app.transcript.toggle_reasoning()
        await pilot.pause()
        assert {"thought 0", "thought 1"} <= set(seen(app))
        app.transcript.toggle_reasoning()
        await pilot.pause()
        assert not {"thought 0", "thought 1"} & set(seen(app))


@story
async def test_a_click_on_thoughts_unfolds_them():
    app = TranscriptApp()
    async with app.run_test(size=SIZE) as pilot:
        app.transcript.show([said("answer", reasoning_content="a thought")], first=0, bot_id="b")
        await pilot.pause()
        await pilot.click(Transcript, offset=(4, 2))
        await pilot.pause()
        assert seen(app)[2:4] == ["▾ thoughts (2 words)", "a thought"]


@story
async def test_details_show_time_model_tokens_and_latency():
    app = TranscriptApp()
    async with app.run_test(size=SIZE) as pilot:
        usage = {"prompt_tokens": 1812, "completion_tokens": 240}
        app.transcript.show([said("yes", model="m-4", usage=usage, latency_ms=3900)], first=0, bot_id="b")
        app.transcript.toggle_details()
        await pilot.pause()
        assert seen(app)[2] == f"{TIME.astimezone():%Y-%m-%d %H:%M:%S} · b · m-4 · ↑ 1,812 ↓ 240 · 3.9 s".replace(
            " ↓", " · ↓"
        )
        app.transcript.toggle_details()
        await pilot.pause()
        assert seen(app)[2] == "yes"


# Choosing, opening, copying


@story
async def test_keys_choose_a_message_and_its_words_and_code_can_be_copied():
    app = TranscriptApp()
    async with app.run_test(size=SIZE) as pilot:
        app.transcript.show([said("one", id="a"), said(RICH, id="b"), said("three", id="c")], first=0, bot_id="b")
        app.transcript.focus()
        assert app.transcript.current is None
        await pilot.press("up", "up")
        assert app.noted == [("selected", "c"), ("selected", "b")]
        assert app.transcript.cursor == 1
        assert app.transcript.copy_text() == RICH
        assert app.transcript.code_blocks(app.transcript.current) == [
            "def cost(days: int) -> int:\n    return days * 42  # in all\n"
        ]
        await pilot.press("up", "up")
        assert app.transcript.current.id == "a"
        assert app.transcript.render_line(1).text.startswith("▌")


@story
async def test_choosing_brings_a_message_into_view():
    app = TranscriptApp()
    async with app.run_test(size=SIZE) as pilot:
        app.transcript.show(asked(100), first=0, bot_id="b")
        app.transcript.focus()
        await pilot.press(*["up"] * 31)
        assert app.transcript.current.id == "q69"
        assert "question 69" in seen(app)
        await pilot.press(*["down"] * 20)
        assert "question 89" in seen(app)


@story
async def test_the_chosen_message_stays_chosen_when_earlier_ones_come():
    app = TranscriptApp()
    async with app.run_test(size=SIZE) as pilot:
        app.transcript.show(asked(5), first=5, bot_id="b")
        app.transcript.cursor = 2
        app.transcript.prepend(asked(5, begin=100), first=0)
        await pilot.pause()
        assert app.transcript.current.id == "q2"
        assert app.transcript.cursor == 7


@story
async def test_a_link_shows_where_it_leads_and_asks_before_it_is_opened():
    app = TranscriptApp()
    async with app.run_test(size=SIZE) as pilot:
        links = "See [the bank](https://evil.example/x), https://a.example/b. [no](javascript:alert(1))"
        app.transcript.show([said(links)], first=0, bot_id="b")
        await pilot.pause()
        words = "See the bank (https://evil.example/x), https://a.example/b. [no](javascript:aler"
        assert " ".join(seen(app)[2:4]).startswith(words[:60])
        await pilot.click(Transcript, offset=(2 + 6, 2))
        await pilot.click(Transcript, offset=(2 + 43, 2))
        await pilot.click(Transcript, offset=(2 + 1, 2))
        opened = [note for note in app.noted if note[0] == "link"]
        assert opened == [("link", "https://evil.example/x"), ("link", "https://a.example/b")]


@story
async def test_keys_go_through_the_links_of_a_message_and_enter_asks_for_the_chosen_one():
    app = TranscriptApp()
    async with app.run_test(size=SIZE) as pilot:
        app.transcript.show([said("[a](https://a.example) [b](https://b.example)")], first=0, bot_id="b")
        app.transcript.focus()
        await pilot.press("up", "enter", "right", "right", "enter", "right", "enter")
        opened = [url for kind, url in app.noted if kind == "link"]
        assert opened == ["https://a.example", "https://b.example", "https://a.example"]


async def drag(pilot, start, end):
    await pilot.mouse_down(Transcript, offset=start)
    await pilot.hover(Transcript, offset=end)
    await pilot.mouse_up(Transcript, offset=end)


@story
async def test_words_are_selected_with_the_mouse_and_copied_as_they_were_before_they_were_wrapped():
    app = TranscriptApp()
    async with app.run_test(size=(30, 24)) as pilot:
        app.transcript.show(
            [said("some words that go on\nand on and on, for quite a while"), *asked(1)], first=0, bot_id="b"
        )
        await pilot.pause()
        assert seen(app)[2:5] == ["some words that go on", "and on and on, for quite a", "while"]
        await drag(pilot, (2 + 5, 2), (2 + 4, 4))
        assert app.screen.get_selected_text() == "words that go on\nand on and on, for quite a while"
        marked = app.screen.get_component_rich_style("screen--selection").bgcolor
        assert [s.text for s in app.transcript.render_line(4) if s.style.bgcolor == marked] == ["while"]


@story
async def test_a_selection_stays_on_its_words_when_earlier_messages_come():
    app = TranscriptApp()
    async with app.run_test(size=SIZE) as pilot:
        app.transcript.show(asked(3), first=9, bot_id="b")
        await pilot.pause()
        await drag(pilot, (2, 3), (2 + 7, 3))
        app.transcript.prepend(asked(9, begin=100), first=0)
        await pilot.pause()
        assert app.screen.get_selected_text() == "question"


@story
async def test_two_clicks_select_a_message_as_it_was_written():
    app = TranscriptApp()
    async with app.run_test(size=SIZE) as pilot:
        app.transcript.show([said("before"), said("some **bold**\nwords"), said("after")], first=0, bot_id="b")
        await pilot.pause()
        await pilot.click(Transcript, offset=(4, 5), times=2)
        assert app.screen.get_selected_text() == "some **bold**\nwords"


# Words are data


@story
async def test_no_word_is_markup_or_a_command_to_the_terminal():
    app = TranscriptApp()
    async with app.run_test(size=SIZE) as pilot:
        bad = "[/] [red]x[/red] \x1b]0;title\x07 \x9b31m &#13;y"
        several = [said(bad), said(bad, role="user"), said("x", agent_id=bad, model=bad, reasoning_content=bad)]
        app.transcript.show(several, first=0, bot_id=bad)
        app.transcript.toggle_details()
        app.transcript.toggle_reasoning()
        await pilot.pause()
        assert "[/] [red]x[/red] ␛]0;title␇ \ufffd31m ␍y" in seen(app)
        assert not re.search("[\x00-\x1f\x7f-\x9f]", "".join(seen(app)))
        assert "\x1b" not in app.transcript.copy_text()


WORDS = st.text(
    alphabet=st.one_of(
        st.characters(codec=None, exclude_categories=()), st.sampled_from("ab \n\t*_`[]()#>|-~\\é漢👩\u200d\u0301א\x1b")
    ),
    max_size=200,
)


@given(WORDS, st.integers(1, 60), st.booleans())
def test_every_row_of_any_text_is_exactly_as_wide_as_the_screen_and_safe(text, width, plain):
    document = Document()
    document.grow(text, ended=True)
    look = Look(Console(), width, Style(), dict.fromkeys(PARTS, Style()))
    for block in plain_blocks(text) if plain else document.blocks:
        for row in finished(block.rows(look), look):
            assert row.strip.cell_length == sum(segment.cell_length for segment in row.strip) == width + 3
            assert not re.search("[\x00-\x1f\x7f-\x9f\ud800-\udfff]", row.strip.text)


@given(st.text(alphabet=st.sampled_from("ab漢 \n[/*`"), max_size=300), st.integers(4, 40))
def test_no_word_of_a_plain_message_is_lost_by_wrapping(text, width):
    assert "".join("".join(drawn(plain_blocks(text), width)).split()) == "".join(text.split())


LINES = st.sampled_from(
    [
        "words", "", "", "- item", "- other", "  - nested", "  more", "1. first", "2. second", "7) seventh", "> quote",
        "```python", "```", "x = 1", "    indented", "# heading", "===", "---", "| a | b |", "|---|---|", "| 1 | 2 |",
        "[name]", "[name]: https://a.example", "* star", "~~~", "[x](https://b.example)", "\ttab",
    ]
)  # fmt: skip


@settings(max_examples=300)
@given(st.lists(LINES, max_size=25), st.lists(st.integers(1, 12), min_size=1, max_size=8))
def test_a_reply_that_came_in_pieces_looks_as_one_that_came_at_once(lines, sizes):
    text = "\n".join(lines)
    pieces, place = Document(), 0
    for i in range(len(text)):
        place += sizes[i % len(sizes)]
        if place >= len(text):
            break
        pieces.grow(text[:place], ended=False)
    pieces.grow(text, ended=True)
    whole = Document()
    whole.grow(text, ended=True)
    assert drawn(pieces.blocks) == drawn(whole.blocks)


# What takes long elsewhere


@pytest.mark.parametrize(
    "content",
    [
        "word " * 200_000,
        "x" * 1_000_000,
        "a line of words\n" * 60_000,
        "```python\n" + "x = 1  # a comment\n" * 50_000,
        "| a | b |\n|---|---|\n" + "| one | two |\n" * 20_000,
        "- an item\n" * 30_000,
    ],
    ids=["words", "one line", "lines", "half a fence", "table", "list"],
)
@pytest.mark.parametrize("role", ["user", "assistant"])
@story
async def test_of_a_giant_message_only_what_is_seen_is_drawn(content, role):
    app = TranscriptApp()
    async with app.run_test(size=SIZE) as pilot:
        app.transcript.show([said(content, role=role)], first=0, bot_id="b")
        await pilot.pause()
        item = app.transcript._rows._items[app.transcript._rows.serial(0)]
        drawn_parts = [part for part in item.parts if part.is_drawn(app.transcript._rows.look)]
        assert seen(app)[-1] != ""
        assert len(drawn_parts) < 60 < len(item.parts)


@given(st.lists(st.integers(0, 9), min_size=1), st.data())
def test_heights_find_the_same_rows_as_counting_them(heights, data):
    ours = Heights(heights)
    for _ in range(3):
        i, height = data.draw(st.integers(0, len(heights) - 1)), data.draw(st.integers(1, 9))
        ours[i] = heights[i] = height
        more = data.draw(st.lists(st.integers(1, 9), max_size=3))
        heights[:0] = more
        ours.put_first(more)
        cut = data.draw(st.integers(1, len(heights)))
        heights[cut:] = more
        ours.put(cut, more)
        rows = [i for i, height in enumerate(heights) for _ in range(height)]
        assert [ours.find(row) for row in range(len(rows))] == rows
        assert [ours.top(i) for i in range(len(heights) + 1)] == [sum(heights[:i]) for i in range(len(heights) + 1)]
        assert ours.total == len(rows)


# Looks


@pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=["80x24", "120x40"])
@pytest.mark.parametrize("theme", ["textual-dark", "textual-light"])
@story
async def test_it_looks_as_it_was_found_good(size, theme):
    app = TranscriptApp()
    async with app.run_test(size=size) as pilot:
        app.theme = theme
        several = [
            said("What about [day 3]?", role="user"),
            said(RICH, reasoning_content="Tivoli.", feedback={"rating": "up"}, id="m"),
            said("And then", status="failed", error="The bot can't be reached."),
        ]
        app.transcript.show(several, first=12, bot_id="helper-1", alternatives={"m": ["m", "n"]})
        app.transcript.focus()
        await pilot.press("up")
        await pilot.pause()
        assert_looks_like(f"transcript-{theme}-{size[0]}x{size[1]}", app.export_screenshot())


def assert_looks_like(name, svg):
    """Compare with the picture that is kept; BOTCHAT_SNAPSHOTS=update keeps this one instead."""
    svg = re.sub(r"terminal-\d+", "terminal", svg)
    kept = SNAPSHOTS / f"{name}.svg"
    if os.environ.get("BOTCHAT_SNAPSHOTS") == "update":
        kept.write_text(svg, encoding="utf-8")
    assert svg == kept.read_text(encoding="utf-8")
