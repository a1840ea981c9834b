"""Detects changes of topic in a conversation from its words alone, without a model.

A topic stored with a message (see `core.turn.topic_embeddings`) takes precedence.

A message that shares few of its words with the messages shortly before it begins a topic. This is a guess, so nothing
is ever dropped for it: it is shown to people, and if not everything fits the context window, it is a good place to
start.
"""

import re
from collections.abc import Sequence
from functools import lru_cache

from botchat.core.models import Message

_RECENT = 6
"""Number of messages before a new one that it is compared with."""

_DECAY = 0.8
"""Weight of a word for each further turn since it was last used."""

_MAX_OVERLAP = 0.2
"""A message begins a topic if less than this part of its words was used before."""

_MIN_WORDS = 2
"""Words that a message needs to begin a topic: "Why?" doesn't."""

_ANSWER_OVERLAP = 0.2
"""Added to the overlap of an answer ("Yes, please …"): it continues the topic of the question."""

_MAX_CHARACTERS = 4_000  # of a message that are examined: its topic is clear by then

# English only. The stop words of other languages count as words, so fewer changes are detected in them.
STOP_WORDS = frozenset(
    """a about after again all also am an and any are as at be because been before being but by can could d did do
    does doing don down for from get give go going got had has have having he hello her here hers hey hi him his
    how i if in into is it its just know let like ll look looking m make may me might more most much my need no not
    now of off ok okay on once one only or other our out over own please re really s same see she should so some
    sure t tell than thank thanks that the their them then there these they thing this those through to too up us
    ve very want was we well were what when where which while who whom why will with would yeah yes you your""".split()  # noqa: SIM905  (a list of words reads better)
)
_ANSWERS = frozenset(
    """alright awesome cool fine good great no nope ok okay perfect please right sure thank thanks yeah yep
    yes""".split()  # noqa: SIM905
)
_ENDINGS = ("ing", "ed", "es", "s")

_UNSPACED = "\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"  # Chinese, Japanese, Korean: pairs of characters as words
_WORDS = re.compile(f"[{_UNSPACED}]+|[^\\W_{_UNSPACED}]+")
_FIRST = re.compile(r"\W*(\w+)")


def topic_starts(messages: Sequence[Message]) -> frozenset[str]:
    """Return the IDs of the user messages that seem to begin another topic, each judged by the messages before it."""
    turns = [message for message in messages if message.content and message.role in {"user", "assistant"}]
    words = [_words_of(message.content[:_MAX_CHARACTERS]) for message in turns]
    return frozenset(
        message.id
        for i, message in enumerate(turns)
        if i and message.role == "user" and _begins(message, words[i], words[:i])
    )


def has_enough_words(text: str) -> bool:
    """Return whether a message has enough words to begin a topic."""
    return len(_words_of(text[:_MAX_CHARACTERS])) >= _MIN_WORDS


def _begins(message: Message, words: frozenset[str], before: Sequence[frozenset[str]]) -> bool:
    if message.topic is not None:
        return message.topic == "new"
    return is_new_topic(message.content, words, before)


def is_new_topic(text: str, new: frozenset[str], before: Sequence[frozenset[str]]) -> bool:
    """Return whether a message begins a topic.

    Args:
        text: the message.
        new: its words.
        before: the words of each message before it, oldest first.
    """
    if len(new) < _MIN_WORDS:
        return False
    overlap = sum(_recency(word, before) for word in new) / len(new)
    first = _FIRST.match(text)
    is_answer = first is not None and first[1].lower() in _ANSWERS
    return overlap + _ANSWER_OVERLAP * is_answer < _MAX_OVERLAP


def _recency(word: str, before: Sequence[frozenset[str]]) -> float:
    """Return how recently a word was used, from 1 for the previous turn to 0 for long ago or never."""
    for back, words in enumerate(reversed(before[-_RECENT:])):
        if word in words:
            return float(_DECAY ** (back // 2))
    return 0


@lru_cache(maxsize=4096)
def _words_of(text: str) -> frozenset[str]:
    words: set[str] = set()
    for word in _WORDS.findall(text.lower()):
        if word[0] >= "\u3040" and re.match(f"[{_UNSPACED}]", word):
            words.update(word[i : i + 2] for i in range(max(1, len(word) - 1)))
        elif word not in STOP_WORDS:
            words.add(_stem(word))
    return frozenset(words)


def _stem(word: str) -> str:
    ending = next((end for end in _ENDINGS if word.endswith(end) and len(word) > len(end) + 3), "")
    return word.removesuffix(ending)
