"""Detects changes of topic in a conversation by the embeddings of its messages.

This runs once, after the reply is stored. The result is stored with the message, so displaying it takes no request.
"""

import asyncio
import logging
import math
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from operator import mul
from statistics import mean, pstdev
from typing import TypeVar

from botchat.core.bots import Bot
from botchat.core.context import has_enough_words
from botchat.core.models import Message, Session, Topic, valid_text
from botchat.core.storage import SessionRepository

_MAX_MESSAGES = 24
"""Messages to embed for one decision, including the new one."""

_RECENT = 6
"""Number of messages before a user message that it is compared with."""

_MIN_EARLIER = 3
"""Earlier user messages that it takes to know the usual similarity within a topic."""

_DEVIATIONS = 1.5
"""Standard deviations below the usual similarity: by chance alone, one in fifteen messages is so far off."""

_MIN_DEVIATION = 0.05
"""Smallest standard deviation: if all were equally similar, slightly less doesn't mean a change of topic."""

_MAX_CHARACTERS = 2_000  # of a message that are sent: its topic is clear by then
_TIMEOUT_SECONDS = 30

_log = logging.getLogger(__name__)
_T = TypeVar("_T")

Vector = Sequence[float]


def needs_topic(bot: Bot, messages: Sequence[Message]) -> bool:
    """Return whether the topic of the last message is still to be detected, and the bot's server can do it."""
    new = messages[-1]
    is_open = bot.info.can_embed and new.role == "user" and new.topic is None
    return is_open and len(_user_indexes(_recent_turns(messages))) > _MIN_EARLIER


def detect_topic(user_indexes: Sequence[int], vectors: Sequence[Vector]) -> Topic:
    """Return whether the last message begins a topic: it is less similar to those before it than is usual here.

    Args:
        user_indexes: indexes of the user messages that have others before them, including the last one.
        vectors: the embeddings of all messages, oldest first.
    """
    *usual, new = (_similarity(vectors[i], vectors[max(0, i - _RECENT) : i]) for i in user_indexes)
    return "new" if new < mean(usual) - _DEVIATIONS * max(_MIN_DEVIATION, pstdev(usual)) else "same"


@dataclass(slots=True, frozen=True)
class TopicFollowup:
    """Embeds the messages of a conversation with the bot's server, and stores whether the last one begins a topic."""

    repository: SessionRepository
    bot: Bot
    session: Session
    messages: Sequence[Message]
    executor: Executor

    async def run(self, reply: Message) -> bool:  # noqa: ARG002  (the protocol of a follow-up)
        """Detect and store the topic; return whether that worked. A failure is only logged; then the words decide."""
        user, new = self.session.user, self.messages[-1]
        try:
            if (await self._run_in_thread(partial(self.repository.preferences, user))).topics != "shown":
                return False
            topic = await self._topic() if has_enough_words(new.content) else "same"
            save = partial(self.repository.update_message, user, self.session.id, new.id, topic=topic)
            await self._run_in_thread(save)
        except Exception as error:  # noqa: BLE001  (on any error, the words decide)
            _log.warning(
                "Can't detect the topic by embeddings in session %s, using words instead: %s: %s",
                self.session.id,
                type(error).__name__,
                error,
            )
            return False
        new.topic = topic  # in the copy that is displayed
        return True

    async def _topic(self) -> Topic:
        turns = _recent_turns(self.messages)
        async with asyncio.timeout(_TIMEOUT_SECONDS):
            vectors = await self.bot.embed([valid_text(message.content[:_MAX_CHARACTERS]) for message in turns])
        return await self._run_in_thread(partial(detect_topic, _user_indexes(turns), vectors))

    async def _run_in_thread(self, call: Callable[[], _T]) -> _T:
        return await asyncio.get_running_loop().run_in_executor(self.executor, call)


def _recent_turns(messages: Sequence[Message]) -> list[Message]:
    turns = [message for message in messages if message.content.strip() and message.role in {"user", "assistant"}]
    return turns[-_MAX_MESSAGES:]


def _user_indexes(turns: Sequence[Message]) -> list[int]:
    return [i for i, message in enumerate(turns) if i and message.role == "user"]


def _similarity(vector: Vector, before: Sequence[Vector]) -> float:
    """Return the cosine similarity of a vector to the mean direction of those before it."""
    middle = [mean(numbers) for numbers in zip(*map(_normalized, before), strict=True)]
    return float(sum(map(mul, vector, middle)) / (math.hypot(*vector) * math.hypot(*middle) or 1))


def _normalized(vector: Vector) -> Vector:
    length = math.hypot(*vector)
    return [number / length for number in vector]
