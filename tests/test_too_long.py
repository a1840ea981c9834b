"""By which errors of which servers the prompt is known to have been too long."""

import pytest

from botchat.core.too_long import too_long

# As the servers word them, with what can be known from it: the limit, and what was sent.
SAID = [
    (
        {
            "message": "This model's maximum context length is 4097 tokens. However, your messages resulted in 4500.",
            "code": "context_length_exceeded",
        },
        4097,
        4500,
    ),
    ({"message": "Your input exceeds the context window of this model. Please adjust your input."}, None, None),
    (
        {
            "message": "the request exceeds the available context size, try increasing it",
            "type": "exceed_context_size_error",
            "n_prompt_tokens": 14429,
            "n_ctx": 8192,
        },
        8192,
        14429,
    ),
    ({"message": "request (1407 tokens) exceeds the available context size (256 tokens)"}, 256, 1407),
    (
        {
            "message": "This model's maximum context length is 16384 tokens. However, you requested 122946 tokens "
            "(112946 in the messages, 10000 in the completion)."
        },
        16384,
        112946,
    ),
    (
        {
            "message": "This model's maximum context length is 2048 tokens. However, your request has 2050 input "
            "tokens. Please reduce the length of the input messages. (parameter=input_tokens, value=2050)"
        },
        2048,
        2050,
    ),
    ({"message": "The decoder prompt (length 5000) is longer than the maximum model length of 2048."}, 2048, 5000),
    ({"message": "Requested tokens (2285) exceed context window of 2048"}, 2048, 2285),
    ({"message": "prompt too long; exceeded max context length by 12 tokens"}, None, None),
    ({"message": "the input length exceeds the context length"}, None, None),
    ({"message": "prompt is too long: 210,000 tokens > 200,000 maximum"}, 200_000, 210_000),
    ({"message": "The input token count (1200) exceeds the maximum number of tokens allowed (1048)."}, 1048, 1200),
    ({"detail": "This model has a context length of only 4096 tokens, which is not enough"}, 4096, None),
    ("ContextWindowExceededError: litellm: the context window is full", None, None),
]


@pytest.mark.parametrize(("body", "limit", "tokens"), SAID, ids=range(len(SAID)))
def test_it_is_known_by_the_words_of_every_server_with_the_sizes_that_they_tell(body, limit, tokens):
    error = too_long(body, "the reason", 400)
    assert error is not None
    assert (error.limit, error.tokens) == (limit, tokens)
    assert "the reason" in str(error)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"message": "Rate limit reached: Limit 30000, Requested 40000 tokens per min exceed it."}, 429),
        ({"message": "max_tokens is too large: 5000. This model supports at most 4096 completion tokens."}, 400),
        ({"message": "The model does not exist."}, 400),
        ({"message": "Incorrect API key in this context window."}, 401),
        ({"message": None, "code": [], "type": {}}, 400),
        (None, 400),
    ],
)
def test_other_complaints_are_not_taken_for_it(body, status):
    assert too_long(body, "", status) is None
