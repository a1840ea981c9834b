"""Characters that a server cuts in two: half of a surrogate pair in one delta, the other half in the next."""

import json

import pytest
from heard import hear
from stub_bot import DONE, Answer, chunk, sse

STOP = chunk({}, finish_reason="stop")


@pytest.mark.parametrize("field", ["content", "reasoning_content"])
@pytest.mark.parametrize("size", [1, 2, 3])
def test_a_character_that_is_cut_in_two_is_joined(field, size):
    text = "a\ud83d\ude00b\ud83d\ude00"
    heard = hear(_escaped([{field: text[i : i + size]} for i in range(0, len(text), size)]))
    assert heard.content + heard.reasoning == "a😀b😀"


def test_halves_of_two_fields_are_not_joined_and_each_stays():
    heard = hear(_escaped([{"reasoning": "a\ud83d"}, {"content": "\ude00b\ud83d"}]))
    assert (heard.reasoning, heard.content) == ("a\ud83d", "\ude00b\ud83d")


def test_a_character_that_is_cut_in_two_beside_a_think_tag_is_joined():
    heard = hear(_escaped([{"content": "<think>\ud83d"}, {"content": "\ude00</think>\ud83d"}, {"content": "\ude00"}]))
    assert (heard.reasoning, heard.content) == ("😀", "😀")


def _escaped(deltas: list[dict[str, str]]) -> Answer:
    """Stream deltas with halves of characters, as JSON escapes."""
    events = [f"data: {json.dumps(chunk(delta))}\n\n".encode() for delta in deltas]
    return sse(*events, STOP, DONE)
