"""Tool calls are assembled from their pieces, however a server identifies the call of a piece."""

import pytest
from support.bots.read_reply import read
from support.bots.stub_server import chunk

from botchat.core.bots.stream.tool_calls import ToolCallCollector
from botchat.core.models import unpack


def collected(*pieces: dict) -> list[tuple[str, str]]:
    """Return the names and arguments of the calls assembled from these pieces."""
    calls = ToolCallCollector()
    states = {state.key: state.raw for state in map(calls.add, pieces)}
    return [(call["function"].get("name", ""), call["function"].get("arguments")) for call in states.values()]


def piece(name: str | None = None, arguments: object = None, **more: object) -> dict:
    function = {"name": name, "arguments": arguments}
    return more | {"function": {field: value for field, value in function.items() if value is not None}}


@pytest.mark.parametrize(
    ("pieces", "calls"),
    [
        (
            [piece("a", "", index=0, id="1"), piece(None, "{x", index=0), piece(None, "}", index=0)],
            [("a", "{x}")],
        ),
        (
            [
                piece("a", "{", index=0, id="1"),
                piece("b", "[", index=1, id="2"),
                piece(None, "}", index=0),
                piece(None, "]", index=1),
            ],
            [("a", "{}"), ("b", "[]")],
        ),
        ([piece("a", "{}", index=0, id="1"), piece("a", "{}", index=0, id="2")], [("a", "{}"), ("a", "{}")]),
        ([piece("a", "{", id="1"), piece(None, "}"), piece("b", "{}", id="2")], [("a", "{}"), ("b", "{}")]),
        ([piece("a", "{", index=0, id="1"), piece("a", "}", index=0, id="1")], [("a", "{}")]),
        ([piece("a", "{", index=0), piece("a", "}", index=0)], [("a", "{}")]),
        ([piece("a", "{", index=0, id="1"), piece(None, "}", index=0, id="2")], [("a", "{}")]),
        ([piece("a", "{", index=0, id="1"), piece("", "}", index=0, id="")], [("a", "{}")]),
        ([piece("a", {"x": 1}), piece("b", {"x": 2})], [("a", {"x": 1}), ("b", {"x": 2})]),
        ([piece(None, "", index=0), piece("a", "{}", index=0, id="1")], [("a", "{}")]),
    ],
    ids=[
        "by index",
        "interleaved",
        "one index",
        "no index",
        "id repeated",
        "no id",
        "new ids",
        "empty",
        "objects",
        "late",
    ],
)
def test_pieces_of_calls_are_put_together(pieces, calls):
    assert collected(*pieces) == calls


def test_a_call_that_is_broken_off_keeps_what_came():
    pieces = [piece("a", '{"ci', index=0, id="1", type="function"), piece(None, 'ty": "Os', index=0)]
    shown, reply = read(*(chunk({"tool_calls": [each]}) for each in pieces))
    assert (shown.kinds, shown.status) == (["tool call: a"], "truncated")
    (kept,) = unpack(reply.message.payload)
    assert kept.raw == piece("a", '{"city": "Os', index=0, id="1", type="function")


def test_earlier_states_are_not_changed():
    calls = ToolCallCollector()
    first = calls.add(piece("a", "{", index=0))
    second = calls.add(piece(None, "}", index=0))
    assert (first.raw["function"]["arguments"], second.raw["function"]["arguments"]) == ("{", "{}")
    assert first.key == second.key
