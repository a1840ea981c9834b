"""Replies in progress: counted, and awaited without a thread; a client that disconnects doesn't stop them."""

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
"""The interval of pings on an idle stream: proxies close connections that are silent for a minute."""

_SAVE_WAIT_SECONDS = 2.0  # after that the caller gets the save error; saving is retried in the background


class RunningReplies:
    """Counts the replies in progress in this process, and limits those of one user."""

    def __init__(self, metrics: Metrics, max_per_user: int) -> None:
        self._metrics = metrics
        self._max_per_user = max_per_user
        self._running: Counter[str] = Counter()
        self._lock = threading.Lock()

    def check_limit(self, user: str) -> None:
        """Check that a user may start another reply.

        Raises:
            TooMany: the user has as many replies in progress as allowed.
        """
        if self._running[user] >= self._max_per_user:
            raise TooMany(f"Limit of {self._max_per_user} concurrent replies per user reached", 2)

    def track(self, reply: Reply, bot_id: str) -> None:
        """Count a reply until it is saved or its save has failed."""
        self._count(reply.user, 1)
        self._metrics.replies_in_flight.inc()
        pending = [bot_id]

        def check_settled() -> None:
            if reply.settled:
                with suppress(IndexError):  # the other call was first
                    self._settled(reply, pending.pop())

        reply.subscribe(check_settled)
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
    """Yield the deltas received so far, then new ones, merged if several are waiting; None is a ping.

    The iterator ends with the reply. Closing it earlier doesn't stop the reply.
    """
    delivered = 0
    with _ReplyListener(reply) as listener:
        while True:
            ended = reply.ended  # read first, so that no delta in between is missed
            news = reply.deltas_from(delivered)
            delivered += len(news)
            if news:
                for delta in _merged(news):
                    yield delta
            elif ended:
                return
            elif not await listener.wait(PING_SECONDS):
                yield None


async def wait_until_settled(reply: Reply) -> None:
    """Wait until a reply has ended and is saved, or two seconds after its end if the store doesn't save it."""
    with _ReplyListener(reply) as listener:
        while not reply.ended:
            await listener.wait(PING_SECONDS)
        deadline = asyncio.get_running_loop().time() + _SAVE_WAIT_SECONDS
        while not reply.settled and (left := deadline - asyncio.get_running_loop().time()) > 0:
            await listener.wait(left)


class _ReplyListener:
    """Wakes a coroutine on the server's event loop when a reply, on the bots' loop, has news."""

    def __init__(self, reply: Reply) -> None:
        self._reply = reply
        self._loop = asyncio.get_running_loop()
        self._event = asyncio.Event()
        self._is_notified = False

    def __enter__(self) -> Self:
        self._unsubscribe = self._reply.subscribe(self._notify)
        return self

    def __exit__(self, *_: object) -> None:
        self._unsubscribe()

    async def wait(self, seconds: float) -> bool:
        """Wait for news since the last call; return False if there is none within this time."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._event.wait(), seconds)
        has_news = self._event.is_set()
        self._event.clear()
        self._is_notified = False
        return has_news

    def _notify(self) -> None:
        if not self._is_notified:  # waking the loop costs a system call: once until the next wait is enough
            self._is_notified = True
            with suppress(RuntimeError):  # the loop is closed: no coroutine waits
                self._loop.call_soon_threadsafe(self._event.set)


def _merged(deltas: list[Delta]) -> Iterator[Delta]:
    """Yield one delta with all the text, and the latest one of each content part without plain text."""
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
