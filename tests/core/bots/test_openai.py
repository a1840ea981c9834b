"""A bot on an OpenAI-compatible server: its requests, and its errors if there is no answer."""

import asyncio
import os
import socket
import subprocess
import sys
import threading
from dataclasses import replace

import pytest
from support.bots.asked_bot import HELLO, ask, ask_stub, bot_at, collect_reply
from support.bots.stub_server import Answer, Request, StubBot, refused, sse, streamed, whole
from support.paths import TESTS
from support.stores.servers import free_port

from botchat.core.bots import OPENAI_URL, BotConfig
from botchat.core.bots.openai import OpenAIBot
from botchat.core.errors import InvalidInput

KEY = "sk-very-secret-1234567890"
HI = streamed(["Hi."])


def run_in_subprocess(code: str, **environment: str) -> str:
    """Run code that can use `ask` and `bot_at`, with only the given environment variables; return its output."""
    inherited = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", f"from support.bots.asked_bot import ask, bot_at\n{code}"],
        cwd=TESTS,
        env=inherited | environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stderr == ""
    return done.stdout


# What it sends


def test_a_request_carries_the_prompt_the_model_and_the_key_and_asks_for_a_stream_and_usage():
    with StubBot([HI]) as stub:
        ask(bot_at(stub.url, model="m", api_key=KEY))
    (request,) = stub.requests
    assert (request.method, request.path) == ("POST", "/v1/chat/completions")
    assert request.headers["authorization"] == f"Bearer {KEY}"
    usage = {"include_usage": True}
    assert request.body == {"model": "m", "messages": HELLO, "stream": True, "stream_options": usage}


def test_images_are_sent_as_parts_of_their_message():
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw=="}}
    prompt = [{"role": "user", "content": [{"type": "text", "text": "Look"}, image]}]
    with StubBot([HI]) as stub:
        ask(bot_at(stub.url), prompt)
    assert stub.requests[0].body["messages"] == prompt


def test_parameters_are_sent_as_they_are_also_those_nobody_knows():
    params = {"temperature": 0, "max_tokens": 5, "top_k": 7, "chat_template_kwargs": {"enable_thinking": False}}
    with StubBot([HI]) as stub:
        ask(bot_at(stub.url, params=params, include_usage=False))
    body = stub.requests[0].body
    assert body == {"model": "stub-1", "messages": HELLO, "stream": True} | params


def test_a_bot_with_other_options_sends_them_on_the_same_connection():
    with StubBot([HI, HI, HI]) as stub:
        bot = bot_at(stub.url, model="m", params={"temperature": 1, "seed": 7})
        other = bot.with_options("m2", {"temperature": 0, "seed": None})

        async def ask_each() -> None:
            for each in (bot, other, bot.with_options(None, {"top_p": 0.5})):
                await collect_reply(each)
                if each is not bot:
                    await each.aclose()  # the connection is the first bot's
            await bot.aclose()

        asyncio.run(ask_each())
    assert stub.connections == 1
    first, second, third = (
        {k: r.body.get(k) for k in ("model", "temperature", "seed", "top_p")} for r in stub.requests
    )
    assert first == {"model": "m", "temperature": 1, "seed": 7, "top_p": None}
    assert second == {"model": "m2", "temperature": 0, "seed": None, "top_p": None}
    assert third == {"model": "m", "temperature": 1, "seed": 7, "top_p": 0.5}
    assert (other.info.model, bot.info.model) == ("m2", "m")


def test_a_bot_offers_only_the_models_that_its_config_allows():
    bot = bot_at("http://127.0.0.1:1/v1", model="m", models=["m2"])
    assert bot.with_options("m2", {}).info.model == "m2"
    with pytest.raises(InvalidInput, match="doesn't offer the model 'm3'"):
        bot.with_options("m3", {})


def test_a_server_that_does_not_stream_can_be_told_so():
    message = {"message": {"role": "assistant", "content": "Hi."}, "finish_reason": "stop"}
    with StubBot([whole({"choices": [message]})]) as stub:
        (heard,) = ask(bot_at(stub.url, params={"stream": False}))
    assert (heard.content, stub.requests[0].body["stream"]) == ("Hi.", False)


@pytest.mark.parametrize(
    "refusal",
    [
        refused(400, "Unrecognized request argument supplied: stream_options"),
        whole({"error": {"message": "Unknown parameter.", "param": "stream_options"}}, status=400),
        whole({"detail": [{"loc": ["body", "stream_options"], "msg": "Extra inputs are not permitted"}]}, status=422),
    ],
    ids=["in words", "as a parameter", "in detail"],
)
def test_a_server_that_refuses_to_count_is_asked_again_without_and_then_never_again(refusal):
    with StubBot([refusal, HI, HI]) as stub:
        replies = ask(bot_at(stub.url), times=2)
    assert [heard.content for heard in replies] == ["Hi.", "Hi."]
    assert ["stream_options" in request.body for request in stub.requests] == [True, False, False]


def test_two_first_questions_at_once_are_both_asked_again_without():
    both_asked, one_answered = threading.Event(), threading.Event()
    refusal = refused(400, "No stream_options here.")

    def answer(request: Request) -> Answer:
        if len(stub.requests) == 2:
            both_asked.set()
        wait_for = {1: both_asked, 2: one_answered}.get(len(stub.requests))
        return replace(refusal, steps=[wait_for, *refusal.steps]) if wait_for else HI

    async def asking(bot: OpenAIBot) -> list[str]:
        try:
            replies = await asyncio.gather(*(collect_reply(bot, on_piece=one_answered.set) for _ in range(2)))
            return [heard.content for heard in replies]
        finally:
            await bot.aclose()

    with StubBot(answer) as stub:
        assert asyncio.run(asking(bot_at(stub.url))) == ["Hi.", "Hi."]
    assert ["stream_options" in request.body for request in stub.requests] == [True, True, False, False]


def test_a_refusal_for_another_reason_leaves_the_counting_on():
    with StubBot([refused(400, "Bad temperature."), HI]) as stub:
        first, second = ask(bot_at(stub.url), times=2)
    assert (first.error, second.content) == ("Request refused (HTTP 400: Bad temperature).", "Hi.")
    assert ["stream_options" in request.body for request in stub.requests] == [True, True]


def test_a_bot_that_is_closed_can_be_asked_again_on_another_loop():
    with StubBot([HI, HI]) as stub:
        bot = bot_at(stub.url)
        assert [ask(bot)[0].content, ask(bot)[0].content] == ["Hi.", "Hi."]


# The model


def test_without_a_model_the_first_that_the_server_lists_answers_and_it_is_asked_for_once():
    listed = whole({"object": "list", "data": [{"id": "first"}, {"id": "second"}]})
    with StubBot([listed, HI, HI]) as stub:
        replies = ask(bot_at(stub.url, model=None), times=2)
    assert [heard.content for heard in replies] == ["Hi.", "Hi."]
    assert [(r.method, r.path) for r in stub.requests[:2]] == [("GET", "/v1/models"), ("POST", "/v1/chat/completions")]
    assert [request.body["model"] for request in stub.requests[1:]] == ["first", "first"]


@pytest.mark.parametrize(
    "listed",
    [
        whole({"object": "list", "data": []}),
        whole({"object": "list", "data": None}),
        whole({"data": ["first"]}),
        whole({"data": [{"name": "first"}]}),
        whole([]),
        whole("<html>It works!</html>", kind="text/html"),
        whole("<html>It works!</html>"),
    ],
    ids=["none", "null", "texts", "no id", "a list", "a web page", "no JSON"],
)
def test_a_server_that_lists_no_model_is_reported(listed):
    with StubBot([listed]) as stub:
        (heard,) = ask(bot_at(stub.url, model=None))
    assert heard.error == (
        f"No models found at {stub.url}. Set model in the config, or OPENAI_MODEL, and check that base_url ends in /v1."
    )
    assert len(stub.requests) == 1


def test_a_server_that_has_no_list_of_models_is_reported():
    error = ask_stub(refused(404, "Not here."), model=None).error
    assert error.startswith("No list of models at http://127.0.0.1:")
    assert error.endswith("(HTTP 404: Not here). Set model in the config, and check that base_url ends in /v1.")


# Refusals


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (refused(404, "No such model."), "Model 'stub-1' not found at http://127.0.0.1:"),
        (whole({"error": "No such model."}, status=404), "(HTTP 404: No such model). Check the model, and that base"),
        (whole({"detail": "Not Found"}, status=404), "(HTTP 404: Not Found). Check the model, and that base_url ends"),
        (refused(400, "Maximum context length is 8 tokens."), "exceeds the model's context window (Maximum"),
        (refused(413, "The prompt is too long."), "is too long). Start a new one, or shorten your message."),
        (refused(400, "Bad temperature."), "Request refused (HTTP 400: Bad temperature)."),
        (
            refused(403, "Not from your country."),
            "Access denied (HTTP 403: Not from your country). Check that the API key may use",
        ),
        (refused(429, "Quota exceeded."), "Rate limit or quota exceeded (HTTP 429: Quota exceeded). Try again later."),
        (refused(500, "Out of memory."), "Server error (HTTP 500: Out of memory). Try again."),
        (whole("upstream\r\nfailed", status=502, kind="text/plain"), "(HTTP 502: upstream failed). Try again."),
        (
            whole("<html><title>Bad Gateway</title></html>", status=502, kind="text/html"),
            "Server error (HTTP 502: Bad Gateway). Try again.",
        ),
        (whole("", status=503), "Server error (HTTP 503). Try again."),
        (refused(400, "x" * 5000), f"(HTTP 400: {'x' * 300} …)."),
    ],
)
def test_a_refusal_says_in_one_sentence_what_to_do(answer, says):
    heard = ask_stub(answer)
    assert (heard.pieces, heard.finish) == ([], None)
    assert says in heard.error
    assert "\n" not in heard.error


def test_a_server_that_is_not_there_is_reported():
    (heard,) = ask(bot_at(f"http://127.0.0.1:{free_port()}/v1"))
    assert heard.error.startswith("Can't reach http://127.0.0.1:")
    assert heard.error.endswith(
        "(All connection attempts failed). Check that the server is running and the URL is correct."
    )


@pytest.mark.parametrize("url", ["http://127.0.0.1:abc/v1", "http://[::1/v1"])
def test_a_base_url_that_is_no_address_is_reported(url):
    (heard,) = ask(bot_at(url))
    assert heard.error.startswith("The base_url of the bot 'local' isn't a valid URL. Use http://HOST:PORT/v1")


# The key


def test_a_key_that_the_server_does_not_take_is_reported_by_the_name_of_its_variable():
    error = ask_stub(refused(401, f"Incorrect API key: {KEY}"), api_key=KEY, api_key_env="STUB_KEY").error
    assert error == "Invalid API key (HTTP 401: Incorrect API key: ***). Check STUB_KEY in the environment."


def test_a_server_that_wants_a_key_and_got_none_says_where_to_put_it():
    error = ask_stub(refused(401, "Who are you?")).error
    assert error == (
        "API key required (HTTP 401: Who are you?). "
        "Set api_key_env in the config to the name of its environment variable."
    )
    with StubBot([refused(401, "Who are you?")]) as stub:
        (heard,) = ask(OpenAIBot("openai", BotConfig(model="m"), base_url=stub.url))
    assert heard.error.endswith("Set OPENAI_API_KEY in the environment.")


@pytest.mark.parametrize(
    "answer",
    [
        *(refused(status, f"The key {KEY} is not good.") for status in (400, 401, 403, 404, 413, 429, 500)),
        refused(400, "x" * 290 + KEY),
        whole({"detail": [{"input": KEY}]}, status=422),
        whole({"error": {"message": KEY}}),
        sse({"error": {"message": KEY}}),
        sse(b'event: error\ndata: {"message": "%s"}\n\n' % KEY.encode()),
    ],
)
def test_a_key_never_gets_into_an_error(answer):
    with StubBot([answer]) as stub:
        (heard,) = ask(bot_at(stub.url, api_key=KEY, include_usage=False))
    assert stub.requests[0].headers["authorization"].endswith(KEY)
    assert heard.error
    assert KEY[:6] not in heard.error


@pytest.mark.parametrize("key", [f"{KEY}\n", f" {KEY}", f"{KEY}é", f"{KEY}\ud800", "\n"])
def test_a_key_that_can_not_be_one_is_reported_before_anything_is_sent(key):
    with StubBot([HI]) as stub:
        (heard,) = ask(bot_at(stub.url, api_key=key, api_key_env="STUB_KEY"))
    assert heard.error.startswith("The API key in STUB_KEY contains a space, a line break or a non-ASCII character")
    assert KEY not in heard.error
    assert stub.requests == []


def test_a_bot_whose_key_is_missing_asks_no_server():
    with StubBot([HI]) as stub:
        (heard,) = ask(bot_at(stub.url, api_key_env="STUB_KEY"))
    assert heard.error == "The bot 'local' requires an API key. Set STUB_KEY in the environment."
    assert stub.requests == []


@pytest.mark.parametrize("url", [OPENAI_URL, f"{OPENAI_URL}/"])
def test_without_a_key_nothing_leaves_for_openai(url):
    with StubBot([]) as proxy:  # all that leaves the machine would come by here
        said = run_in_subprocess(f"print(ask(bot_at({url!r}))[0].error)", HTTPS_PROXY=proxy.url)
    assert said == "The bot 'local' requires an API key. Set OPENAI_API_KEY in the environment.\n"
    assert proxy.requests == []


# The environment


def test_a_proxy_is_not_asked_for_a_server_of_this_machine():
    with StubBot([]) as proxy, StubBot([HI, HI]) as stub:
        urls = [stub.url, stub.url.replace("127.0.0.1", "localhost")]
        code = f"print([ask(bot_at(url))[0].content for url in {urls}])"
        assert run_in_subprocess(code, HTTP_PROXY=proxy.url, ALL_PROXY=proxy.url) == "['Hi.', 'Hi.']\n"
    assert proxy.requests == []


def test_a_certificate_file_that_is_missing_is_reported():
    said = run_in_subprocess("print(ask(bot_at('https://bot.invalid/v1'))[0].error)", SSL_CERT_FILE="/none")
    assert said == "Can't load the certificates in SSL_CERT_FILE (No such file or directory). Check SSL_CERT_FILE.\n"


def test_a_server_that_is_silent_from_the_start_is_given_up_after_the_timeout_and_asked_once():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        (heard,) = ask(bot_at(f"http://127.0.0.1:{silent.getsockname()[1]}/v1", timeout=0.2))
        silent.setblocking(False)
        silent.accept()[0].close()
        with pytest.raises(BlockingIOError):
            silent.accept()
    assert "didn't respond within 0.2 s" in heard.error
