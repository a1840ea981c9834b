"""A bot's reply while it streams: the part received so far, readable from any thread."""

import asyncio
import threading
import time
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing
from dataclasses import replace
from functools import partial
from typing import Any

from botchat.core.bots.stream.chunks import Finish
from botchat.core.bots.stream.finish_reasons import finish_meaning, outcome_of
from botchat.core.errors import BotchatError, BotError, ReplyTooLarge
from botchat.core.models import Delta, Message, Session, Status, Unsupported, is_blank, pack

_EMPTY = "The reply is empty. Try again."


class Reply:
    """A reply that runs on the background loop, whether or not anyone reads it.

    Iterating yields the deltas received so far and then those that arrive, for each of several iterators.

    Attributes:
        session: the session at the time of the request, with the messages before the reply, also while the store is
            down.
        failure: why the reply ended early; None otherwise.
        save_failure: why the received part is not stored (usually, saving is retried); None if it is.
        started: set on the loop with the first piece, or at the end.
        finished: set on the loop at the end.
    """

    def __init__(self, user: str, session_id: str) -> None:
        self.user = user
        self.session_id = session_id
        self.session: Session | None = None
        self.failure: BotError | None = None
        self.save_failure: BotchatError | None = None
        self.started = asyncio.Event()
        self.finished = asyncio.Event()
        self._message = Message(role="assistant", status="streaming")
        self._cancel: Callable[[], object] | None = None
        self._stopped = False
        self._deltas: list[Delta] = []
        self._unsupported: dict[str, Unsupported] = {}
        self._unsupported_index: dict[str, int] = {}
        self._changed = threading.Condition()
        self._subscribers: list[Callable[[], object]] = []
        self._ended = False
        self._settled = False
        self._start_time = time.monotonic()
        self._reasoning_started: int | None = None

    @property
    def ended(self) -> bool:
        """Whether the reply has ended, for any reason."""
        return self._ended

    @property
    def settled(self) -> bool:
        """Whether it has ended and is stored, or never will be (then `save_failure` says why)."""
        return self._settled

    @property
    def message_id(self) -> str:
        """The ID of the bot's message."""
        return self._message.id

    @property
    def message(self) -> Message:
        """A copy of the bot's message as received so far."""
        with self._changed:
            content = "".join(delta.content for delta in self._deltas)
            reasoning = "".join(delta.reasoning_content for delta in self._deltas)
            payload = pack(self._unsupported.values())
            return replace(self._message, content=content, reasoning_content=reasoning, payload=payload)

    def stop(self) -> None:
        """Stop the reply at once; the part received so far is kept."""
        with self._changed:
            self._stopped = True
            cancel = self._cancel
        if cancel and not self._ended:
            cancel()

    def attach(self, loop: asyncio.AbstractEventLoop, task: "asyncio.Task[None]") -> None:
        """Set the task that `stop` cancels, from the loop that runs it."""
        with self._changed:
            self._cancel = partial(loop.call_soon_threadsafe, task.cancel)
            stopped = self._stopped
        if stopped:
            task.cancel()

    def __iter__(self) -> Iterator[Delta]:
        """Yield the deltas received so far, then each one as it arrives, until the reply ends for any reason."""
        yielded = 0
        while True:
            with self._changed:
                while not self._ended and len(self._deltas) == yielded:
                    self._changed.wait()
                deltas = self._deltas[yielded:]
            if not deltas:
                return
            yielded += len(deltas)
            yield from deltas

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until it is settled, for at most `timeout` seconds; return whether it is."""
        with self._changed:
            return self._changed.wait_for(lambda: self._settled, timeout)

    def wait_for_update(self, timeout: float) -> None:
        """Wait for the next delta or the end, for at most `timeout` seconds."""
        with self._changed:
            seen = len(self._deltas)
            self._changed.wait_for(lambda: self._ended or len(self._deltas) > seen, timeout)

    def wait_for_first_delta(self, timeout: float) -> None:
        """Wait until there is a delta or the reply ended, for at most `timeout` seconds."""
        with self._changed:
            self._changed.wait_for(lambda: self._ended or bool(self._deltas), timeout)

    def deltas_from(self, start: int) -> list[Delta]:
        """Return the deltas received so far, from index `start` on."""
        with self._changed:
            return self._deltas[start:]

    def subscribe(self, callback: Callable[[], object]) -> Callable[[], None]:
        """Call `callback` on every change of the reply; return a function that unsubscribes it.

        It is called on the thread of the loop that runs the reply, so it must be quick and not fail. This is for
        readers that can't wait in a thread of their own.
        """
        with self._changed:
            self._subscribers = [*self._subscribers, callback]
        return lambda: self._unsubscribe(callback)

    def reuse_message(self, message: Message) -> None:
        """Reuse the ID and creation time of an empty reply, which this one replaces."""
        self._message.id, self._message.create_time = message.id, message.create_time

    def set_parent(self, message_id: str) -> None:
        """Make this the reply to a message that is not the last of the record."""
        self._message.parent = message_id

    def on_context(self, sent: dict[str, Any] | None) -> None:
        """Record which part of the conversation was sent; None if all of it was."""
        with self._changed:
            self._message.sent = sent

    async def receive(self, pieces: AsyncGenerator[Delta | Finish], cancelled_status: Callable[[], Status]) -> None:
        """Receive the pieces until they end, for any reason; a cancelled reply ends with `cancelled_status()`."""
        finish: Finish | None = None
        try:
            async with aclosing(pieces):
                async for piece in pieces:
                    if isinstance(piece, Finish):
                        finish = piece
                    else:
                        self.add(piece)
            self.end_with(finish)
        except asyncio.CancelledError:
            self.end(cancelled_status())
        except ReplyTooLarge as error:
            self.end("truncated", error=str(error))
        except BotError as error:
            self.end("failed", failure=error)
        except Exception as error:  # noqa: BLE001  (a third party's bot may raise anything, and its text is kept)
            self.fail(error)

    def add(self, delta: Delta) -> None:
        """Add the next delta, on the loop that runs the reply."""
        with self._changed:
            if delta.unsupported:
                self._add_unsupported(delta.unsupported)
            self._deltas.append(delta)
            if len(self._deltas) == 1:
                self._message.first_token_ms = self._elapsed_ms()
            if delta.reasoning_content and self._reasoning_started is None:
                self._reasoning_started = self._elapsed_ms()
            if delta.content:
                self._end_reasoning()
            self._notify()
        self.started.set()

    def end(
        self,
        status: Status | None,
        *,
        finish: Finish | None = None,
        failure: BotError | None = None,
        error: str | None = None,
    ) -> None:
        """End the reply, on the loop that runs it.

        Args:
            status: its final status; None is complete.
            finish: the end as the server reported it.
            failure: why the bot failed.
            error: what to show with the message if the bot did not fail.
        """
        with self._changed:
            self.failure = failure
            self._message.status = status
            self._message.heartbeat = None
            self._message.error = str(failure) if failure else error
            self._message.latency_ms = self._elapsed_ms()
            self._end_reasoning()
            if finish:
                self._message.model, self._message.usage = finish.model, finish.usage
            self._ended = True
            self._notify()
        self.started.set()
        self.finished.set()

    def end_with(self, finish: Finish | None) -> None:
        """End the reply as its server reported. One that reached a limit is truncated: neither failed nor complete.

        A reply without text is truncated, whatever its server reports: its error lists its other content, and it can
        be requested again.
        """
        reason = finish.reason if finish else None
        status, error = outcome_of(reason)
        if empty := self._empty_error():
            status, error = status or "truncated", f"{error} {empty}" if error else empty
        is_failure = status == "failed" or finish_meaning(reason) == "none"
        failure = BotError(error) if is_failure and error else None
        self.end(status, finish=finish, failure=failure, error=error)

    def fail(self, error: BaseException) -> None:
        """End the reply because of an unexpected error, which becomes the cause of `failure`."""
        failure = BotError(f"The bot failed with an unexpected error: {type(error).__name__}: {error}")
        failure.__cause__ = error
        self.end("failed", failure=failure)

    def _empty_error(self) -> str | None:
        """Return the error of a reply without text, which lists its other content; None if it has text."""
        with self._changed:
            if any(not is_blank(delta.content) for delta in self._deltas):
                return None
            reasoned = any(delta.reasoning_content for delta in self._deltas)
            kinds = [piece.kind for key, piece in self._unsupported.items() if key != "finish reason"]
        content = [*(["reasoning"] if reasoned else []), *(" ".join(kind.split()) for kind in dict.fromkeys(kinds))]
        return f"The reply has no text, only: {', '.join(content)}. Try again." if content else _EMPTY

    def record_save(self, failure: BotchatError | None) -> None:
        """Record the outcome of the last attempt to store the reply; None is success."""
        with self._changed:
            self.save_failure = failure
            self._notify()

    def mark_settled(self) -> None:
        """Record that the reply is stored, or never will be."""
        with self._changed:
            self._settled = True
            self._notify()

    def _add_unsupported(self, piece: Unsupported) -> None:
        """Keep the latest state of a piece and drop the earlier one: each state includes all before it."""
        self._unsupported[piece.key] = piece
        if (index := self._unsupported_index.get(piece.key)) is not None:
            self._deltas[index] = replace(self._deltas[index], unsupported=None)
        self._unsupported_index[piece.key] = len(self._deltas)

    def _notify(self) -> None:
        self._changed.notify_all()
        for callback in self._subscribers:
            callback()

    def _unsubscribe(self, callback: Callable[[], object]) -> None:
        with self._changed:
            self._subscribers = [other for other in self._subscribers if other is not callback]

    def _end_reasoning(self) -> None:
        if self._reasoning_started is not None and self._message.reasoning_ms is None:
            self._message.reasoning_ms = self._elapsed_ms() - self._reasoning_started

    def _elapsed_ms(self) -> int:
        return round((time.monotonic() - self._start_time) * 1000)
