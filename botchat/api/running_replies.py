"""Replies as routes see them: waited for without a thread, counted, and never ended by a client that leaves."""

import asyncio
import threading
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from typing import Self

from botchat.api.metrics import Metrics
from botchat.core.chat import Reply
from botchat.core.errors import TooMany
from botchat.core.models import Delta

PING_SECONDS = 15.0
"""A stream with nothing to say says so as often: proxies close what is silent for a minute."""

_SAVE_WAIT_SECONDS = 2.0  # who waits for an answer is told that it could not be saved; it is tried on


class RunningReplies:
    """The replies that this process was asked for."""

    def __init__(self, metrics: Metrics, max_per_user: int) -> None:
        self._metrics = metrics
        self._max_per_user = max_per_user
        self._running: Counter[str] = Counter()
        self._lock = threading.Lock()

    def check_limit(self, user: str) -> None:
        """Check that a user may ask for another reply.

        Raises:
            TooMany: so many of theirs are under way that they must wait for one.
        """
        if self._running[user] >= self._max_per_user:
            raise TooMany(f"{self._max_per_user} replies of yours are under way, and more are not allowed at once", 2)

    def track(self, reply: Reply, bot_id: str) -> None:
        """Count a reply until it is settled."""
        self._count(reply.user, 1)
        self._metrics.replies_in_flight.inc()
        pending = [bot_id]

        def check_settled() -> None:
            if reply.settled:
                with suppress(IndexError):  # the other check_settled was first
                    self._settled(reply, pending.pop())

        reply.on_news(check_settled)
        check_settled()

    def _settled(self, reply: Reply, bot_id: str) -> None:
        self._count(reply.user, -1)
        self._metrics.replies_in_flight.dec()
        self._metrics.record_reply(bot_id, reply)
        if reply.save_failure:
            self._metrics.count_save_failure()

    def _count(self, user: str, number: int) -> None:
        with self._lock:
            self._running[user] += number
            if not self._running[user]:
                del self._running[user]


async def reply_deltas(reply: Reply) -> AsyncIterator[Delta | None]:
    """Give what came so far, then what comes, several pieces as one where they came together; None is a sign of life.

    It ends with the reply. Who leaves before stops nothing.
    """
    delivered = 0
    with _ReplyListener(reply) as listener:
        while True:
            ended = reply.ended  # before looking: what comes in between is not missed
            news = reply.received(delivered)
            delivered += len(news)
            if news:
                for delta in _merged(news):
                    yield delta
            elif ended:
                return
            elif not await listener.wait(PING_SECONDS):
                yield None


async def wait_until_settled(reply: Reply) -> None:
    """Wait until a reply has ended and the store has it, or for some seconds more if the store does not take it."""
    with _ReplyListener(reply) as listener:
        while not reply.ended:
            await listener.wait(PING_SECONDS)
        deadline = asyncio.get_running_loop().time() + _SAVE_WAIT_SECONDS
        while not reply.settled and (left := deadline - asyncio.get_running_loop().time()) > 0:
            await listener.wait(left)


class _ReplyListener:
    """Rings on the server's loop when a reply, on its own, has something new."""

    def __init__(self, reply: Reply) -> None:
        self._reply = reply
        self._loop = asyncio.get_running_loop()
        self._event = asyncio.Event()
        self._is_notified = False

    def __enter__(self) -> Self:
        self._unsubscribe = self._reply.on_news(self._notify)
        return self

    def __exit__(self, *_: object) -> None:
        self._unsubscribe()

    async def wait(self, seconds: float) -> bool:
        """Wait for something new since the last time; False if there was nothing for so long."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._event.wait(), seconds)
        has_news = self._event.is_set()
        self._event.clear()
        self._is_notified = False
        return has_news

    def _notify(self) -> None:
        if not self._is_notified:  # waking the loop costs a system call: once until it has looked is enough
            self._is_notified = True
            with suppress(RuntimeError):  # the server has ended, and nobody waits any more
                self._loop.call_soon_threadsafe(self._event.set)


def _merged(deltas: list[Delta]) -> Iterator[Delta]:
    """Make one piece of all words, and one of the latest state of each content without plain text."""
    if len(deltas) == 1:
        yield deltas[0]
        return
    content = "".join(delta.content for delta in deltas)
    reasoning = "".join(delta.reasoning_content for delta in deltas)
    if content or reasoning:
        yield Delta(content=content, reasoning_content=reasoning)
    latest = {delta.unsupported.key: delta.unsupported for delta in deltas if delta.unsupported}
    for piece in latest.values():
        yield Delta(unsupported=piece)
