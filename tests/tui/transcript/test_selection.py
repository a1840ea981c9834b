"""Selecting messages and links, opening links, copying."""

from support.tui.stories import async_test
from support.tui.transcripts import RICH, SIZE, TranscriptApp, new_message, screen_rows, until, user_messages

from botchat.tui.transcript.transcript import Transcript


@async_test
async def test_keys_choose_a_message_and_its_words_and_code_can_be_copied():
    app = TranscriptApp()
    async with app.run_test(size=SIZE) as pilot:
        app.transcript.show(
            [new_message("one", id="a"), new_message(RICH, id="b"), new_message("three", id="c")],
            earlier_count=0,
            bot_id="b",
        )
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


@async_test
async def test_choosing_brings_a_message_into_view():
    app = TranscriptApp()
    async with app.run_test(size=SIZE) as pilot:
        app.transcript.show(user_messages(100), earlier_count=0, bot_id="b")
        app.transcript.focus()
        await pilot.press(*["up"] * 31)
        assert app.transcript.current.id == "q69"
        assert "question 69" in screen_rows(app)
        await pilot.press(*["down"] * 20)
        assert "question 89" in screen_rows(app)


@async_test
async def test_the_chosen_message_stays_chosen_when_earlier_ones_come():
    app = TranscriptApp()
    async with app.run_test(size=SIZE) as pilot:
        app.transcript.show(user_messages(5), earlier_count=5, bot_id="b")
        app.transcript.cursor = 2
        app.transcript.prepend(user_messages(5, begin=100), earlier_count=0)
        await pilot.pause()
        assert app.transcript.current.id == "q2"
        assert app.transcript.cursor == 7


@async_test
async def test_a_link_shows_where_it_leads_and_asks_before_it_is_opened():
    app = TranscriptApp()
    async with app.run_test(size=SIZE) as pilot:
        links = "See [the bank](https://evil.example/x), https://a.example/b. [no](javascript:alert(1))"
        app.transcript.show([new_message(links)], earlier_count=0, bot_id="b")
        await pilot.pause()
        words = "See the bank (https://evil.example/x), https://a.example/b. [no](javascript:aler"
        assert " ".join(screen_rows(app)[2:4]).startswith(words[:60])
        await pilot.click(Transcript, offset=(2 + 6, 2))
        await pilot.click(Transcript, offset=(2 + 43, 2))
        await pilot.click(Transcript, offset=(2 + 1, 2))
        opened = [note for note in app.noted if note[0] == "link"]
        assert opened == [("link", "https://evil.example/x"), ("link", "https://a.example/b")]


@async_test
async def test_keys_go_through_the_links_of_a_message_and_enter_asks_for_the_chosen_one():
    app = TranscriptApp()
    async with app.run_test(size=SIZE) as pilot:
        app.transcript.show([new_message("[a](https://a.example) [b](https://b.example)")], earlier_count=0, bot_id="b")
        app.transcript.focus()
        await pilot.press("up", "enter", "right", "right", "enter", "right", "enter")
        opened = [url for kind, url in app.noted if kind == "link"]
        assert opened == ["https://a.example", "https://b.example", "https://a.example"]


async def drag(pilot, start, end):
    await pilot.mouse_down(Transcript, offset=start)
    await pilot.hover(Transcript, offset=end)
    await pilot.mouse_up(Transcript, offset=end)


@async_test
async def test_words_are_selected_with_the_mouse_and_copied_as_they_were_before_they_were_wrapped():
    app = TranscriptApp()
    async with app.run_test(size=(30, 24)) as pilot:
        app.transcript.show(
            [new_message("some words that go on\nand on and on, for quite a while"), *user_messages(1)],
            earlier_count=0,
            bot_id="b",
        )
        await pilot.pause()
        assert screen_rows(app)[2:5] == ["some words that go on", "and on and on, for quite a", "while"]
        await drag(pilot, (2 + 5, 2), (2 + 4, 4))
        assert app.screen.get_selected_text() == "words that go on\nand on and on, for quite a while"
        background = app.screen.get_component_rich_style("screen--selection").bgcolor
        marked = [segment for segment in app.transcript.render_line(4) if segment.style.bgcolor == background]
        assert [segment.text for segment in marked] == ["while"]
        assert marked[0].style.color != background


@async_test
async def test_a_selection_stays_on_its_words_when_earlier_messages_come():
    app = TranscriptApp()
    async with app.run_test(size=SIZE) as pilot:
        app.transcript.show(user_messages(3), earlier_count=9, bot_id="b")
        await pilot.pause()
        await drag(pilot, (2, 3), (2 + 7, 3))
        app.transcript.prepend(user_messages(9, begin=100), earlier_count=0)
        await pilot.pause()
        assert app.screen.get_selected_text() == "question"


@async_test
async def test_two_clicks_select_a_message_as_it_was_written():
    app = TranscriptApp()
    async with app.run_test(size=SIZE) as pilot:
        app.transcript.show(
            [new_message("before"), new_message("some **bold**\nwords"), new_message("after")],
            earlier_count=0,
            bot_id="b",
        )
        await pilot.pause()
        await pilot.click(Transcript, offset=(4, 5), times=2)
        assert app.screen.get_selected_text() == "some **bold**\nwords"


@async_test
async def test_a_selection_goes_with_the_rows_it_was_made_on():
    app = TranscriptApp()
    async with app.run_test(size=SIZE) as pilot:
        app.transcript.show(user_messages(3), earlier_count=0, bot_id="b")
        await pilot.pause()
        await drag(pilot, (2, 2), (2 + 7, 2))
        await pilot.resize_terminal(60, 24)
        await until(pilot, lambda: app.screen.get_selected_text() is None)
        await drag(pilot, (2, 2), (2 + 7, 2))
        app.transcript.show(user_messages(3), earlier_count=0, bot_id="b")
        assert app.screen.get_selected_text() is None
