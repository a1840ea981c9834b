"""The finish reasons of every provider, and their meaning for the reply."""

import json
import re
from typing import Any, Literal, NamedTuple

from botchat.core.models import Status

Meaning = Literal["complete", "limit", "filter", "aborted", "resources", "error", "unknown", "none"]

UNFINISHED = "Reply ended unexpectedly: the model server sent no finish reason."

_SENTENCES: dict[Meaning, str] = {
    "limit": "Stopped at the token limit: max_tokens or the context window.",
    "filter": "Stopped by the content filter of the model server.",
    "aborted": "The model server aborted the reply. Try again.",
    "resources": "The model server ran out of resources. Try again later.",
}
_IMPLIED = {"length", "content_filter", "error"}  # their sentence already implies them

_REASONS: dict[Meaning, str] = {
    # OpenAI; Anthropic and Bedrock (end_turn, tool_use); TGI, Together (eos, eos_token); Cohere (complete); LM Studio
    # (eosfound, stopstringfound, toolcalls); Ollama (load, unload); llama.cpp (word); OpenAI's Responses (completed).
    "complete": "stop stop_sequence end_turn end eos eos_token complete completed done finish finished word tool_calls "
    "tool_call tool_use function_call toolcalls eosfound stopstringfound stop_string load unload",
    # OpenAI says length, Mistral model_length, Anthropic, Gemini and Cohere max_tokens, OpenAI's Responses
    # max_output_tokens, GLM model_context_window_exceeded, llama.cpp limit; the rest are of LM Studio, watsonx and xAI.
    "limit": "length max_tokens model_length max_output_tokens max_length token_limit time_limit limit error_limit "
    "model_context_window_exceeded maxpredictedtokensreached contextlengthreached max_len max_context incomplete "
    "context_length_exceeded timeout pause_turn",
    # OpenAI, Azure (content_filter), Anthropic (refusal), Gemini in capitals, Bedrock (guardrail_intervened), GLM and
    # Hunyuan (sensitive), Cohere (error_toxic), DashScope (data_inspection_failed).
    "filter": "content_filter content_filtered refusal safety recitation blocklist prohibited_content spii language "
    "image_safety image_prohibited_content image_recitation guardrail_intervened sensitive error_toxic "
    "data_inspection_failed blocked moderation",
    # vLLM and SGLang (abort), Cohere (user_cancel), watsonx (cancelled), LM Studio (userstopped, modelunloaded).
    "aborted": "abort aborted cancelled canceled user_cancel userstopped modelunloaded interrupted preempted",
    # DeepSeek.
    "resources": "insufficient_system_resource insufficient_system_resources overloaded",
    # OpenRouter, Mistral, vLLM (error), GLM (network_error), LM Studio (failed), Gemini and Bedrock (malformed_…).
    "error": "error failed network_error malformed_function_call malformed_tool_use malformed_model_output "
    "malformed_response unexpected_tool_call function_call_filter",
    # DashScope sends null as text while it streams; watsonx not_finished; Gemini the default of its enum.
    "none": "null none not_finished unspecified",
}
_MEANINGS: dict[str, Meaning] = {name: meaning for meaning, names in _REASONS.items() for name in names.split()}


class Outcome(NamedTuple):
    """The outcome of a reply: its status (None: complete), and a sentence if it is not complete."""

    status: Status | None
    error: str | None


def reason_text(reason: Any) -> str | None:
    """Return a `finish_reason` as text; None if there is none.

    SGLang sends `{"type": "length", "length": 16}`: its `type` is the reason. Any other value is kept as JSON.
    """
    if isinstance(reason, dict) and isinstance(reason.get("type"), str):
        reason = reason["type"]
    if reason in (None, "", [], {}):
        return None
    text = reason if isinstance(reason, str) else json.dumps(reason, default=str)
    return None if _meaning(text) == "none" else text


def finish_meaning(reason: Any) -> Meaning:
    """Return the meaning of a finish reason, in any case, also with a detail after a colon."""
    text = reason_text(reason)
    return "none" if text is None else _meaning(text)


def is_cut_off(reason: Any) -> bool:
    """Return whether a reply that ended for this reason is incomplete."""
    return finish_meaning(reason) not in {"complete", "unknown"}


def outcome_of(reason: Any) -> Outcome:
    """Return the outcome of a reply that ended for this reason. An unknown reason leaves it complete."""
    meaning, text = finish_meaning(reason), reason_text(reason)
    if meaning == "none":
        return Outcome("truncated", UNFINISHED)
    if meaning == "error":
        return Outcome("failed", error_sentence(text))
    sentence = _SENTENCES.get(meaning)
    if sentence is None:
        return Outcome(None, None)
    return Outcome("truncated", sentence if text in _IMPLIED else _with_reason(sentence, text))


def error_sentence(reason: str | None) -> str:
    """Return the sentence for a reply that ended with an error, with the reason if there is one."""
    sentence = "The model server ended the reply with an error. Try again."
    return sentence if reason in _IMPLIED else _with_reason(sentence, reason)


def _with_reason(sentence: str, reason: str | None) -> str:
    first, dot, rest = sentence.partition(". ")
    return f"{first.removesuffix('.')} ({reason}).{' ' if dot else ''}{rest}"


def _meaning(text: str) -> Meaning:
    name = re.sub(r"[\s-]+", "_", text.partition(":")[0].strip().lower())
    return _MEANINGS.get(name.removeprefix("finish_reason_").removeprefix("reason_"), "unknown")
