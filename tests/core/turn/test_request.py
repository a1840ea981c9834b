"""The part of a long conversation that is sent to a server that counts tokens and refuses long prompts."""

from dataclasses import replace

import pytest
from support.bots.stub_server import StubBot, refused, streamed
from support.fakes import DONE, ScriptedBot
from support.stores.sessions import say

from botchat.core.bots import BotConfig
from botchat.core.bots.openai import OpenAIBot
from botchat.core.bots.prompt import text_of
from botchat.core.bots.stream.chunks import Finish
from botchat.core.context import context_usage
from botchat.core.errors import BotError, MessageNotFound, PromptTooLong
from botchat.core.models import Message, Session


class CountingBot(ScriptedBot):
    """Sends long replies, counts tokens in its own way, and refuses prompts over its window."""

    def __init__(self, count, window: int, told: int | None = 0, **more) -> None:
        super().__init__("A heron is a bird. " * 6, **more)
        self.count, self.window = count, window
        self.info = replace(self.info, context_window=window if told == 0 else told)
        self.refused = 0

    async def stream(self, prompt):
        tokens = sum(self.count(text_of(message["content"])) + 4 for message in prompt) + 20
        if tokens > self.window:
            self.refused += 1
            raise PromptTooLong("Too long.", limit=None, tokens=None)
        async for piece in super().stream(prompt):
            yield piece
        answer = self.count("A heron is a bird. " * 6)
        yield Finish(reason="stop", usage={"prompt_tokens": tokens, "completion_tokens": answer})


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
    usage = context_usage(saved)
    assert (usage.sent, usage.total) == (full[-1], 49)
    assert usage.first_id == saved.messages[49 - full[-1]].id


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


def test_a_last_message_that_can_not_be_sent_is_an_error(chat_on, store):
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
    assert "Your last message has no text." in reply.message.error
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


def test_messages_before_a_cut_are_not_sent_until_it_is_undone(chat_on, store):
    bot = ScriptedBot("Yes.", DONE)
    chat = chat_on(bot)
    session = chat.new_session("ann")
    for words in ("Rome?", "Oslo?", "Why?"):
        say(chat, session, words)
    session = chat.open("ann", session.id)
    chat.set_context_start("ann", session, session.messages[2].id)
    usage = context_usage(chat.open("ann", session.id))
    assert (usage.text, usage.is_manual, usage.first_id) == ("4 of 6 messages in context", True, session.messages[2].id)
    answer = say(chat, session, "And?")
    assert [m["content"] for m in bot.prompts[-1]] == ["Oslo?", "Yes.", "Why?", "Yes.", "And?"]
    assert (answer.sent["messages"], answer.sent["of"]) == (5, 7)
    assert context_usage(chat.open("ann", session.id)).is_manual
    chat.set_context_start("ann", session, None)
    assert context_usage(chat.open("ann", session.id)) is None
    say(chat, session, "Now?")
    assert len(bot.prompts[-1]) == 9
    assert len(store.get("ann", session.id).messages) == 10
    with pytest.raises(MessageNotFound):
        chat.set_context_start("ann", session, "no such message")


def test_a_new_session_begins_with_a_message_of_another_and_what_follows_it(chat_on, store):
    chat = chat_on(ScriptedBot("Yes.", DONE))
    session = chat.new_session("ann")
    for words in ("Rome?", "Oslo?"):
        say(chat, session, words)
    session = chat.open("ann", session.id)
    chat.edit("ann", session, session.messages[0].id, "Bern?").wait(30)
    chat.show_branch("ann", session, session.messages[2].id)
    begun = chat.continue_in_new_session("ann", session, session.messages[2].id)
    assert [message.content for message in store.get("ann", begun.id).messages] == ["Oslo?", "Yes."]
    assert (begun.name, begun.metadata) == ("Oslo?", {"forked_from": session.id})
    assert store.get("ann", session.id).message_count == 6
    with pytest.raises(MessageNotFound):
        chat.continue_in_new_session("ann", begun, session.messages[0].id)


class SummarizingBot(CountingBot):
    """Summarizes as asked, or fails."""

    def __init__(self, summary) -> None:
        super().__init__(len, window=1_200)
        self.info = replace(self.info, context="summary")
        self.summary = summary
        self.asked: list[str] = []

    async def stream(self, prompt):
        words = text_of(prompt[-1]["content"])
        if "<conversation>" not in words:
            async for piece in super().stream(prompt):
                yield piece
            return
        self.asked.append(words)
        bot = ScriptedBot(*self.summary)
        async for piece in bot.stream(prompt):
            yield piece


def test_what_does_not_fit_is_summarized_stored_and_sent_instead(chat_on, store):
    bot = SummarizingBot(["Herons were spoken of.", Finish(reason="stop")])
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
    assert context_usage(kept).summary == "Herons were spoken of."
    chat.redact("ann", session.id, kept.messages[0].id)
    assert store.get("ann", session.id).summary is None


@pytest.mark.parametrize("summary", [[BotError("No.")], [RuntimeError("No.")], [Finish(reason="stop")], ["cut off"]])
def test_a_summary_that_fails_has_no_effect(chat_on, store, summary):
    bot = SummarizingBot(summary)
    chat = chat_on(bot)
    session = chat.new_session("ann")
    for n in range(12):
        assert say(chat, session, f"{n}: what is a heron?").status is None
    kept = store.get("ann", session.id)
    assert bot.asked
    assert kept.summary is None
    assert bot.prompts[-1][0]["role"] == "user"
    assert context_usage(kept).sent == len(bot.prompts[-1])


def test_messages_before_a_cut_are_in_no_summary(chat_on, store):
    bot = SummarizingBot(["Herons.", Finish(reason="stop")])
    chat = chat_on(bot)
    session = chat.new_session("ann")
    for n in range(4):
        say(chat, session, f"{n}: what is a heron?")
    session = chat.open("ann", session.id)
    chat.set_context_start("ann", session, session.messages[-2].id)
    bot.asked.clear()
    for n in range(4, 14):
        say(chat, session, f"{n}: what is a heron?")
    assert bot.asked
    assert not any("2: what" in asked for asked in bot.asked)
