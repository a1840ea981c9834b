"""A refused prompt is sent again in a form that may pass; the learned limits are kept for some time."""

from contextlib import ExitStack
from dataclasses import replace

import pytest
from support.bots.stub_server import DONE, StubBot, chunk, refused, sse, streamed
from support.stores.sessions import say

from botchat.core.bots import BotConfig, LearnedLimits
from botchat.core.bots.learned_limits import WINDOW_TTL_SECONDS
from botchat.core.bots.openai import OpenAIBot
from botchat.core.models import Message, Session


class CountedServer:
    """Counts a prompt, and refuses one over its window with the message of some server."""

    def __init__(self, words: str, window: int = 8_192, status: int = 400) -> None:
        self.words, self.window, self.status = words, window, status
        self.sizes: list[int] = []

    def __call__(self, request):
        tokens = sum(len(message["content"]) // 4 + 4 for message in request.body["messages"])
        self.sizes.append(len(request.body["messages"]))
        if tokens > self.window:
            return refused(self.status, self.words.format(L=self.window, n=tokens))
        return streamed(["Yes."], usage={"prompt_tokens": tokens})


@pytest.fixture
def long_chat(chat_on, store):
    """Return a chat on a server with these answers, and a factory for sessions of 61 messages, about 30,000 tokens."""
    with ExitStack() as servers:

        def make(answer, **more):
            server = servers.enter_context(StubBot(answer))
            bot = OpenAIBot("b", BotConfig(**({"model": "m", "base_url": server.url} | more)), base_url=server.url)
            chat = chat_on(bot)

            def begin() -> Session:
                session = Session(user="ann", bot_id="b")
                session.messages = [
                    Message(role="user" if n % 2 == 0 else "assistant", content=f"{n}: ".ljust(1_980, "heron "[n % 6]))
                    for n in range(60)
                ]
                store.save(session)
                return chat.open("ann", session.id)

            return chat, begin

        yield make


WORDINGS = {
    "openai": "This model's maximum context length is {L} tokens. However, your messages resulted in {n} tokens.",
    "lm studio": "Tokens to keep is greater than the context length (n_keep: {n}>= n_ctx: {L}).",
    "xai": "This model's maximum prompt length is {L} but the request contains {n} tokens.",
    "qwen": "<400> InternalError.Algo.InvalidParameter: Range of input length should be [1, {L}]",
    "together": "`inputs` tokens + `max_new_tokens` must be <= {L}. Given: {n} `inputs` and 512 `max_new_tokens`",
    "claude": "input length and `max_tokens` exceed context limit: {n} + 1024 > {L}",
}


@pytest.mark.parametrize("words", WORDINGS.values(), ids=WORDINGS)
def test_a_long_session_goes_on_with_what_fits_whatever_the_words(long_chat, words):
    server = CountedServer(words)
    chat, begin = long_chat(server)
    answer = say(chat, begin(), "Still there?")
    assert (answer.status, server.sizes) == (None, [61, 15])
    assert (answer.sent["messages"], answer.sent["of"]) == (15, 61)
    assert say(chat, begin(), "Still there?").status is None
    assert server.sizes[2:] == [15]  # what was learned holds for all sessions


@pytest.mark.parametrize("words", ["Prompt exceeds max length", "context window exceeds limit (2013)"])
def test_without_sizes_a_prompt_is_halved_until_it_fits(long_chat, words):
    server = CountedServer(words)
    chat, begin = long_chat(server)
    assert say(chat, begin(), "Still there?").status is None
    assert server.sizes == [61, 29, 13]
    assert say(chat, begin(), "Still there?").status is None
    assert server.sizes[3] < 29  # a prompt of a size that was refused is not sent again
    assert server.sizes[4:] == [13]  # and one of a size that was taken is not halved


def test_a_window_that_is_a_small_part_of_the_prompt_is_reached_by_halving(long_chat):
    server = CountedServer(WORDINGS["openai"], window=1_000)
    chat, begin = long_chat(server)
    assert say(chat, begin(), "Still there?").status is None
    assert server.sizes == [61, 29, 13, 5, 1]


@pytest.mark.parametrize("status", [400, 413, 422])
def test_a_refusal_with_an_unknown_message_is_tried_once_shorter_and_nothing_is_remembered(long_chat, status):
    server = CountedServer("Zu viel.", window=16_000, status=status)
    chat, begin = long_chat(server)
    assert say(chat, begin(), "Still there?").status is None
    assert server.sizes == [61, 29]
    server.window = 8_192
    failed = say(chat, begin(), "Still there?")
    assert server.sizes[2:] == [61, 29]
    assert (failed.status, failed.error) == ("failed", f"Request refused (HTTP {status}: Zu viel).")
    assert failed.sent is None


def test_a_refusal_that_is_not_about_the_length_is_reported_as_first_received(long_chat):
    answers = [refused(400, "temperature must be 1"), refused(401, "who?")]
    chat, begin = long_chat(answers)
    assert "temperature must be 1" in say(chat, begin(), "Still there?").error


def test_a_short_conversation_is_sent_once(chat_on):
    with StubBot([streamed(["Yes."]), refused(400, "No.")]) as server:
        bot = OpenAIBot("b", BotConfig(model="m", base_url=server.url), base_url=server.url)
        chat = chat_on(bot)
        session = chat.new_session("ann")
        say(chat, session, "Rome?")
        assert say(chat, session, "When?").status == "failed"
        assert len(server.requests) == 2


def test_a_server_that_refuses_every_length_is_quoted_and_nothing_is_remembered(long_chat):
    refuse = CountedServer(WORDINGS["openai"], window=0)
    chat, begin = long_chat(refuse)
    failed = say(chat, begin(), "Still there?")
    assert (failed.status, failed.sent) == ("failed", None)
    assert refuse.sizes[-1] == 1
    assert "resulted in 29947" in failed.error  # the first refusal, of the whole prompt
    refuse.window = 10**6
    assert say(chat, begin(), "Still there?").sent is None


def test_a_larger_window_is_found_again_by_time_an_answer_or_another_model():
    at = 0.0
    limits = LearnedLimits(lambda: at)
    info = OpenAIBot("b", BotConfig(model="m"), base_url="http://h/v1").info
    limits.learn(info, window=4_096)
    assert limits.context_window(info) == 4_096
    assert limits.context_window(replace(info, model="other")) is None
    limits.forget_contradicted(info, model="m-1", tokens=4_000)
    assert limits.context_window(info) == 4_096
    limits.forget_contradicted(info, model="m-1", tokens=4_097)
    assert limits.context_window(info) is None
    limits.learn(info, window=4_096, has_system_role=False)
    assert not limits.has_system_role(info)
    limits.forget_contradicted(info, model="m-2", tokens=10)
    assert (limits.context_window(info), limits.has_system_role(info)) == (None, True)
    limits.learn(info, window=4_096)
    at = WINDOW_TTL_SECONDS
    assert limits.context_window(info) is None


def test_a_server_without_a_system_role_gets_the_system_prompt_with_the_first_question(chat_on):
    def answer(request):
        is_refused = any(message["role"] == "system" for message in request.body["messages"])
        return refused(400, "System role not supported") if is_refused else streamed(["Yes."])

    with StubBot(answer) as server:
        bot = OpenAIBot("b", BotConfig(model="m", base_url=server.url, system="Be brief."), base_url=server.url)
        chat = chat_on(bot)
        session = chat.new_session("ann")
        assert say(chat, session, "Rome?").status is None
        assert say(chat, session, "When?").status is None
        contents = [[m["content"] for m in request.body["messages"]] for request in server.requests]
    assert contents == [
        ["Be brief.", "Rome?"],
        ["Be brief.\n\nRome?"],
        ["Be brief.\n\nRome?", "Yes.", "When?"],  # the refusal is remembered
    ]


def test_a_repeated_refusal_of_the_system_role_is_reported_and_not_remembered(chat_on):
    with StubBot(lambda _: refused(400, "System role not supported")) as server:
        bot = OpenAIBot("b", BotConfig(model="m", base_url=server.url, system="Be brief."), base_url=server.url)
        chat = chat_on(bot)
        session = chat.new_session("ann")
        for _ in range(2):
            assert "System role not supported" in say(chat, session, "Rome?").error
        roles = [request.body["messages"][0]["role"] for request in server.requests]
    assert roles == ["system", "user"] * 2


def test_another_model_behind_the_same_address_is_sent_system_messages_again(chat_on):
    refuse = refused(400, "System role not supported")
    models = [sse(chunk("Yes.", finish_reason="stop") | {"model": name}, DONE) for name in ("one", "two", "two")]
    with StubBot([refuse, *models]) as server:
        bot = OpenAIBot("b", BotConfig(model="m", base_url=server.url, system="Be brief."), base_url=server.url)
        chat = chat_on(bot)
        session = chat.new_session("ann")
        for _ in range(3):
            assert say(chat, session, "Rome?").status is None
        roles = [request.body["messages"][0]["role"] for request in server.requests]
    assert roles == ["system", "user", "user", "system"]


def test_a_complaint_that_follows_one_about_the_system_role_is_the_one_to_show(chat_on):
    with StubBot([refused(400, "System role not supported"), refused(400, "temperature must be 1")]) as server:
        bot = OpenAIBot("b", BotConfig(model="m", base_url=server.url, system="Be brief."), base_url=server.url)
        chat = chat_on(bot)
        assert "temperature must be 1" in say(chat, chat.new_session("ann"), "Rome?").error
