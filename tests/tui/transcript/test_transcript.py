"""The transcript: opening, scrolling, streaming, themes, snapshots."""

import os
import re
from pathlib import Path

import pytest
from support.tui.stories import async_test
from support.tui.transcripts import RICH, SIZE, TranscriptApp, new_message, screen_rows, until, user_messages
from textual.filter import Monochrome

from botchat.core.models import File

SNAPSHOTS = Path(__file__).parent / "snapshots"


@async_test
async def test_a_session_opens_at_its_newest_message_and_reads_only_what_is_seen():
    app = TranscriptApp()
    async with app.run_test(size=SIZE) as pilot:
        app.transcript.show(user_messages(10_000), earlier_count=0, bot_id="b")
        await pilot.pause()
        assert screen_rows(app)[-1] == "question 9999"
        assert len(app.transcript._rows._items) < 20


@async_test
async def test_the_beginning_of_a_long_session_can_be_reached_and_says_what_is_not_loaded():
    app = TranscriptApp()
    async with app.run_test(size=SIZE) as pilot:
        app.transcript.show(user_messages(10_000), earlier_count=34, bot_id="b")
        app.transcript.focus()
        await pilot.press("home")
        assert screen_rows(app)[0] == "── 34 earlier messages · scroll up to load ──"
        assert screen_rows(app)[3] == "question 0"
        assert app.noted == ["earlier"]


@async_test
async def test_files_stand_below_their_message_and_their_names_do_the_terminal_no_harm():
    app = TranscriptApp()
    files = [
        File(name="a\x1b[2J[b]x.txt", type="text/plain", size=12_345),
        File(name="b.png", type="image/png", size=1),
    ]
    async with app.run_test(size=SIZE) as pilot:
        app.transcript.show(
            [new_message("Look", role="user", files=files), new_message("", role="user", files=files[1:])],
            earlier_count=0,
            bot_id="b",
        )
        await pilot.pause()
        rows = [row for row in screen_rows(app) if row]
        assert rows[-5:] == ["Look", "📎 a␛[2J[b]x.txt (12 kB)", "📎 b.png (1 byte)", "You", "📎 b.png (1 byte)"]


@async_test
async def test_earlier_messages_are_wanted_once_for_each_time_that_some_came():
    app = TranscriptApp()
    async with app.run_test(size=SIZE) as pilot:
        app.transcript.show(user_messages(2), earlier_count=34, bot_id="b")
        app.transcript.focus()
        await pilot.press("home", "home", "pageup")
        assert app.noted == ["earlier"]
        app.transcript.prepend(user_messages(2, begin=10), earlier_count=32)
        await pilot.press("pageup")
        assert app.noted == ["earlier", "earlier"]


@async_test
async def test_earlier_messages_are_not_wanted_where_there_are_none():
    app = TranscriptApp()
    async with app.run_test(size=SIZE) as pilot:
        app.transcript.show(user_messages(100), earlier_count=0, bot_id="b")
        app.transcript.focus()
        await pilot.press("home")
        assert screen_rows(app)[2] == "question 0"
        assert app.noted == []


@pytest.mark.parametrize("where", ["home", "pageup"])
@async_test
async def test_earlier_messages_come_in_above_without_moving_what_is_seen(where):
    app = TranscriptApp()
    async with app.run_test(size=SIZE) as pilot:
        app.transcript.show(
            [*user_messages(20, begin=50), new_message(RICH), *user_messages(20, begin=70)],
            earlier_count=50,
            bot_id="b",
        )
        app.transcript.focus()
        await pilot.press(where)
        before = screen_rows(app)
        app.transcript.prepend([new_message(RICH), *user_messages(49, begin=1)], earlier_count=0)
        await pilot.pause()
        assert screen_rows(app)[1:] == before[1:]
        await pilot.press("pageup")
        assert screen_rows(app) != before


@async_test
async def test_scrolling_up_over_messages_of_unknown_height_moves_by_exactly_one_row():
    app = TranscriptApp()
    async with app.run_test(size=SIZE) as pilot:
        app.transcript.show([new_message(RICH) for _ in range(30)], earlier_count=0, bot_id="b")
        await pilot.pause()
        for _ in range(80):
            before = screen_rows(app)
            app.transcript.scroll_relative(y=-1, animate=False, immediate=True)
            await pilot.pause()
            assert screen_rows(app)[1:] == before[:-1]


@async_test
async def test_what_is_appended_is_followed_at_the_end():
    app = TranscriptApp()
    async with app.run_test(size=SIZE) as pilot:
        app.transcript.show(user_messages(100), earlier_count=0, bot_id="b")
        app.transcript.append(new_message("the answer"))
        await pilot.pause()
        assert app.transcript.at_end
        assert screen_rows(app)[-1] == "the answer"
        assert app.noted == []


@async_test
async def test_a_reader_further_up_is_not_pulled_down_but_told_what_came():
    app = TranscriptApp()
    async with app.run_test(size=SIZE) as pilot:
        app.transcript.show(user_messages(100), earlier_count=0, bot_id="b")
        app.transcript.focus()
        await pilot.press("pageup")
        before = screen_rows(app)
        reply = new_message("the", status="streaming")
        app.transcript.append(new_message("one more", role="user"))
        app.transcript.append(reply)
        app.transcript.update(new_message("the answer", id=reply.id))
        await pilot.pause()
        assert screen_rows(app) == before
        assert app.noted == [("below", 1), ("below", 2)]
        await pilot.press("end")
        assert screen_rows(app)[-1] == "the answer"
        assert app.noted[-1] == ("below", 0)


@async_test
async def test_a_reply_is_followed_while_it_streams():
    app = TranscriptApp()
    async with app.run_test(size=SIZE) as pilot:
        app.transcript.show(user_messages(3), earlier_count=0, bot_id="b")
        lines = [f"line {i}\n\n" for i in range(50)]
        for i in range(50):
            app.transcript.update(new_message("".join(lines[: i + 1]), id="r", status="streaming"))
        await until(pilot, lambda: screen_rows(app)[-1] == "line 49")
        assert app.transcript.at_end


@async_test
async def test_what_is_finished_of_a_streaming_reply_is_not_drawn_again():
    app = TranscriptApp()
    async with app.run_test(size=SIZE) as pilot:
        app.transcript.show([new_message("", id="r", status="streaming")], earlier_count=0, bot_id="b")
        app.transcript.update(new_message("one\n\ntwo\n\nthr", id="r", status="streaming"))
        await until(
            pilot,
            lambda: (
                screen_rows(app)[-1 - screen_rows(app)[::-1].index("thr")] == "thr"
                if "thr" in screen_rows(app)
                else False
            ),
        )
        before = next(iter(app.transcript._rows._items.values())).parts[:]
        app.transcript.update(new_message("one\n\ntwo\n\nthree", id="r", status="streaming"))
        await until(pilot, lambda: "three" in screen_rows(app))
        after = next(iter(app.transcript._rows._items.values())).parts[:]
        assert [part.block for part in after][-1].source == "three"
        assert all(old is new for old, new in zip(before[:3], after[:3], strict=True))


@async_test
async def test_another_width_wraps_anew_and_keeps_what_is_seen():
    app = TranscriptApp()
    async with app.run_test(size=SIZE) as pilot:
        many = [new_message(f"question {i} " + "with words " * 30, role="user") for i in range(1000)]
        app.transcript.show(many, earlier_count=0, bot_id="b")
        app.transcript.focus()
        await pilot.press("pageup", "pageup", "pageup")
        first = next(row for row in screen_rows(app) if row.startswith("question"))
        await pilot.resize_terminal(50, 24)
        assert any(row.startswith(first[:20]) for row in screen_rows(app))
        assert max(map(len, screen_rows(app))) <= 48


@async_test
async def test_the_end_stays_in_view_when_the_width_changes():
    app = TranscriptApp()
    async with app.run_test(size=SIZE) as pilot:
        app.transcript.show([new_message(RICH) for _ in range(50)], earlier_count=0, bot_id="b")
        await pilot.resize_terminal(40, 12)
        assert screen_rows(app)[-1] == "The <b>end</b>."


@async_test
async def test_another_theme_gives_other_colours_to_the_same_rows():
    app = TranscriptApp()
    async with app.run_test(size=SIZE) as pilot:
        app.transcript.show([new_message(RICH)], earlier_count=0, bot_id="b")
        await pilot.pause()
        words, colours = screen_rows(app), {segment.style.color for segment in app.transcript.render_line(5)}
        app.theme = "textual-light"
        await pilot.pause()
        assert screen_rows(app) == words
        assert {segment.style.color for segment in app.transcript.render_line(5)}.isdisjoint(colours)


@async_test
async def test_without_colours_nothing_is_coloured():
    app = TranscriptApp()
    async with app.run_test(size=SIZE) as pilot:
        app._filters.append(Monochrome())  # what NO_COLOR sets
        app.transcript.show([new_message(RICH)], earlier_count=0, bot_id="b")
        await pilot.pause()
        strips = app.transcript.render_lines(app.transcript.size.region)
        colours = {segment.style.color.triplet for strip in strips for segment in strip}
        assert all(red == green == blue for red, green, blue in colours)


@pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=["80x24", "120x40"])
@pytest.mark.parametrize("theme", ["textual-dark", "textual-light"])
@async_test
async def test_it_looks_as_it_was_found_good(size, theme):
    app = TranscriptApp()
    async with app.run_test(size=size) as pilot:
        app.theme = theme
        several = [
            new_message("What about [day 3]?", role="user"),
            new_message(RICH, reasoning_content="Tivoli.", feedback={"rating": "up"}, id="m"),
            new_message("And then", status="failed", error="The bot can't be reached."),
        ]
        app.transcript.show(several, earlier_count=12, bot_id="helper-1", alternatives={"m": ["m", "n"]})
        app.transcript.focus()
        await pilot.press("up")
        await pilot.pause()
        assert_looks_like(f"transcript-{theme}-{size[0]}x{size[1]}", app.export_screenshot())


def assert_looks_like(name, svg):
    """Compare with the stored snapshot; BOTCHAT_SNAPSHOTS=update stores this one instead."""
    svg = re.sub(r"terminal-\d+", "terminal", svg)
    kept = SNAPSHOTS / f"{name}.svg"
    if os.environ.get("BOTCHAT_SNAPSHOTS") == "update":
        kept.write_text(svg, encoding="utf-8")
    assert svg == kept.read_text(encoding="utf-8")
