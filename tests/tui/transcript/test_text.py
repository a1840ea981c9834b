"""Text in the transcript is data: any text is shown safely, and only the visible part of a long one is drawn."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.tui.stories import async_test
from support.tui.transcripts import SIZE, TranscriptApp, look_of, new_message, rendered_rows, screen_rows

from botchat.tui.markdown.reading import Document, plain_blocks
from botchat.tui.markdown.wrapping import pad_rows
from botchat.tui.transcript.offsets import RowOffsets


@async_test
async def test_no_word_is_markup_or_a_command_to_the_terminal():
    app = TranscriptApp()
    async with app.run_test(size=SIZE) as pilot:
        bad = "[/] [red]x[/red] \x1b]0;title\x07 \x9b31m &#13;y"
        several = [
            new_message(bad),
            new_message(bad, role="user"),
            new_message("x", agent_id=bad, model=bad, reasoning_content=bad),
        ]
        app.transcript.show(several, earlier_count=0, bot_id=bad)
        app.transcript.toggle_details()
        app.transcript.toggle_reasoning()
        await pilot.pause()
        assert "[/] [red]x[/red] ␛]0;title␇ \ufffd31m ␍y" in screen_rows(app)
        assert not re.search("[\x00-\x1f\x7f-\x9f]", "".join(screen_rows(app)))
        assert "\x1b" not in app.transcript.copy_text()


WORDS = st.text(
    alphabet=st.one_of(
        st.characters(codec=None, exclude_categories=()), st.sampled_from("ab \n\t*_`[]()#>|-~\\é漢👩\u200d\u0301א\x1b")
    ),
    max_size=200,
)


@settings(deadline=None)
@given(WORDS, st.integers(1, 60), st.booleans())
def test_every_row_of_any_text_is_exactly_as_wide_as_the_screen_and_safe(text, width, plain):
    document = Document()
    document.grow(text, ended=True)
    look = look_of(width)
    for block in plain_blocks(text) if plain else document.blocks:
        for row in pad_rows(block.rows(look), look):
            assert row.strip.cell_length == sum(segment.cell_length for segment in row.strip) == width + 3
            assert not re.search("[\x00-\x1f\x7f-\x9f\ud800-\udfff]", row.strip.text)


@settings(deadline=None)
@given(st.text(alphabet=st.sampled_from("ab漢 \n[/*`"), max_size=300), st.integers(4, 40))
def test_no_word_of_a_plain_message_is_lost_by_wrapping(text, width):
    assert "".join("".join(rendered_rows(plain_blocks(text), width)).split()) == "".join(text.split())


LINES = st.sampled_from(
    [
        "words", "", "", "- item", "- other", "  - nested", "  more", "1. first", "2. second", "7) seventh", "> quote",
        "```python", "```", "x = 1", "    indented", "# heading", "===", "---", "| a | b |", "|---|---|", "| 1 | 2 |",
        "[name]", "[name]: https://a.example", "* star", "~~~", "[x](https://b.example)", "\ttab",
    ]
)  # fmt: skip


@settings(max_examples=3 * settings.default.max_examples, deadline=None)
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
    assert rendered_rows(pieces.blocks) == rendered_rows(whole.blocks)


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
@async_test
async def test_of_a_giant_message_only_what_is_seen_is_drawn(content, role):
    app = TranscriptApp()
    async with app.run_test(size=SIZE) as pilot:
        app.transcript.show([new_message(content, role=role)], earlier_count=0, bot_id="b")
        await pilot.pause()
        item = app.transcript._rows._items[app.transcript._rows.serial_of(0)]
        drawn_parts = [part for part in item.parts if part.is_drawn(app.transcript._rows.look)]
        assert screen_rows(app)[-1] != ""
        assert len(drawn_parts) < 60 < len(item.parts)


@settings(deadline=None)
@given(st.lists(st.integers(0, 9), min_size=1), st.data())
def test_heights_find_the_same_rows_as_counting_them(heights, data):
    ours = RowOffsets(heights)
    for _ in range(3):
        i, height = data.draw(st.integers(0, len(heights) - 1)), data.draw(st.integers(1, 9))
        ours[i] = heights[i] = height
        more = data.draw(st.lists(st.integers(1, 9), max_size=3))
        heights[:0] = more
        ours.prepend(more)
        cut = data.draw(st.integers(1, len(heights)))
        heights[cut:] = more
        ours.replace_from(cut, more)
        rows = [i for i, height in enumerate(heights) for _ in range(height)]
        assert [ours.find(row) for row in range(len(rows))] == rows
        assert [ours.top(i) for i in range(len(heights) + 1)] == [sum(heights[:i]) for i in range(len(heights) + 1)]
        assert ours.total == len(rows)


@async_test
async def test_of_a_giant_message_that_was_read_to_its_end_only_a_part_is_kept():
    app = TranscriptApp()
    async with app.run_test(size=SIZE) as pilot:
        app.transcript.show([new_message("words\n\n" * 3_000)], earlier_count=0, bot_id="b")
        app.transcript.focus()
        for _ in range(60):
            await pilot.press("pageup")
        layout = app.transcript._rows
        item = layout._items[layout.serial_of(0)]
        assert 10 < len([part for part in item.parts if part.is_drawn(layout.look)]) < 500
        await pilot.press("end")
        assert screen_rows(app)[-1] == "words"


@pytest.mark.parametrize("text", ["word " * 8_000, "x" * 40_000, "```\n" + "x" * 40_000, "```\n" + "x = 1\n" * 8_000])
def test_a_long_paragraph_and_long_code_are_drawn_part_by_part_and_whole(text):
    document = Document()
    document.grow(text, ended=True)
    assert len(document.blocks) > 8
    assert "".join("".join(rendered_rows(document.blocks)).split()) == "".join(text.removeprefix("```\n").split())
