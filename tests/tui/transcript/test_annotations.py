"""The transcript's annotations: endings, ratings, versions, reasoning, details."""

import pytest
from support.tui.stories import async_test
from support.tui.transcripts import SIZE, TIME, TranscriptApp, new_message, screen_rows, user_messages

from botchat.core.models import Message
from botchat.tui.transcript.transcript import Transcript


@pytest.mark.parametrize(
    ("about", "words"),
    [
        ({"status": "stopped"}, "■ Stopped"),
        ({"status": "interrupted"}, "■ Interrupted"),
        ({"status": "failed", "error": "No key [/] was\x1b given."}, "✗ Failed: No key [/] was␛ given."),
        ({"status": "truncated", "error": "No more came."}, "✂ Cut short: No more came."),
        ({"feedback": {"rating": "down", "comment": "wrong"}}, "b  ▼ wrong"),
        ({"agent_id": "other-bot"}, "other-bot"),
        ({"reasoning_content": "I think so"}, "▸ Reasoning (3 words)"),
        ({"reasoning_content": "I think so", "reasoning_ms": 3210}, "▸ Thought for 3.2 s"),
        ({"reasoning_content": "I think so", "reasoning_ms": 0}, "▸ Reasoning (3 words)"),
    ],
)
@async_test
async def test_how_a_message_ended_and_what_belongs_to_it_is_seen(about, words):
    app = TranscriptApp()
    async with app.run_test(size=SIZE) as pilot:
        app.transcript.show([new_message("so far", **about)], earlier_count=0, bot_id="b")
        await pilot.pause()
        assert words in screen_rows(app)
        assert "so far" in screen_rows(app)


@async_test
async def test_several_agents_are_told_apart_and_what_a_tool_returned_is_code():
    app = TranscriptApp()
    result = '```json\n{"late": 3}\n```'
    async with app.run_test(size=SIZE) as pilot:
        messages = [
            user_messages(1)[0],
            Message(role="user", content="*Where* is it?", agent_id="desk"),
            Message(role="tool", content=result, agent_id="desk"),
            new_message("Late.", agent_id="desk"),
        ]
        app.transcript.show(messages, earlier_count=0, bot_id="b")
        await pilot.pause()
        shown = [row.strip() for row in screen_rows(app) if row]
        assert shown[:2] == ["You", "question 0"]
        assert shown[2:] == ["You (to desk)", "*Where* is it?", "Tool (desk)", '{"late": 3}', "desk", "Late."]


@async_test
async def test_the_last_message_says_when_it_has_no_answer_until_one_comes():
    app = TranscriptApp()
    async with app.run_test(size=SIZE) as pilot:
        app.transcript.show(user_messages(2), earlier_count=0, bot_id="b", unanswered=True)
        await pilot.pause()
        assert screen_rows(app)[5:7] == ["question 1", "No reply · r to retry"]
        app.transcript.update_state(unanswered=False)
        await pilot.pause()
        assert "No reply · r to retry" not in screen_rows(app)
        app.transcript.update_state(unanswered=True)
        app.transcript.append(new_message("here it is"))
        await pilot.pause()
        assert "No reply · r to retry" not in screen_rows(app)


@async_test
async def test_a_message_with_others_in_its_place_says_which_it_is():
    app = TranscriptApp()
    async with app.run_test(size=SIZE) as pilot:
        app.transcript.show(
            [new_message("yes", id="m2")], earlier_count=0, bot_id="b", alternatives={"m2": ["m1", "m2", "m3"]}
        )
        await pilot.pause()
        assert screen_rows(app)[1] == "b  ‹ 2/3 ›"  # noqa: RUF001
        app.transcript.update_state(alternatives={"m2": ["m1", "m2"]})
        await pilot.pause()
        assert screen_rows(app)[1] == "b  ‹ 2/2 ›"  # noqa: RUF001


@async_test
async def test_thoughts_unfold_for_one_message_or_for_all():
    app = TranscriptApp()
    async with app.run_test(size=SIZE) as pilot:
        both = [new_message(f"answer {i}", id=f"m{i}", reasoning_content=f"thought {i}") for i in range(2)]
        app.transcript.show(both, earlier_count=0, bot_id="b")
        app.transcript.toggle_reasoning("m1")
        await pilot.pause()
        assert "┊ thought 1" in screen_rows(app)
        assert "┊ thought 0" not in screen_rows(app)
        app.transcript.toggle_reasoning()
        await pilot.pause()
        assert {"┊ thought 0", "┊ thought 1"} <= set(screen_rows(app))
        app.transcript.toggle_reasoning()
        await pilot.pause()
        assert not {"┊ thought 0", "┊ thought 1"} & set(screen_rows(app))


@async_test
async def test_a_click_on_thoughts_unfolds_them():
    app = TranscriptApp()
    async with app.run_test(size=SIZE) as pilot:
        app.transcript.show([new_message("answer", reasoning_content="a thought")], earlier_count=0, bot_id="b")
        await pilot.pause()
        await pilot.click(Transcript, offset=(4, 2))
        await pilot.pause()
        assert screen_rows(app)[2:6] == ["▾ Reasoning (2 words)", "┊ a thought", "", "answer"]


@async_test
async def test_details_show_time_model_tokens_and_latency():
    app = TranscriptApp()
    async with app.run_test(size=SIZE) as pilot:
        usage = {"prompt_tokens": 1812, "completion_tokens": 240}
        app.transcript.show(
            [new_message("yes", model="m-4", usage=usage, latency_ms=3900)], earlier_count=0, bot_id="b"
        )
        app.transcript.toggle_details()
        await pilot.pause()
        time = f"{TIME.astimezone():%-d %b %Y %H:%M:%S}"
        assert (
            " ".join(screen_rows(app)[2:4])
            == f"{time} · b · m-4 · 1,812 input tokens · 240 output tokens · total 3.9 s"
        )
        app.transcript.toggle_details()
        await pilot.pause()
        assert screen_rows(app)[2] == "yes"
