"""Errors of real servers: each body becomes one sentence with the status, the message and what to do."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from support.bots.asked_bot import ask, ask_stub, bot_at
from support.bots.stub_server import DONE, StubBot, chunk, refused, sse, streamed, whole

from botchat.core.bots.server_errors.message import find_message, server_message
from botchat.core.bots.server_errors.retry_delay import format_delay, retry_after

KEY = "sk-proj-abcdefgh1234567890wxyz"
CLOUDFLARE = (
    "<!DOCTYPE html>\n<html><head><title>bots.example | 524: A timeout occurred</title></head><body>…</body></html>"
)
NGINX = "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body><center><h1>502</h1></center></body></html>"
MISTRAL_DETAIL = [
    {"type": "extra_forbidden", "loc": ["body", "store"], "msg": "Extra inputs are not permitted", "input": False},
    {"type": "extra_forbidden", "loc": ["body", "seed"], "msg": "Extra inputs are not permitted", "input": 8},
]
RAW = json.dumps({"error": {"message": "Model 'kimi-k2' supports at most 1 image per prompt.", "code": None}}, indent=2)


@pytest.mark.parametrize(
    ("status", "body", "sentence"),
    [
        pytest.param(
            429,
            {"error": {"message": "You exceeded your current quota.", "type": "insufficient_quota", "param": None}},
            "Rate limit or quota exceeded (HTTP 429: You exceeded your current quota). Try again later.",
            id="OpenAI",
        ),
        pytest.param(
            404,
            {"error": {"code": "DeploymentNotFound", "message": "The API deployment does not exist."}},
            "Model 'stub-1' not found at URL (HTTP 404: The API deployment does not exist). "
            "Check the model, and that base_url ends in /v1.",
            id="Azure, deployment",
        ),
        pytest.param(
            404,
            {"statusCode": 404, "message": "Resource not found"},
            "Model 'stub-1' not found at URL (HTTP 404: Resource not found). "
            "Check the model, and that base_url ends in /v1.",
            id="Azure, path",
        ),
        pytest.param(
            529,
            {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}},
            "Server error (HTTP 529: Overloaded). Try again.",
            id="Anthropic",
        ),
        pytest.param(
            400,
            [{"error": {"code": 400, "message": "Invalid JSON payload received.", "status": "INVALID_ARGUMENT"}}],
            "Request refused (HTTP 400: Invalid JSON payload received).",
            id="Gemini, in a list",
        ),
        pytest.param(
            429,
            [{"error": {"code": 429, "message": "Quota exceeded.", "details": [{"retryDelay": "34s"}]}}],
            "Rate limit or quota exceeded (HTTP 429: Quota exceeded). Try again in 34 s.",
            id="Gemini, with a delay",
        ),
        pytest.param(
            422,
            {"detail": MISTRAL_DETAIL},
            "Request refused (HTTP 422: store: Extra inputs are not permitted; seed: Extra inputs are not permitted).",
            id="Mistral and FastAPI, detail",
        ),
        pytest.param(
            422,
            {"object": "error", "message": {"detail": MISTRAL_DETAIL[:1]}, "type": "invalid_request_error"},
            "Request refused (HTTP 422: store: Extra inputs are not permitted).",
            id="Mistral, detail in the message",
        ),
        pytest.param(
            422,
            {"object": "Error", "detail": MISTRAL_DETAIL[:1], "message": MISTRAL_DETAIL[:1], "code": 3001},
            "Request refused (HTTP 422: store: Extra inputs are not permitted).",
            id="Mistral, twice the same",
        ),
        pytest.param(
            401,
            {"message": "Unauthorized", "request_id": "af3b"},
            "API key required (HTTP 401: Unauthorized). "
            "Set api_key_env in the config to the name of its environment variable.",
            id="Mistral, no key",
        ),
        pytest.param(
            400,
            {"error": {"message": "property 'x' is unsupported", "type": "invalid_request_error"}},
            "Request refused (HTTP 400: property 'x' is unsupported).",
            id="Groq",
        ),
        pytest.param(
            404,
            {"error": {"object": "error", "code": "NOT_FOUND", "message": "Model not found, or not deployed"}},
            "Model 'stub-1' not found at URL (HTTP 404: Model not found, or not deployed). "
            "Check the model, and that base_url ends in /v1.",
            id="Fireworks",
        ),
        pytest.param(
            429,
            {"error": {"message": "Provider returned error", "code": 429, "metadata": {"raw": "glm is rate-limited"}}},
            "Rate limit or quota exceeded (HTTP 429: Provider returned error: glm is rate-limited). Try again later.",
            id="OpenRouter",
        ),
        pytest.param(
            400,
            {"error": {"message": "Provider returned error", "metadata": {"raw": RAW, "provider_name": "C"}}},
            "Request refused (HTTP 400: Provider returned error: Model 'kimi-k2' supports at most 1 image per prompt).",
            id="OpenRouter, JSON in a string",
        ),
        pytest.param(
            402,
            {"error": {"message": "This request requires more credits.", "code": 402}, "user_id": "org_2x"},
            "Payment required (HTTP 402: This request requires more credits). Check your account with the provider.",
            id="OpenRouter, no credits",
        ),
        pytest.param(
            403,
            {"code": "The caller does not have permission", "error": "Your team has no credits left."},
            "Access denied (HTTP 403: Your team has no credits left). Check that the API key may use this model.",
            id="xAI",
        ),
        pytest.param(
            400,
            {"error": {"code": "invalid_parameter_error", "message": "<400> InternalError.Algo: Bad seed"}},
            "Request refused (HTTP 400: <400> InternalError.Algo: Bad seed).",
            id="DashScope",
        ),
        pytest.param(
            429,
            {"error": {"code": "1302", "message": "您的账户已达到速率限制"}},
            "Rate limit or quota exceeded (HTTP 429: 您的账户已达到速率限制). Try again later.",
            id="GLM",
        ),
        pytest.param(
            500,
            {"type": "error", "error": {"type": "api_error", "message": "insufficient balance (1008)"}},
            "Server error (HTTP 500: insufficient balance (1008)). Try again.",
            id="MiniMax",
        ),
        pytest.param(
            200,
            {"choices": None, "base_resp": {"status_code": 1008, "status_msg": "insufficient balance"}},
            "The model server reported an error: insufficient balance.",
            id="MiniMax, HTTP 200",
        ),
        pytest.param(
            404,
            {"error": {"message": 'model "qwen3" not found, try pulling it first', "type": "api_error", "code": None}},
            "Model 'stub-1' not found at URL (HTTP 404: model \"qwen3\" not found, try pulling it first). "
            "Check the model, and that base_url ends in /v1.",
            id="Ollama",
        ),
        pytest.param(
            404,
            "404 page not found\n",
            "Model 'stub-1' not found at URL (HTTP 404: 404 page not found). "
            "Check the model, and that base_url ends in /v1.",
            id="Ollama, without /v1",
        ),
        pytest.param(400, {"error": "Model unloaded."}, "Request refused (HTTP 400: Model unloaded).", id="LM Studio"),
        pytest.param(
            503,
            {"error": {"code": 503, "message": "Loading model", "type": "unavailable_error"}},
            "Server error (HTTP 503: Loading model). Try again.",
            id="llama.cpp",
        ),
        pytest.param(
            404,
            {"object": "error", "message": "The model `x` does not exist.", "type": "NotFoundError", "code": 404},
            "Model 'stub-1' not found at URL (HTTP 404: The model `x` does not exist). "
            "Check the model, and that base_url ends in /v1.",
            id="vLLM",
        ),
        pytest.param(
            400,
            {"object": "error", "message": "top_p must be in (0, 1], got 2.0.", "type": "BadRequest", "code": 400},
            "Request refused (HTTP 400: top_p must be in (0, 1], got 2.0).",
            id="SGLang",
        ),
        pytest.param(
            429,
            {"error": "Model is overloaded", "error_type": "overloaded"},
            "Rate limit or quota exceeded (HTTP 429: Model is overloaded). Try again later.",
            id="TGI",
        ),
        pytest.param(
            400,
            {"error": {"message": 'litellm.BadRequestError: {"message":"no such tool"}', "code": "400"}},
            'Request refused (HTTP 400: litellm.BadRequestError: {"message":"no such tool"}).',
            id="LiteLLM",
        ),
        pytest.param(
            400, {"error": ["bad seed", "bad top_p"]}, "Request refused (HTTP 400: bad seed; bad top_p).", id="list"
        ),
        pytest.param(
            400,
            {"timestamp": 5, "status": 400, "error": "Bad Request", "message": "seed is missing"},
            "Request refused (HTTP 400: Bad Request: seed is missing).",
            id="Spring",
        ),
        pytest.param(
            400,
            {"errors": [{"message": "no seed"}]},
            "Request refused (HTTP 400: no seed).",
            id="Cloudflare Workers AI",
        ),
        pytest.param(
            400, {"error": {"error": {"msg": "no seed"}}}, "Request refused (HTTP 400: no seed).", id="nested"
        ),
        pytest.param(400, {"odd": {"a": 1}}, 'Request refused (HTTP 400: {"odd": {"a": 1}}).', id="unknown shape"),
        pytest.param(400, "out of memory", "Request refused (HTTP 400: out of memory).", id="plain text"),
        pytest.param(400, '"a text"', "Request refused (HTTP 400: a text).", id="a JSON string"),
        pytest.param(400, 'data: {"error": "no"}\n\n', "Request refused (HTTP 400: no).", id="an event"),
        pytest.param(502, NGINX, "Server error (HTTP 502: 502 Bad Gateway). Try again.", id="nginx"),
        pytest.param(
            524,
            CLOUDFLARE,
            "Server error (HTTP 524: bots.example | 524: A timeout occurred). Try again.",
            id="Cloudflare",
        ),
        pytest.param(500, "", "Server error (HTTP 500). Try again.", id="empty"),
        pytest.param(408, "", "The server can't process the request now (HTTP 408). Try again.", id="408"),
        pytest.param(
            400,
            {"error": "red \x1b[31malert\x1b[0m\nnow"},
            "Request refused (HTTP 400: red [31malert [0m now).",
            id="esc",
        ),
    ],
)
def test_an_error_is_one_sentence_with_the_status_the_servers_message_and_what_to_do(status, body, sentence):
    with StubBot([whole(body, status=status)]) as stub:
        (heard,) = ask(bot_at(stub.url, include_usage=False))
    assert heard.error.replace(stub.url, "URL") == sentence


@pytest.mark.parametrize(
    ("piece", "words"),
    [
        ({"error": "CUDA out of memory"}, "CUDA out of memory"),
        ({"error": {"message": "Provider returned error", "metadata": {"raw": "busy"}}, "choices": []}, "error: busy"),
        (b'event: error\ndata: {"msg": "Busy"}\n\n', "Busy"),
        (b"event: error\ndata: engine died\n\n", "engine died"),
        (b'event: error\ndata: {"error": {"message": "Busy"}}\n\n', "Busy"),
        (b'{"error": {"message": "Busy"}}\n\n', "Busy"),
        ({"object": "error", "message": "Busy", "code": 500}, "Busy"),
    ],
)
def test_an_error_in_a_stream_keeps_the_servers_message_and_the_pieces_before_it(piece, words):
    heard = ask_stub(sse(chunk("Half"), piece, DONE))
    assert heard.content == "Half"
    assert heard.error.startswith("The model server reported an error: ")
    assert heard.error.endswith(f"{words}.")


def test_a_message_that_quotes_a_part_of_the_key_is_left_out():
    answer = refused(401, f"Incorrect API key provided: {KEY[:8]}******{KEY[-4:]}.")
    error = ask_stub(answer, api_key=KEY, api_key_env="STUB_KEY").error
    assert error == "Invalid API key (HTTP 401). Check STUB_KEY in the environment."


def test_a_key_that_the_cut_of_a_long_error_falls_into_is_hidden():
    error = ask_stub(sse({"error": "x" * 290 + KEY}), api_key=KEY).error
    assert KEY[:3] not in error


def test_a_body_without_a_message_gives_no_reason():
    assert [server_message(body) for body in (None, {}, "<html>")] == ["no reason given"] * 3
    assert find_message([]) == ""


def test_deeply_nested_bodies_are_no_trouble():
    body: object = "deep"
    for _ in range(500):
        body = {"error": body}
    assert "deep" in find_message(body)
    assert find_message("[" * 100_000)


# When to try again


NOW = datetime(2026, 11, 28, 19, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "30"}, 30),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after": "3.000000001"}, 3.000000001),
        ({"retry-after": format_datetime(NOW + timedelta(seconds=90), usegmt=True)}, 90),
        ({"retry-after-ms": "1500", "retry-after": "2"}, 1.5),
        ({"x-ratelimit-reset-requests": "2m59.56s", "x-ratelimit-reset-tokens": "7.66s"}, 7.66),
        (
            {
                "x-ratelimit-remaining-requests": "0",
                "x-ratelimit-reset-requests": "1h2m",
                "x-ratelimit-remaining-tokens": "9",
                "x-ratelimit-reset-tokens": "120ms",
            },
            3720,
        ),
        ({"x-ratelimit-reset": str(int(NOW.timestamp()) + 45)}, 45),
        ({"x-ratelimit-reset": str((int(NOW.timestamp()) + 45) * 1000)}, 45),
        ({"anthropic-ratelimit-tokens-reset": "2026-11-28T19:00:20Z"}, 20),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-5"}, None),
        ({"retry-after": "9" * 12}, None),
        ({}, None),
    ],
)
def test_the_time_to_try_again_is_read_from_the_headers(headers, seconds):
    assert retry_after(headers, now=NOW) == (seconds if seconds is None else pytest.approx(seconds))


def test_the_time_to_try_again_is_read_from_a_body():
    reset = {"X-RateLimit-Reset": str(int((NOW.timestamp() + 12) * 1000))}
    assert retry_after({}, {"error": {"metadata": {"headers": reset}}}, NOW) == pytest.approx(12)
    assert retry_after({}, {"details": [{}, {"retryDelay": "3.5s"}]}, NOW) == 3.5
    assert retry_after({}, {"error": {"details": "none", "metadata": 5}}, NOW) is None


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.2, "1 s"), (30, "30 s"), (119, "119 s"), (121, "3 min"), (7200, "2 h"), (90000, "25 h"), (200000, "3 days")],
)
def test_a_time_to_wait_is_spelled_out(seconds, text):
    assert format_delay(seconds) == text


def test_a_server_that_requires_a_long_pause_is_not_retried_and_its_message_is_reported_at_once():
    busy = replace(refused(429, "Slow down."), headers={"retry-after": "30"})
    with StubBot([busy, streamed(["Hi."])]) as stub:
        (heard,) = ask(bot_at(stub.url))
    assert heard.error == "Rate limit or quota exceeded (HTTP 429: Slow down). Try again in 30 s."
    assert len(stub.requests) == 1


@pytest.mark.parametrize("status", [408, 409, 429, 500, 503])
def test_a_server_that_is_busy_for_a_moment_is_asked_again(status):
    busy = replace(refused(status, "Busy."), headers={"retry-after-ms": "5"})
    with StubBot([busy, busy, streamed(["Hi."])]) as stub:
        (heard,) = ask(bot_at(stub.url))
    assert (heard.content, len(stub.requests)) == ("Hi.", 3)


def test_a_server_that_stays_busy_is_reported_after_three_tries():
    busy = replace(refused(503, "Busy."), headers={"retry-after-ms": "5"})
    with StubBot([busy] * 4) as stub:
        (heard,) = ask(bot_at(stub.url))
    assert (heard.error, len(stub.requests)) == ("Server error (HTTP 503: Busy). Try again in 1 s.", 3)
