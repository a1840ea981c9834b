"""Surrogate pairs that a server splits: one half in a delta, the other half in the next."""

import asyncio
import json
import threading
from contextlib import aclosing, suppress

import pytest
from support.bots.asked_bot import HELLO, ask_stub, bot_at
from support.bots.stub_server import DONE, Answer, StubBot, chunk, sse

from botchat.core.bots.openai import OpenAIBot
from botchat.core.models import Delta

STOP = chunk({}, finish_reason="stop")


@pytest.mark.parametrize("field", ["content", "reasoning_content"])
@pytest.mark.parametrize("size", [1, 2, 3])
def test_a_character_that_is_cut_in_two_is_joined(field, size):
    text = "a\ud83d\ude00b\ud83d\ude00"
    heard = ask_stub(_escaped([{field: text[i : i + size]} for i in range(0, len(text), size)]))
    assert heard.content + heard.reasoning == "a😀b😀"


def test_halves_of_two_fields_are_not_joined_and_each_stays():
    heard = ask_stub(_escaped([{"reasoning": "a\ud83d"}, {"content": "\ude00b\ud83d"}]))
    assert (heard.reasoning, heard.content) == ("a\ud83d", "\ude00b\ud83d")


def test_a_character_that_is_cut_in_two_beside_a_think_tag_is_joined():
    heard = ask_stub(
        _escaped([{"content": "<think>\ud83d"}, {"content": "\ude00</think>\ud83d"}, {"content": "\ude00"}])
    )
    assert (heard.reasoning, heard.content) == ("😀", "😀")


def _escaped(deltas: list[dict[str, str]]) -> Answer:
    """Stream deltas with halves of characters, as JSON escapes."""
    events = [f"data: {json.dumps(chunk(delta))}\n\n".encode() for delta in deltas]
    return sse(*events, STOP, DONE)


@pytest.mark.parametrize("held", ["<thi", "a\ud83d", "<think>b</thi"])
def test_text_that_is_held_back_is_kept_when_the_reply_is_stopped(held):
    event = f"data: {json.dumps(chunk({'reasoning_content': 'Hm.', 'content': held}))}\n\n".encode()
    with StubBot([sse(event, threading.Event())]) as stub:
        pieces = asyncio.run(_stopped_after_first(bot_at(stub.url)))
    text = "".join(piece.content + piece.reasoning_content for piece in pieces)
    assert text == "Hm." + held.removeprefix("<think>")


async def _stopped_after_first(bot: OpenAIBot) -> list[Delta]:
    """Cancel the task that reads a reply with its first piece, as a stop does."""
    pieces: list[Delta] = []
    task = asyncio.current_task()
    try:
        with suppress(asyncio.CancelledError):
            async with aclosing(bot.stream(HELLO)) as stream:
                async for piece in stream:
                    if not pieces:
                        task.cancel()
                    pieces.append(piece)
        assert task.uncancel() == 0
        return pieces
    finally:
        await bot.aclose()
