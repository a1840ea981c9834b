"""Replies in the formats of providers' own APIs, and in unknown ones: nothing is lost."""

from typing import Any

import pytest
from support.bots.read_reply import STOP, ReadReply, message, read
from support.bots.stub_server import chunk

from botchat.core.bots.stream.chunks import DONE
from botchat.core.models import unpack

SHAPES: dict[str, tuple[list[Any], ReadReply]] = {
    "OpenAI's Responses": (
        [
            {"type": "response.created", "response": {"status": "in_progress"}},
            {"type": "response.reasoning_summary_text.delta", "delta": "Hm."},
            {"type": "response.output_text.delta", "delta": "Ye"},
            {"type": "response.output_text.delta", "delta": "s."},
            {
                "type": "response.completed",
                "response": {
                    "status": "completed",
                    "output": [
                        {"type": "reasoning", "summary": [{"type": "summary_text", "text": "Hm."}]},
                        {"type": "message", "content": [{"type": "output_text", "text": "Yes.", "annotations": []}]},
                    ],
                },
            },
        ],
        ReadReply(reasoning="Hm."),
    ),
    "OpenAI's Responses, whole": (
        [
            {
                "object": "response",
                "status": "incomplete",
                "incomplete_details": {"reason": "max_output_tokens"},
                "output": [
                    {"type": "reasoning", "summary": [{"type": "summary_text", "text": "Hm."}]},
                    {"type": "message", "content": [{"type": "output_text", "text": "Yes."}]},
                    {"type": "function_call", "name": "get_weather", "arguments": "{}"},
                ],
            }
        ],
        ReadReply(reasoning="Hm.", kinds=["tool call: get_weather"], status="truncated"),
    ),
    "legacy completions": (
        [
            {"choices": [{"index": 0, "text": "Ye", "finish_reason": None}]},
            {"choices": [{"text": "s.", "finish_reason": "stop"}]},
        ],
        ReadReply(),
    ),
    "Anthropic's messages": (
        [
            {"type": "message_start", "message": {"role": "assistant", "content": [], "stop_reason": None}},
            {
                "type": "content_block_start",
                "index": 0,
                "content_block": {"type": "thinking", "thinking": "", "signature": ""},
            },
            {"type": "ping"},
            {"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": "Hm."}},
            {"type": "content_block_delta", "index": 0, "delta": {"type": "signature_delta", "signature": "Eq=="}},
            {"type": "content_block_delta", "index": 1, "delta": {"type": "text_delta", "text": "Yes."}},
            {
                "type": "content_block_start",
                "index": 2,
                "content_block": {"type": "tool_use", "id": "t", "name": "search"},
            },
            {"type": "content_block_delta", "index": 2, "delta": {"type": "input_json_delta", "partial_json": "{}"}},
            {"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 5}},
            {"type": "message_stop"},
        ],
        ReadReply(reasoning="Hm.", kinds=["tool call: search"]),
    ),
    "Anthropic's messages, whole": (
        [{"type": "message", "content": [{"type": "text", "text": "Yes."}], "stop_reason": "end_turn"}],
        ReadReply(),
    ),
    "Gemini": (
        [
            {"candidates": [{"content": {"parts": [{"text": "Hm.", "thought": True}], "role": "model"}}]},
            {
                "candidates": [
                    {"content": {"parts": [{"text": "Yes."}, {"inlineData": {"data": "AA=="}}]}, "finishReason": "STOP"}
                ]
            },
        ],
        ReadReply(reasoning="Hm.", kinds=["file"]),
    ),
    "Gemini, blocked": ([{"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}}], ReadReply("", status="truncated")),
    "DashScope": ([{"output": {"text": "Yes.", "finish_reason": "stop"}, "request_id": "r"}], ReadReply()),
    "Ollama's chat": (
        [
            {"model": "m", "message": {"role": "assistant", "content": "", "thinking": "Hm."}, "done": False},
            {"model": "m", "message": {"role": "assistant", "content": "Yes."}, "done": True, "done_reason": "length"},
        ],
        ReadReply(reasoning="Hm.", status="truncated"),
    ),
    "Ollama's completions": (
        [{"response": "Yes.", "done": False}, {"response": "", "done": True, "done_reason": "stop"}],
        ReadReply(),
    ),
    "llama.cpp's completions": (
        [{"content": "Yes.", "stop": False}, {"content": "", "stop": True, "stop_type": "limit"}],
        ReadReply(status="truncated"),
    ),
    "TGI": (
        [
            {"token": {"text": "Yes."}, "generated_text": None},
            {
                "token": {"text": "</s>", "special": True},
                "generated_text": "Yes.",
                "details": {"finish_reason": "eos_token"},
            },
        ],
        ReadReply(),
    ),
    "Cohere": (
        [
            {"type": "content-delta", "delta": {"message": {"content": {"thinking": "Hm."}}}},
            {"type": "content-delta", "delta": {"message": {"content": {"text": "Yes."}}}},
            {"type": "message-end", "delta": {"finish_reason": "COMPLETE"}},
        ],
        ReadReply(reasoning="Hm."),
    ),
    "an unknown reply": (
        [{"answer": {"value": "Yes."}}, DONE],
        ReadReply("", kinds=["reply of an unknown shape"], status="truncated"),
    ),
    "thinking": ([chunk({"thinking": "Hm."}), chunk("Yes."), STOP], ReadReply(reasoning="Hm.")),
    "a delta that is text": ([{"choices": [{"delta": "Yes.", "finish_reason": "stop"}]}], ReadReply()),
    "delta and message": ([message({"content": "Yes."}), message({"content": "Yes."})], ReadReply()),
    "a whole message that goes on": ([chunk("Ye"), message({"content": "Yes."})], ReadReply()),
    "another message": ([chunk("Yes."), message({"content": "No."})], ReadReply(kinds=["message"])),
    "a part of unknown type": (
        [chunk({"content": [{"type": "hologram_url", "hologram_url": "x"}, {"type": "text", "text": "Yes."}]}), STOP],
        ReadReply(kinds=["hologram url"]),
    ),
    "an unknown field in pieces": (
        [chunk({"poem": "Ro"}), chunk({"poem": "ses"}), chunk("Yes."), STOP],
        ReadReply(kinds=["poem"]),
    ),
    "a legacy function call": (
        [
            chunk({"function_call": {"name": "get_weather", "arguments": ""}}),
            chunk({"function_call": {"arguments": "{}"}}),
            chunk({}, finish_reason="function_call"),
        ],
        ReadReply("", kinds=["tool call: get_weather"], status="truncated"),
    ),
    "an unknown reason": (
        [chunk("Yes."), chunk({}, finish_reason="full_moon")],
        ReadReply(kinds=["finish reason full_moon"]),
    ),
    "a reason that is an object": (
        [chunk("Yes."), chunk({}, finish_reason={"moon": "full"})],
        ReadReply(kinds=['finish reason {"moon": "full"}']),
    ),
    "no reason, but an end": ([chunk("Yes."), DONE], ReadReply()),
    "empty reasons, but an end": ([chunk("Yes.", finish_reason=""), DONE], ReadReply()),
    "no reason and no end": ([chunk("Yes.")], ReadReply(status="truncated")),
    "nothing": ([chunk({"content": ""}), STOP], ReadReply("", status="truncated")),
    "nothing within the limit": (
        [chunk({"content": ""}), chunk({}, finish_reason="length")],
        ReadReply("", status="truncated"),
    ),
    "zero-width characters": (
        [chunk("\u200b"), chunk("\ufeff\n"), STOP],
        ReadReply("\u200b\ufeff\n", status="truncated"),
    ),
    "blanks": ([chunk(" \n"), STOP], ReadReply(" \n", status="truncated")),
}


@pytest.mark.parametrize(("chunks", "shown"), SHAPES.values(), ids=SHAPES.keys())
def test_a_reply_of_an_odd_shape_is_read(chunks, shown):
    assert read(*chunks)[0] == shown


B = {"index": 1, "finish_reason": None}
TWO_CHOICES: dict[str, tuple[list[Any], ReadReply, list[Any]]] = {
    "in one chunk": (
        [
            {"choices": [{"index": 0, "delta": {"role": "assistant"}}, B | {"delta": {"role": "assistant"}}]},
            {"choices": [{"index": 0, "delta": {"content": "Ye"}}, B | {"delta": {"content": "N"}}]},
            {
                "choices": [
                    B | {"delta": {"role": "assistant", "content": "o."}},
                    {"index": 0, "delta": {"content": "s."}},
                ]
            },
            {"choices": [B | {"delta": {}, "finish_reason": "length"}]},
            STOP,
        ],
        ReadReply(kinds=["choice 1"]),
        [{"index": 1, "finish_reason": "length", "delta": {"content": "No."}}],
    ),
    "the second one first": (
        [chunk("Yes.", index=1), chunk("No."), chunk({}, index=1, finish_reason="stop")],
        ReadReply(kinds=["choice 0"]),
        [{"index": 0, "delta": {"content": "No."}}],
    ),
    "whole": (
        [{"choices": [{"message": {"content": "Yes."}, "finish_reason": "stop"}, {"message": {"content": "No."}}]}],
        ReadReply(kinds=["choice 1"]),
        [{"message": {"content": "No."}}],
    ),
    "legacy": (
        [{"choices": [{"index": 0, "text": "Yes.", "finish_reason": "stop"}, {"index": 1, "text": "No."}]}],
        ReadReply(kinds=["choice 1"]),
        [{"index": 1, "text": "No."}],
    ),
    "a tool call in the other": (
        [chunk("Yes."), chunk({"tool_calls": [{"index": 0, "function": {"name": "f"}}]}, index=1), STOP],
        ReadReply(kinds=["choice 1"]),
        [{"index": 1, "delta": {"tool_calls": [{"index": 0, "function": {"name": "f"}}]}}],
    ),
    "one alone, with another index": (
        [chunk("Yes.", index=1), chunk({}, index=1, finish_reason="stop")],
        ReadReply(),
        [],
    ),
    "one of them empty": (
        [chunk("", index=1), chunk("Yes."), chunk({}, index=1, finish_reason="length"), STOP],
        ReadReply(),
        [],
    ),
}


@pytest.mark.parametrize(("chunks", "shown", "others"), TWO_CHOICES.values(), ids=TWO_CHOICES.keys())
def test_two_choices_are_not_mixed(chunks, shown, others):
    seen, reply = read(*chunks)
    assert (seen, [piece.raw for piece in unpack(reply.message.payload)]) == (shown, others)
