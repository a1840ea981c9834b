"""What a bot is sent of a long conversation, told by a server that counts, and refuses what is too long for it."""

from contextlib import ExitStack
from dataclasses import replace

import pytest
from fakes import DONE, ScriptedBot
from stub_bot import StubBot, refused, streamed

from botchat.core.bots import BotConfig, OpenAIBot
from botchat.core.chat import Chat
from botchat.core.errors import BotError, MessageNotFound, PromptTooLong
from botchat.core.learned import KEPT_SECONDS, LearnedLimits
from botchat.core.models import Message, Session
from botchat.core.prompt import words_of
from botchat.core.shown import shown
from botchat.core.stream import Finish
from botchat.core.turn import Turns


class CountingBot(ScriptedBot):
    """Answers at length, counts tokens in its own way, and refuses prompts that are over its window."""

    def __init__(self, count, window: int, told: int | None = 0, **more) -> None:
        super().__init__("A heron is a bird. " * 6, **more)
        self.count, self.window = count, window
        self.info = replace(self.info, context_window=window if told == 0 else told)
        self.refused = 0

    async def stream(self, prompt):
        tokens = sum(self.count(words_of(message["content"])) + 4 for message in prompt) + 20
        if tokens > self.window:
            self.refused += 1
            raise PromptTooLong("Too long.", limit=None, tokens=None)
        async for piece in super().stream(prompt):
            yield piece
        answer = self.count("A heron is a bird. " * 6)
        yield Finish(reason="stop", usage={"prompt_tokens": tokens, "completion_tokens": answer})


@pytest.fixture
def chat_on(store):
    turns = []

    def make(bot) -> Chat:
        turns.append(Turns({"b": bot}))
        return Chat(store, turns[-1], default_bot="b")

    yield make
    for made in turns:
        made.close(timeout=0)


def say(chat: Chat, session: Session, words: str) -> Message:
    reply = chat.send("ann", session, words)
    assert reply.wait(30)
    return reply.message


COUNTERS = {
    "bytes": lambda text: len(text.encode()),
    "quarters": lambda text: len(text) // 4,
    "words": lambda t: len(t.split()),
}


@pytest.mark.parametrize("count", COUNTERS.values(), ids=COUNTERS)
def test_whatever_a_server_counts_it_is_sent_the_newest_turns_that_fit_and_no_word_is_lost(chat_on, store, count):
    bot = CountingBot(count, window=count("A heron is a bird. " * 60))
    chat, session = chat_on(bot), None
    session = chat.new_session("ann")
    for n in range(25):
        assert say(chat, session, f"{n}: " + "What is a heron? " * (n % 5 + 1)).status is None
    assert bot.refused <= 1  # before anything was counted
    full = [len(prompt) for prompt in bot.prompts[12:]]
    assert min(full) > 5  # it is not cut shorter than need be
    for n, prompt in enumerate(bot.prompts):
        assert prompt[0]["role"] == "user"
        assert prompt[-1]["content"].startswith(f"{n}:")
    saved = store.get("ann", session.id, last=100)
    assert [m.content[:3] for m in saved.messages[::2]] == [f"{n}: "[:3] for n in range(25)]
    told = shown(saved)
    assert (told.messages, told.of) == (full[-1], 49)
    assert told.first == saved.messages[49 - full[-1]].id


def test_a_prompt_that_was_too_long_is_sent_once_more_shorter_and_the_window_is_remembered(chat_on, store):
    bot = CountingBot(len, window=1_000, told=None)
    chat = chat_on(bot)
    session = chat.new_session("ann")
    while not bot.refused:
        assert say(chat, session, "What is a heron? " * 4).status is None
    kept = store.get("ann", session.id, last=100)
    assert kept.messages[-1].sent["of"] == len(kept.messages) - 1
    assert len(bot.prompts[-1]) == kept.messages[-1].sent["messages"]


@pytest.mark.parametrize(("again", "status"), [(streamed(["Glad", "ly."]), None), (refused(400, "No."), "failed")])
def test_a_server_is_asked_twice_at_most_the_second_time_by_its_own_sizes(chat_on, again, status):
    long = refused(400, "request (1900 tokens) exceeds the available context size (600 tokens)")
    with StubBot([*[streamed(["x" * 400]) for _ in range(6)], long, again]) as server:
        bot = OpenAIBot("b", BotConfig(model="m", base_url=server.url), base_url=server.url)
        chat = chat_on(bot)
        session = chat.new_session("ann")
        for _ in range(6):
            say(chat, session, "y" * 400)
        assert say(chat, session, "Rome?").status == status
        sizes = [len(request.body["messages"]) for request in server.requests]
    assert sizes[:7] == [1, 3, 5, 7, 9, 11, 13]
    assert sizes[7:] == [3]


class CountedServer:
    """Counts a prompt, and refuses what is over its window in the words of some server."""

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
    """Give a chat on a server that answers so, and a way to make sessions of 61 messages, about 30,000 tokens."""
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


def test_a_window_that_is_a_small_part_of_the_prompt_is_reached_by_halving(long_chat):
    server = CountedServer(WORDINGS["openai"], window=1_000)
    chat, begin = long_chat(server)
    assert say(chat, begin(), "Still there?").status is None
    assert server.sizes == [61, 29, 13, 5, 1]


@pytest.mark.parametrize("status", [400, 413, 422])
def test_a_refusal_in_unknown_words_is_tried_once_shorter_and_nothing_is_remembered(long_chat, status):
    server = CountedServer("Zu viel.", window=16_000, status=status)
    chat, begin = long_chat(server)
    assert say(chat, begin(), "Still there?").status is None
    assert server.sizes == [61, 29]
    server.window = 8_192
    failed = say(chat, begin(), "Still there?")
    assert server.sizes[2:] == [61, 29]
    assert (failed.status, failed.error) == ("failed", f"The bot's server refused (HTTP {status}: Zu viel).")
    assert failed.sent is None


def test_a_refusal_that_is_not_about_the_length_is_shown_as_the_server_said_it_first(long_chat):
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
    assert limits.window(info) == 4_096
    assert limits.window(replace(info, model="other")) is None
    limits.check(info, model="m-1", tokens=4_000)
    assert limits.window(info) == 4_096
    limits.check(info, model="m-1", tokens=4_097)
    assert limits.window(info) is None
    limits.learn(info, window=4_096, has_system_role=False)
    assert not limits.has_system_role(info)
    limits.check(info, model="m-2", tokens=10)
    assert (limits.window(info), limits.has_system_role(info)) == (None, True)
    limits.learn(info, window=4_096)
    at = KEPT_SECONDS
    assert limits.window(info) is None


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


def test_a_complaint_about_the_system_role_that_stays_is_shown_and_not_remembered(chat_on):
    with StubBot(lambda _: refused(400, "System role not supported")) as server:
        bot = OpenAIBot("b", BotConfig(model="m", base_url=server.url, system="Be brief."), base_url=server.url)
        chat = chat_on(bot)
        session = chat.new_session("ann")
        for _ in range(2):
            assert "System role not supported" in say(chat, session, "Rome?").error
        roles = [request.body["messages"][0]["role"] for request in server.requests]
    assert roles == ["system", "user"] * 2


def test_a_last_message_that_no_bot_can_be_shown_is_said_to_be_so(chat_on, store):
    bot = ScriptedBot("Yes.", DONE)
    chat = chat_on(bot)
    session = Session(user="ann", bot_id="b")
    session.messages = [
        Message(role="user", content="Rome?"),
        Message(role="assistant", content="Gladly."),
        Message(role="user", payload='{"unsupported": [{"kind": "image", "raw": 1}]}'),
    ]
    store.save(session)
    reply = chat.retry("ann", chat.open("ann", session.id))
    assert reply.wait(30)
    assert "can't be shown your last message" in reply.message.error
    assert bot.prompts == []


def test_system_messages_of_a_conversation_are_sent_and_counted_where_the_window_leaves_its_beginning_out(
    chat_on, store
):
    bot = ScriptedBot("Yes.", DONE)
    bot.info = replace(bot.info, context_window=100)
    chat = chat_on(bot)
    session = Session(user="ann", bot_id="b")
    session.messages = [Message(role="system", content="Be brief.")]
    session.messages += [Message(role="user" if n % 2 else "assistant", content=f"{n}".ljust(40)) for n in range(1, 13)]
    store.save(session)
    answer = say(chat, chat.open("ann", session.id), "Still there?")
    system, *turns = bot.prompts[0]
    assert system == {"role": "system", "content": "Be brief."}
    assert len(turns) < 8
    assert answer.sent == {
        "first": store.get("ann", session.id).messages[14 - len(turns)].id,
        "messages": len(turns) + 1,
        "of": 14,
    }


def test_a_message_that_alone_is_too_long_is_not_sent_again(chat_on):
    bot = CountingBot(len, window=100)
    chat = chat_on(bot)
    failed = say(chat, chat.new_session("ann"), "x" * 1_000)
    assert (failed.status, bot.refused) == ("failed", 1)


def test_a_bot_of_the_strategy_none_is_sent_everything(chat_on):
    bot = CountingBot(len, window=10**6)
    bot.info = replace(bot.info, context_window=10, context="none")
    chat = chat_on(bot)
    session = chat.new_session("ann")
    for n in range(3):
        assert say(chat, session, f"{n}?").sent is None
    assert len(bot.prompts[-1]) == 5


def test_more_of_a_session_is_read_where_more_fits(chat_on, store):
    session = Session(user="ann", bot_id="b")
    session.messages = [Message(role="user" if n % 2 == 0 else "assistant", content=f"{n}") for n in range(1_200)]
    store.save(session)
    bot = ScriptedBot("Yes.", DONE)
    bot.info = replace(bot.info, context_window=100_000)
    chat = chat_on(bot)
    say(chat, chat.open("ann", session.id), "Still there?")
    assert len(bot.prompts[0]) == 1_201


def test_what_a_person_lets_the_bot_forget_is_not_sent_until_they_take_it_back(chat_on, store):
    bot = ScriptedBot("Yes.", DONE)
    chat = chat_on(bot)
    session = chat.new_session("ann")
    for words in ("Rome?", "Oslo?", "Why?"):
        say(chat, session, words)
    session = chat.open("ann", session.id)
    chat.forget("ann", session, session.messages[2].id)
    told = shown(chat.open("ann", session.id))
    assert (told.words, told.by_hand, told.first) == ("4 of 6 messages sent", True, session.messages[2].id)
    answer = say(chat, session, "And?")
    assert [m["content"] for m in bot.prompts[-1]] == ["Oslo?", "Yes.", "Why?", "Yes.", "And?"]
    assert (answer.sent["messages"], answer.sent["of"]) == (5, 7)
    assert shown(chat.open("ann", session.id)).by_hand
    chat.forget("ann", session, None)
    assert shown(chat.open("ann", session.id)) is None
    say(chat, session, "Now?")
    assert len(bot.prompts[-1]) == 9
    assert len(store.get("ann", session.id).messages) == 10
    with pytest.raises(MessageNotFound):
        chat.forget("ann", session, "no such message")


def test_a_new_session_begins_with_a_message_of_another_and_what_follows_it(chat_on, store):
    chat = chat_on(ScriptedBot("Yes.", DONE))
    session = chat.new_session("ann")
    for words in ("Rome?", "Oslo?"):
        say(chat, session, words)
    session = chat.open("ann", session.id)
    chat.edit("ann", session, session.messages[0].id, "Bern?").wait(30)
    chat.show_branch("ann", session, session.messages[2].id)
    begun = chat.begin_from("ann", session, session.messages[2].id)
    assert [message.content for message in store.get("ann", begun.id).messages] == ["Oslo?", "Yes."]
    assert (begun.name, begun.metadata) == ("Oslo?", {"forked_from": session.id})
    assert store.get("ann", session.id).message_count == 6
    with pytest.raises(MessageNotFound):
        chat.begin_from("ann", begun, session.messages[0].id)


class SummingBot(CountingBot):
    """Sums up what it is asked to, or fails to."""

    def __init__(self, summary) -> None:
        super().__init__(len, window=1_200)
        self.info = replace(self.info, context="summary")
        self.summary = summary
        self.asked: list[str] = []

    async def stream(self, prompt):
        words = words_of(prompt[-1]["content"])
        if "<conversation>" not in words:
            async for piece in super().stream(prompt):
                yield piece
            return
        self.asked.append(words)
        bot = ScriptedBot(*self.summary)
        async for piece in bot.stream(prompt):
            yield piece


def test_what_does_not_fit_is_summed_up_kept_and_sent_instead(chat_on, store):
    bot = SummingBot(["Herons were spoken of.", Finish(reason="stop")])
    chat = chat_on(bot)
    session = chat.new_session("ann")
    for n in range(20):
        assert say(chat, session, f"{n}: what is a heron?").status is None
    kept = store.get("ann", session.id, last=100)
    assert kept.summary["text"] == "Herons were spoken of."
    assert 1 < len(bot.asked) < 12  # not at every turn
    assert "0: what" in bot.asked[0]
    assert "Herons were spoken of." in bot.asked[-1]
    system, first, *_ = bot.prompts[-1]
    assert system["content"].endswith("Herons were spoken of.")
    places = [message.id for message in kept.messages]
    assert kept.messages[places.index(kept.summary["last"]) + 1].content == first["content"]
    assert shown(kept).summary == "Herons were spoken of."
    chat.redact("ann", session.id, kept.messages[0].id)
    assert store.get("ann", session.id).summary is None


@pytest.mark.parametrize("summary", [[BotError("No.")], [RuntimeError("No.")], [Finish(reason="stop")], ["cut off"]])
def test_a_summary_that_fails_is_in_nobodys_way(chat_on, store, summary):
    bot = SummingBot(summary)
    chat = chat_on(bot)
    session = chat.new_session("ann")
    for n in range(12):
        assert say(chat, session, f"{n}: what is a heron?").status is None
    kept = store.get("ann", session.id)
    assert bot.asked
    assert kept.summary is None
    assert bot.prompts[-1][0]["role"] == "user"
    assert shown(kept).messages == len(bot.prompts[-1])


def test_what_was_forgotten_is_in_no_summary(chat_on, store):
    bot = SummingBot(["Herons.", Finish(reason="stop")])
    chat = chat_on(bot)
    session = chat.new_session("ann")
    for n in range(4):
        say(chat, session, f"{n}: what is a heron?")
    session = chat.open("ann", session.id)
    chat.forget("ann", session, session.messages[-2].id)
    bot.asked.clear()
    for n in range(4, 14):
        say(chat, session, f"{n}: what is a heron?")
    assert bot.asked
    assert not any("2: what" in asked for asked in bot.asked)
