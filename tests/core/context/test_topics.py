"""Detection of topics, and their effect on the selection of messages."""

import pytest

from botchat.core.context import select_messages, topic_starts
from botchat.core.models import BotInfo, Message

TALK = [
    "What does a grey heron eat?",
    "A grey heron eats fish, frogs and small eels.",
    "And how does a heron catch fish?",
    "It stands still in the water and strikes.",
    "I need a train to Cambridge on Saturday.",
    "There are many trains to Cambridge. When do you leave?",
    "Leave at nine on Saturday.",
    "The nine o'clock train is booked.",
]


def conversation(*texts: str) -> list[Message]:
    return [Message(role="user" if i % 2 == 0 else "assistant", content=text) for i, text in enumerate(texts)]


def topic_indexes(messages: list[Message]) -> list[int]:
    topics = topic_starts(messages)
    return [i for i, message in enumerate(messages) if message.id in topics]


def test_a_message_with_other_words_begins_a_topic_and_one_that_goes_on_does_not():
    assert topic_indexes(conversation(*TALK)) == [4]
    assert (
        topic_indexes(conversation(*TALK[:4], "Why?", "So it sees more.", "Yes, please tell me something else.")) == []
    )
    chinese = conversation(
        "苍鹭吃什么鱼", "苍鹭吃小鱼。", "苍鹭怎么抓小鱼", "它站着不动。", "星期六去剑桥的火车票", "好"
    )
    assert topic_indexes(chinese) == [4]


@pytest.mark.parametrize("length", range(1, len(TALK) + 1))
def test_what_follows_changes_nothing_about_a_message(length):
    assert topic_indexes(conversation(*TALK)[:length]) == [
        place for place in topic_indexes(conversation(*TALK)) if place < length
    ]


def test_a_selection_begins_at_a_topic_if_that_leaves_little_out():
    messages = conversation(*TALK, "Thanks.")
    topics = topic_starts(messages)
    whole = BotInfo(bot_id="b", label="b", context_window=10_000)
    assert select_messages(whole, messages, topics=topics).messages == messages
    narrow = BotInfo(bot_id="b", label="b", context_window=110)
    assert select_messages(narrow, messages).messages == messages[2:]
    assert select_messages(narrow, messages, topics=topics).messages == messages[4:]
    last = {messages[8].id}
    assert select_messages(narrow, messages, topics=last).messages == messages[2:]
