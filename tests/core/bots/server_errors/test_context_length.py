"""Detection of prompts that are too long, by the errors of many servers and the sizes that they state."""

import pytest

from botchat.core.bots.server_errors.context_length import find_token_sizes, prompt_refusal, prompt_too_long
from botchat.core.errors import PromptRefused, PromptTooLong

# As the servers word them: the status, the body, what the prompt was estimated at, the window and the prompt they name.
SAID = {
    "openai": (
        400,
        {
            "message": "This model's maximum context length is 4097 tokens. However, your messages resulted in 4500.",
            "code": "context_length_exceeded",
        },
        (4_400, 4097, 4500),
    ),
    "openai without sizes": (
        400,
        {"message": "Your input exceeds the context window of this model. Please adjust your input."},
        (4_400, None, None),
    ),
    "llama.cpp": (
        400,
        {
            "message": "the request exceeds the available context size, try increasing it",
            "type": "exceed_context_size_error",
            "n_prompt_tokens": 144290,
            "n_ctx": 8192,
        },
        (120_000, 8192, 144290),
    ),
    "llama.cpp in words": (
        500,
        {"message": "request (1407 tokens) exceeds the available context size (512 tokens)"},
        (1_300, 512, 1407),
    ),
    "llama.cpp, batch": (
        500,
        {"message": "input is too large to process. increase the physical batch size"},
        (1_300, None, None),
    ),
    "deepseek": (
        400,
        {
            "message": "This model's maximum context length is 65536 tokens. However, you requested 122946 tokens "
            "(112946 in the messages, 10000 in the completion)."
        },
        (100_000, 65536, 112946),
    ),
    "vllm": (
        400,
        {
            "message": "This model's maximum context length is 2048 tokens. However, your request has 2050 input "
            "tokens. Please reduce the length of the input messages. (parameter=input_tokens, value=2050)"
        },
        (1_900, 2048, 2050),
    ),
    "older vllm": (
        400,
        {"message": "The decoder prompt (length 5000) is longer than the maximum model length of 2048."},
        (6_000, 2048, 5000),
    ),
    "llama-cpp-python": (
        400,
        {"message": "Requested tokens (2285) exceed context window of 2048"},
        (2_000, 2048, 2285),
    ),
    "ollama": (400, {"message": "prompt too long; exceeded max context length by 12 tokens"}, (9_000, None, None)),
    "newer ollama": (400, {"message": "the input length exceeds the context length"}, (9_000, None, None)),
    "anthropic": (
        400,
        {"message": "prompt is too long: 210,000 tokens > 200,000 maximum"},
        (190_000, 200_000, 210_000),
    ),
    "claude with an answer": (
        400,
        {"message": "input length and `max_tokens` exceed context limit: 199000 + 8192 > 200000, decrease it"},
        (220_000, 199_000, 200_000),  # a little less than the window: that costs a message, not the session
    ),
    "gemini": (
        400,
        [{"error": {"message": "The input token count (1200) exceeds the maximum number of tokens allowed (1048)."}}],
        (1_300, 1048, 1200),
    ),
    "mistral": (
        400,
        {
            "message": "Prompt contains 40000 tokens and 0 draft tokens, too large for model with 32768 maximum",
            "type": "invalid_request_prompt_too_long",
        },
        (42_000, 32768, 40000),
    ),
    "lm studio": (
        400,
        "The number of tokens to keep is greater than the context length (n_keep: 5200>= n_ctx: 4096). Try another.",
        (5_000, 4096, 5200),
    ),
    "lm studio without the prompt": (
        400,
        {"detail": "This model has a context length of only 4096 tokens, which is not enough"},
        (9_000, 4096, None),
    ),
    "minimax, whose number is a code": (
        400,
        {"message": "invalid params, context window exceeds limit (2013)"},
        (30_000, None, None),
    ),
    "xai": (
        400,
        "This model's maximum prompt length is 131072 but the request contains 237812 tokens.",
        (220_000, 131072, 237812),
    ),
    "glm": (400, {"code": "1261", "message": "Prompt exceeds max length"}, (30_000, None, None)),
    "qwen": (
        400,
        {"message": "<400> InternalError.Algo.InvalidParameter: Range of input length should be [1,30720]"},
        (60_000, 30720, None),
    ),
    "together": (
        422,
        {
            "message": "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 8193. "
            "Given: 9000 `inputs` tokens and 512 `max_new_tokens`"
        },
        (9_500, 8193, 9000),
    ),
    "kimi": (
        400,
        {"message": "Invalid request: Your request exceeded model token limit: 131072"},
        (200_000, 131072, None),
    ),
    "stepfun": (400, {"message": "input length too long"}, (30_000, None, None)),
    "bedrock": (
        400,
        {"message": 'BedrockException - {"message":"Input is too long for requested model."}'},
        (9_000, None, None),
    ),
    "cohere": (
        400,
        {"message": "too many tokens: total number of tokens in the prompt cannot exceed 128000 - received 130000."},
        (120_000, 128000, 130000),
    ),
    "copilot": (
        400,
        {
            "message": "prompt token count of 140000 exceeds the limit of 128000",
            "code": "model_max_prompt_tokens_exceeded",
        },
        (140_000, 128000, 140000),
    ),
    "sglang": (
        400,
        {"message": "The input (9001 tokens) is longer than the model's context length (8192 tokens).", "code": 400},
        (8_000, 8192, 9001),
    ),
    "groq": (
        413,
        {"message": "Request too large for model `x-7b-32768` on tokens per minute (TPM): Limit 6000, Requested 7004"},
        (7_000, 6000, 7004),
    ),
    "openrouter": (
        400,
        {
            "message": "Provider returned error",
            "code": 400,
            "metadata": {
                "raw": '{"message": "The input (9001 tokens) is longer than the context length (8192 tokens)"}'
            },
        },
        (9_000, 8192, 9001),
    ),
    "anyone who counts the system prompt": (
        400,
        {"message": "The system prompt and messages exceed the context window of 8192 tokens."},
        (20_000, 8192, None),
    ),
    "litellm": (400, "ContextWindowExceededError: litellm: the context window is full", (9_000, None, None)),
}


@pytest.mark.parametrize(("status", "body", "sizes"), SAID.values(), ids=SAID)
def test_it_is_detected_by_the_message_of_every_server_with_its_sizes(status, body, sizes):
    error = prompt_refusal(body, "the reason", "Refused.", status)
    assert isinstance(error, PromptTooLong)
    estimate, window, prompt = sizes
    assert find_token_sizes(error, estimate) == (window, prompt)
    assert "the reason" in str(error)


@pytest.mark.parametrize(
    ("message", "estimate"),
    [
        ("The context window exceeds limit (2013)", 30_000),
        ("context length exceeded: HTTP 400, request 20261128, attempt 3", 9_000),
        ("The context length of gpt-4-8192 is exceeded, see https://h.org/docs/4500", 80_000),
        ("The context length is 1000000 tokens", 30_000),
    ],
)
def test_a_number_that_can_be_no_window_of_this_prompt_is_none(message, estimate):
    error = prompt_too_long({"message": message}, "", 400)
    assert error is not None
    assert find_token_sizes(error, estimate).window is None


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"message": "Rate limit reached: Limit 30000, Requested 40000 tokens per min exceed it."}, 429),
        ({"message": "max_tokens is too large: 5000. This model supports at most 4096 completion tokens."}, 400),
        ({"message": "max_tokens (8192) exceeds the model's maximum of 4096 output tokens."}, 400),
        ({"message": "The model does not exist."}, 400),
        ({"message": "Incorrect API key in this context window."}, 401),
        ({"message": None, "code": [], "type": {}}, 400),
        (None, 400),
    ],
)
def test_other_complaints_are_not_taken_for_it(body, status):
    assert prompt_too_long(body, "", status) is None


@pytest.mark.parametrize(
    ("body", "status", "is_possible"),
    [
        ({"message": "No."}, 400, True),
        ("Zu lang", 413, True),
        ({"detail": [{"loc": ["body"]}]}, 422, True),
        ({"message": "CUDA out of memory"}, 500, True),
        ({"message": "stub says no"}, 500, False),
        ({"message": "context length exceeded"}, 429, False),
        ({"message": "No."}, 404, False),
        (None, None, False),
    ],
)
def test_which_refusals_with_an_unknown_message_a_shorter_prompt_may_pass(body, status, is_possible):
    error = prompt_refusal(body, "", "Refused.", status)
    assert isinstance(error, PromptRefused) == is_possible
    assert error is None or str(error) == "Refused."


@pytest.mark.parametrize(
    "message",
    [
        "System role not supported",
        "Developer instruction is not enabled for models/gemma-3-1b-it",
        "Unsupported value: 'messages[0].role' does not support 'system' with this model.",
        "This model doesn't support system messages. Try again without a system message.",
    ],
)
def test_a_server_that_takes_no_system_role_is_known_by_its_words(message):
    error = prompt_refusal({"message": message}, "", "Refused.", 400)
    assert error is not None
    assert error.wants_no_system
