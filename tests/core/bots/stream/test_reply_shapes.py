"""Replies as OpenAI-compatible servers send them: text, reasoning, what can't be shown, and a status."""

from typing import Any

import pytest
from support.bots.read_reply import STOP, ReadReply, message, read
from support.bots.stub_server import chunk

from botchat.core.bots.stream.chunks import DONE

IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}
SAFE = {"hate": {"filtered": False, "severity": "safe"}}
DETAILS = {"type": "reasoning.text", "text": "Hm.", "format": "anthropic-claude-v1", "index": 0}
THOUGHT = [{"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]}]


def call(**piece: Any) -> dict[str, Any]:
    return chunk({"tool_calls": [piece]})


TOOLS = chunk({}, finish_reason="tool_calls")
WEATHER = {"name": "get_weather", "arguments": '{"city": "Oslo"}'}

SHAPES: dict[str, tuple[list[Any], ReadReply]] = {
    "OpenAI": (
        [chunk({"role": "assistant", "content": "", "refusal": None}), chunk("Ye"), chunk("s."), STOP],
        ReadReply(),
    ),
    "OpenAI, padded": ([chunk("Yes.") | {"obfuscation": "aB3", "service_tier": "default"}, STOP], ReadReply()),
    "OpenAI, log probabilities": ([chunk("Yes.", logprobs={"content": [{"token": "Yes."}]}), STOP], ReadReply()),
    "OpenAI, a refusal": ([chunk({"refusal": "I can't."}), STOP], ReadReply("I can't.")),
    "OpenAI, web search": (
        [
            chunk(
                {"content": "Yes.", "annotations": [{"type": "url_citation", "url_citation": {"url": "https://a.b"}}]}
            ),
            STOP,
        ],
        ReadReply(kinds=["citations"]),
    ),
    "OpenAI, no annotations": ([message({"content": "Yes.", "refusal": None, "annotations": []}), DONE], ReadReply()),
    "OpenAI, speech": (
        [
            chunk({"audio": {"id": "a", "transcript": "Ye"}}),
            chunk({"audio": {"id": "a", "data": "AAA="}}),
            chunk({"audio": {"transcript": "s.", "data": "BBB="}}),
            chunk({"audio": {"expires_at": 1}}),
            STOP,
        ],
        ReadReply(kinds=["audio"]),
    ),
    "Azure": (
        [
            {"choices": [], "prompt_filter_results": [{"prompt_index": 0, "content_filter_results": SAFE}]},
            chunk({"role": "assistant", "content": ""}, content_filter_results={}),
            chunk("Yes.", content_filter_results=SAFE),
            chunk({}, finish_reason="stop", content_filter_offsets={"check_offset": 44}),
        ],
        ReadReply(),
    ),
    "Azure, filtered": (
        [chunk("Yes."), chunk({}, finish_reason="content_filter", content_filter_results=SAFE)],
        ReadReply(status="truncated"),
    ),
    "Azure, your data": (
        [message({"content": "Yes.", "context": {"citations": [{"content": "a page"}], "intent": "[]"}}), DONE],
        ReadReply(kinds=["context"]),
    ),
    "Anthropic's endpoint": (
        [chunk({"content": "Yes.", "reasoning_content": None, "tool_calls": None}), STOP],
        ReadReply(),
    ),
    "Gemini's endpoint, a call": (
        [
            chunk(
                {
                    "tool_calls": [
                        {"function": WEATHER, "id": "1", "extra_content": {"google": {"thought_signature": "x"}}}
                    ]
                }
            ),
            chunk({"tool_calls": [{"function": {"name": "get_time", "arguments": "{}"}, "id": "2"}]}),
            STOP,
        ],
        ReadReply("", kinds=["tool call: get_weather", "tool call: get_time"], status="truncated"),
    ),
    "Gemini's endpoint, a signature": (
        [chunk({"content": "Yes.", "extra_content": {"google": {"thought_signature": "x"}}}), STOP],
        ReadReply(),
    ),
    "Gemini's endpoint, filtered": (
        [chunk("Yes."), chunk({}, finish_reason="content_filter: RECITATION")],
        ReadReply(status="truncated"),
    ),
    "Mistral": (
        [
            chunk({"role": "assistant", "content": ""}),
            chunk({"content": THOUGHT}),
            chunk({"content": [{"type": "text", "text": "Ye"}, {"type": "reference", "reference_ids": [1]}]}),
            chunk("s."),
            STOP,
        ],
        ReadReply(reasoning="Hm.", kinds=["citations"]),
    ),
    "Mistral, whole": (
        [message({"content": [*THOUGHT, {"type": "text", "text": "Yes."}]}, "model_length")],
        ReadReply(reasoning="Hm.", status="truncated"),
    ),
    "texts in a list": ([chunk({"content": ["Ye", {"text": {"value": "s."}}]}), STOP], ReadReply()),
    "DeepSeek": (
        [chunk({"content": None, "reasoning_content": "Hm."}), chunk("Yes."), STOP],
        ReadReply(reasoning="Hm."),
    ),
    "DeepSeek, no resources": (
        [chunk("Yes."), chunk({}, finish_reason="insufficient_system_resource")],
        ReadReply(status="truncated"),
    ),
    "Groq": (
        [chunk("Yes.") | {"x_groq": {"id": "req_1"}}, chunk({"reasoning": "Hm."}), STOP],
        ReadReply(reasoning="Hm."),
    ),
    "Groq, tools": (
        [chunk({"content": "Yes.", "executed_tools": [{"type": "search", "output": "a page"}]}), STOP],
        ReadReply(kinds=["executed tools"]),
    ),
    "Bedrock behind a gateway": (
        [chunk({"role": "assistant", "reasoning_content": {"text": "Hm."}}), chunk("Yes."), STOP],
        ReadReply(reasoning="Hm."),
    ),
    "Copilot, a cipher": (
        [chunk({"reasoning_text": "Hm."}), chunk({"content": "Yes.", "reasoning_opaque": "gAA="}), STOP],
        ReadReply(reasoning="Hm.", kinds=["encrypted reasoning"]),
    ),
    "Together": (
        [
            chunk({"role": "assistant", "content": "Yes.", "token_id": 5}, seed=None, text=""),
            chunk({}, finish_reason="eos"),
        ],
        ReadReply(),
    ),
    "Fireworks": ([chunk("Yes."), chunk({}, finish_reason="stop") | {"perf_metrics": {"server": "a"}}], ReadReply()),
    "OpenRouter": (
        [
            chunk({"role": "assistant", "content": "", "reasoning": "Hm.", "reasoning_details": [DETAILS]}),
            chunk("Yes.", native_finish_reason="stop"),
            STOP,
        ],
        ReadReply(reasoning="Hm."),
    ),
    "OpenRouter, details alone": (
        [chunk({"reasoning_details": [DETAILS]}), chunk("Yes."), STOP],
        ReadReply(reasoning="Hm."),
    ),
    "OpenRouter, summaries and ciphers": (
        [
            chunk({"reasoning_details": [{"type": "reasoning.summary", "summary": "Hm."}]}),
            chunk({"content": "Yes.", "reasoning_details": [{"type": "reasoning.encrypted", "data": "gAA="}]}),
            STOP,
        ],
        ReadReply(reasoning="Hm.", kinds=["encrypted reasoning"]),
    ),
    "OpenRouter, an image": (
        [chunk({"content": "Yes.", "images": [IMAGE]}), chunk({"images": [IMAGE]}), STOP],
        ReadReply(kinds=["image"]),
    ),
    "OpenRouter, an error": (
        [
            chunk("Yes."),
            chunk({"content": ""}, finish_reason="error", error={"code": 502, "message": "Upstream is full."}),
        ],
        ReadReply(status="failed"),
    ),
    "xAI": (
        [chunk("Yes."), STOP | {"citations": ["https://a.b"], "num_sources_used": 1}],
        ReadReply(kinds=["citations"]),
    ),
    "Perplexity": (
        [chunk("Ye") | {"citations": ["https://a.b"]}, chunk("s.") | {"citations": ["https://a.b"]}, STOP],
        ReadReply(kinds=["citations"]),
    ),
    "Qwen": ([chunk({"content": "Yes."}, finish_reason="null"), STOP], ReadReply()),
    "GLM": (
        [chunk({"role": "assistant", "reasoning_content": "Hm."}), chunk("Yes."), chunk({}, finish_reason="sensitive")],
        ReadReply(reasoning="Hm.", status="truncated"),
    ),
    "MiniMax, the whole once more": (
        [
            chunk("<think>Hm.</think>"),
            chunk("Yes."),
            message({"content": "<think>Hm.</think>Yes.", "audio_content": ""}, input_sensitive=False),
        ],
        ReadReply(reasoning="Hm."),
    ),
    "MiniMax, an error": (
        [{"choices": [], "base_resp": {"status_code": 1004, "status_msg": "login fail"}}],
        ReadReply("", status="failed"),
    ),
    "Ollama": (
        [
            chunk({"role": "assistant", "content": "", "reasoning": "Hm."}),
            chunk({"role": "assistant", "content": "Yes."}),
            STOP,
        ],
        ReadReply(reasoning="Hm."),
    ),
    "Ollama, calls of one index": (
        [call(index=0, id="1", function=WEATHER), call(index=0, id="2", function=WEATHER), TOOLS],
        ReadReply("", kinds=["tool call: get_weather"] * 2, status="truncated"),
    ),
    "LM Studio": ([chunk("Yes."), chunk({}, finish_reason="stop") | {"stats": {}}], ReadReply()),
    "llama.cpp": (
        [chunk({"role": "assistant", "content": None}), chunk("Yes.") | {"timings": {"predicted_n": 2}}, STOP],
        ReadReply(),
    ),
    "vLLM": (
        [
            chunk({"content": "Yes.", "reasoning": None, "reasoning_content": None}, stop_reason=None, token_ids=None),
            chunk({}, finish_reason="abort"),
        ],
        ReadReply(status="truncated"),
    ),
    "SGLang": (
        [chunk("Yes.", matched_stop=None), chunk({}, finish_reason={"type": "stop", "matched": 2})],
        ReadReply(),
    ),
    "LiteLLM": (
        [
            chunk(
                {
                    "reasoning_content": "Hm.",
                    "thinking_blocks": [{"type": "thinking", "thinking": "Hm.", "signature": None}],
                    "provider_specific_fields": {"thinking_blocks": [{"type": "thinking", "thinking": "Hm."}]},
                }
            ),
            chunk(
                {
                    "content": "Yes.",
                    "provider_specific_fields": None,
                    "function_call": None,
                    "tool_calls": None,
                    "audio": None,
                }
            ),
            STOP,
        ],
        ReadReply(reasoning="Hm."),
    ),
    "LiteLLM, citations": (
        [chunk({"content": "Yes.", "provider_specific_fields": {"citation": {"cited_text": "a"}}}), STOP],
        ReadReply(kinds=["citations"]),
    ),
    "Copilot": (
        [chunk({"reasoning_text": "Hm.", "reasoning_opaque": ""}), chunk("Yes."), STOP],
        ReadReply(reasoning="Hm."),
    ),
}


@pytest.mark.parametrize(("chunks", "shown"), SHAPES.values(), ids=SHAPES.keys())
def test_a_reply_is_read_whatever_its_shape(chunks, shown):
    assert read(*chunks)[0] == shown
