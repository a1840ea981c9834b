"""Where a conversation turns to another topic, told by the places that a bot's server gives its texts.

It is told once, after the answer is stored, and kept with the message: to draw it, no server is asked.
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

_READ = 24
"""Messages that are placed for one verdict, the new one among them."""

_RECENT = 6
"""Messages before one of the user's that it is compared with."""

_FEWEST = 3
"""Earlier messages of the user's that show how near to each other those of one topic are."""

_BELOW = 1.5
"""Standard deviations under the usual nearness: by chance alone, one of fifteen messages is so far off."""

_LEAST = 0.05
"""The least of a standard deviation: where all was equally near, a little less is no change."""

_LONGEST = 2_000  # characters of a message that are sent: its topic is told by then
_SECONDS = 30

_log = logging.getLogger(__name__)
_T = TypeVar("_T")

Vector = Sequence[float]


def needs_topic(bot: Bot, messages: Sequence[Message]) -> bool:
    """Tell whether the last of these messages is one whose topic the bot's server can tell, and has not told yet."""
    new = messages[-1]
    return bot.info.can_embed and new.role == "user" and new.topic is None and len(_places(_read(messages))) > _FEWEST


def detect_topic(places: Sequence[int], vectors: Sequence[Vector]) -> Topic:
    """Tell whether the last message begins a topic: whether it is less near to those before it than is usual here.

    Args:
        places: the places of the user's messages that have others before them, the last one's too.
        vectors: of all messages, oldest first.
    """
    *usual, new = (_nearness(vectors[place], vectors[max(0, place - _RECENT) : place]) for place in places)
    return "new" if new < mean(usual) - _BELOW * max(_LEAST, pstdev(usual)) else "same"


@dataclass(slots=True, frozen=True)
class TopicFollowup:
    """Has a bot's server place the messages of a conversation, and keeps what that tells of the last one's topic."""

    repository: SessionRepository
    bot: Bot
    session: Session
    messages: Sequence[Message]
    executor: Executor

    async def run(self, answer: Message) -> bool:  # noqa: ARG002  (called as what else follows an answer)
        """Tell whether the topic is known now. That it is not disturbs nobody, and is only logged: words tell it."""
        user, new = self.session.user, self.messages[-1]
        try:
            if (await self._in_thread(partial(self.repository.preferences, user))).topics != "shown":
                return False
            topic = await self._topic() if has_enough_words(new.content) else "same"
            save = partial(self.repository.update_message, user, self.session.id, new.id, topic=topic)
            await self._in_thread(save)
        except Exception as error:  # noqa: BLE001  (whatever a bot or the store raises, the words tell a topic too)
            _log.warning("Session %s has its topic told by words: %s: %s", self.session.id, type(error).__name__, error)
            return False
        new.topic = topic  # in the copy that is on the screen
        return True

    async def _topic(self) -> Topic:
        read = _read(self.messages)
        async with asyncio.timeout(_SECONDS):
            vectors = await self.bot.embed([valid_text(message.content[:_LONGEST]) for message in read])
        return await self._in_thread(partial(detect_topic, _places(read), vectors))

    async def _in_thread(self, call: Callable[[], _T]) -> _T:
        return await asyncio.get_running_loop().run_in_executor(self.executor, call)


def _read(messages: Sequence[Message]) -> list[Message]:
    said = [message for message in messages if message.content.strip() and message.role in {"user", "assistant"}]
    return said[-_READ:]


def _places(read: Sequence[Message]) -> list[int]:
    return [i for i, message in enumerate(read) if i and message.role == "user"]


def _nearness(vector: Vector, before: Sequence[Vector]) -> float:
    """Tell the cosine of the angle between a vector and the middle of those before it."""
    middle = [mean(numbers) for numbers in zip(*map(_of_length_one, before), strict=True)]
    return float(sum(map(mul, vector, middle)) / (math.hypot(*vector) * math.hypot(*middle) or 1))


def _of_length_one(vector: Vector) -> Vector:
    length = math.hypot(*vector)
    return [number / length for number in vector]
