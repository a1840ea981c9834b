"""Where a conversation turns to another topic: told by the words alone, of a message when it comes, without a model.

Where the bot's server has told it better (`core.topic_vectors`), that counts.

A message that shares few of its words with what was said shortly before begins a topic. It is a guess, and nothing is
ever dropped for it: it is shown to people, and where a bot can't be shown everything, it is a good place to begin at.
"""

import re
from collections.abc import Sequence
from functools import lru_cache

from botchat.core.models import Message

_RECENT = 6
"""Messages before a new one that its words are looked for in."""

_FADING = 0.8
"""What a word counts for that was last said one turn further back."""

_LITTLE = 0.2
"""Part of a message's words that was said before, at most, where it begins a topic."""

_TELLING = 2
"""Words that a message must have to tell anything: "Why?" begins no topic."""

_ANSWER = 0.2
"""What an answer ("Yes, please …") counts for: it goes on with what was asked."""

_LONGEST = 4_000  # characters of a message that are looked at: its topic is told by then

# Words of English that say nothing of a topic. Those of other languages count, so fewer changes are seen in them.
STOP_WORDS = frozenset(
    """a about after again all also am an and any are as at be because been before being but by can could d did do
    does doing don down for from get give go going got had has have having he hello her here hers hey hi him his
    how i if in into is it its just know let like ll look looking m make may me might more most much my need no not
    now of off ok okay on once one only or other our out over own please re really s same see she should so some
    sure t tell than thank thanks that the their them then there these they thing this those through to too up us
    ve very want was we well were what when where which while who whom why will with would yeah yes you your""".split()  # noqa: SIM905  (they are read as words)
)
_ANSWERS = frozenset(
    """alright awesome cool fine good great no nope ok okay perfect please right sure thank thanks yeah yep
    yes""".split()  # noqa: SIM905
)
_ENDINGS = ("ing", "ed", "es", "s")

_UNSPACED = "\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"  # Chinese, Japanese and Korean: pairs of signs are their words
_WORDS = re.compile(f"[{_UNSPACED}]+|[^\\W_{_UNSPACED}]+")
_FIRST = re.compile(r"\W*(\w+)")


def topic_starts(messages: Sequence[Message]) -> frozenset[str]:
    """Return the ids of the user's messages that seem to begin another topic; each is judged by what came before it."""
    said = [message for message in messages if message.content and message.role in {"user", "assistant"}]
    words = [_words_of(message.content[:_LONGEST]) for message in said]
    return frozenset(
        message.id
        for i, message in enumerate(said)
        if i and message.role == "user" and _begins(message, words[i], words[:i])
    )


def has_enough_words(text: str) -> bool:
    """Tell whether a message has the words that it takes to begin a topic."""
    return len(_words_of(text[:_LONGEST])) >= _TELLING


def _begins(message: Message, words: frozenset[str], before: Sequence[frozenset[str]]) -> bool:
    if message.topic is not None:
        return message.topic == "new"
    return is_new_topic(message.content, words, before)


def is_new_topic(text: str, new: frozenset[str], before: Sequence[frozenset[str]]) -> bool:
    """Tell whether a message with these words begins a topic, after messages with those, oldest first."""
    if len(new) < _TELLING:
        return False
    known = sum(_nearness(word, before) for word in new) / len(new)
    first = _FIRST.match(text)
    is_answer = first is not None and first[1].lower() in _ANSWERS
    return known + _ANSWER * is_answer < _LITTLE


def _nearness(word: str, before: Sequence[frozenset[str]]) -> float:
    """Tell how lately a word was said, from 1 for the turn before to 0 for long ago or never."""
    for back, words in enumerate(reversed(before[-_RECENT:])):
        if word in words:
            return float(_FADING ** (back // 2))
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
