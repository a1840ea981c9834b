"""A bot's reply while it comes: what arrived so far, for anyone who looks, on any thread."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

from botchat.core.bots.stream.chunks import Finish
from botchat.core.bots.stream.finish_reasons import finish_meaning, outcome_of
from botchat.core.errors import BotchatError, BotError
from botchat.core.models import Delta, Message, Session, Status, Unsupported, is_blank, pack

_EMPTY = "The reply is empty. Try again."


class Reply:
    """A reply that runs on the background loop. It belongs to no screen: nobody needs to look for it to go on.

    Iterating gives the deltas that came so far and then those that come, to each of several iterators. `failure` says
    why it ended before its end, `save_failure` that the store does not hold what came (mostly it is tried again).
    `begun` and `over` are set, on the loop, with the first piece and at the end. `session` is the session as the reply
    was asked for, with the messages before the reply: it is there while the store is not.
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
        self._unsupported_at: dict[str, int] = {}
        self._changed = threading.Condition()
        self._subscribers: list[Callable[[], object]] = []
        self._ended = False
        self._settled = False
        self._started = time.monotonic()
        self._reasons_since: int | None = None

    @property
    def ended(self) -> bool:
        """Whether nothing more comes."""
        return self._ended

    @property
    def settled(self) -> bool:
        """Whether it has ended and the store has it, or will never take it (`save_failure` then says why)."""
        return self._settled

    @property
    def message_id(self) -> str:
        """The id of the bot's message."""
        return self._message.id

    @property
    def message(self) -> Message:
        """The bot's message as far as it came: a copy of its own."""
        with self._changed:
            content = "".join(delta.content for delta in self._deltas)
            reasoning = "".join(delta.reasoning_content for delta in self._deltas)
            payload = pack(self._unsupported.values())
            return replace(self._message, content=content, reasoning_content=reasoning, payload=payload)

    def stop(self) -> None:
        """End it at once; what came is kept."""
        with self._changed:
            self._stopped = True
            cancel = self._cancel
        if cancel and not self._ended:
            cancel()

    def attach(self, loop: asyncio.AbstractEventLoop, listening: "asyncio.Task[None]") -> None:
        """Take the task that `stop` cancels, from the loop that runs it."""
        with self._changed:
            self._cancel = partial(loop.call_soon_threadsafe, listening.cancel)
            stopped = self._stopped
        if stopped:
            listening.cancel()

    def __iter__(self) -> Iterator[Delta]:
        """Give what came so far, then wait for what comes; the end is the end of the reply, however it ended."""
        given = 0
        while True:
            with self._changed:
                while not self._ended and len(self._deltas) == given:
                    self._changed.wait()
                news = self._deltas[given:]
            if not news:
                return
            given += len(news)
            yield from news

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until it is settled, for at most `timeout` seconds; tell whether it is."""
        with self._changed:
            return self._changed.wait_for(lambda: self._settled, timeout)

    def wait_for_update(self, timeout: float) -> None:
        """Wait until something more came or it ended, for at most `timeout` seconds."""
        with self._changed:
            seen = len(self._deltas)
            self._changed.wait_for(lambda: self._ended or len(self._deltas) > seen, timeout)

    def wait_for_first_delta(self, timeout: float) -> None:
        """Wait until something came or it ended, for at most `timeout` seconds."""
        with self._changed:
            self._changed.wait_for(lambda: self._ended or bool(self._deltas), timeout)

    def deltas_from(self, start: int) -> list[Delta]:
        """Return what came so far, from piece number `start` on."""
        with self._changed:
            return self._deltas[start:]

    def subscribe(self, tell: Callable[[], object]) -> Callable[[], None]:
        """Call `tell` whenever something came, or became of it; return what ends that. It must be quick, and not fail.

        It is called on the thread of the loop that runs the reply: this is for who can't wait in a thread of their own.
        """
        with self._changed:
            self._subscribers = [*self._subscribers, tell]
        return lambda: self._unsubscribe(tell)

    def replace_message(self, message: Message) -> None:
        """Become another try at a reply that ended before its first word."""
        self._message.id, self._message.create_time = message.id, message.create_time

    def set_parent(self, message_id: str) -> None:
        """Become the answer to a message that is not the last of the record."""
        self._message.parent = message_id

    def on_context(self, sent: dict[str, Any] | None) -> None:
        """Take what was sent of the conversation, where that is not all of it."""
        with self._changed:
            self._message.sent = sent

    def add(self, delta: Delta) -> None:
        """Take the next piece, on the loop that runs the reply."""
        with self._changed:
            if delta.unsupported:
                self._keep(delta.unsupported)
            self._deltas.append(delta)
            if len(self._deltas) == 1:
                self._message.first_token_ms = self._elapsed()
            if delta.reasoning_content and self._reasons_since is None:
                self._reasons_since = self._elapsed()
            if delta.content:
                self._has_reasoned()
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
        """Take the end, on the loop that runs the reply; `error` is what to say of it when the bot has not failed."""
        with self._changed:
            self.failure = failure
            self._message.status = status
            self._message.heartbeat = None
            self._message.error = str(failure) if failure else error
            self._message.latency_ms = self._elapsed()
            self._has_reasoned()
            if finish:
                self._message.model, self._message.usage = finish.model, finish.usage
            self._ended = True
            self._notify()
        self.started.set()
        self.finished.set()

    def end_with(self, finish: Finish | None) -> None:
        """End as its server said. A limit that was reached is no failure, but no complete reply either.

        A reply that holds no text is truncated, whatever its server says: `error` tells what it holds instead, and it
        can be tried again.
        """
        reason = finish.reason if finish else None
        status, error = outcome_of(reason)
        if empty := self._without_text():
            status, error = status or "truncated", f"{error} {empty}" if error else empty
        is_failure = status == "failed" or finish_meaning(reason) == "none"
        failure = BotError(error) if is_failure and error else None
        self.end(status, finish=finish, failure=failure, error=error)

    def fail(self, error: BaseException) -> None:
        """End because of an error that is none of a bot's, which `failure` has as its cause."""
        failure = BotError(f"The bot failed unexpectedly: {type(error).__name__}: {error}")
        failure.__cause__ = error
        self.end("failed", failure=failure)

    def _without_text(self) -> str | None:
        """Say what the reply holds if that is no text; None if it has text."""
        with self._changed:
            if any(not is_blank(delta.content) for delta in self._deltas):
                return None
            reasoned = any(delta.reasoning_content for delta in self._deltas)
            kinds = [piece.kind for key, piece in self._unsupported.items() if key != "finish reason"]
        held = [*(["reasoning"] if reasoned else []), *(" ".join(kind.split()) for kind in dict.fromkeys(kinds))]
        return f"The reply has no text, only: {', '.join(held)}. Try again." if held else _EMPTY

    def record_save(self, failure: BotchatError | None) -> None:
        """Take how the last attempt to store it went."""
        with self._changed:
            self.save_failure = failure
            self._notify()

    def mark_settled(self) -> None:
        """Take that the store has it, or never will."""
        with self._changed:
            self._settled = True
            self._notify()

    def _keep(self, piece: Unsupported) -> None:
        """Take a piece's latest state, and let go of the earlier one: each holds all that came of it by then."""
        self._unsupported[piece.key] = piece
        if (place := self._unsupported_at.get(piece.key)) is not None:
            self._deltas[place] = replace(self._deltas[place], unsupported=None)
        self._unsupported_at[piece.key] = len(self._deltas)

    def _notify(self) -> None:
        self._changed.notify_all()
        for tell in self._subscribers:
            tell()

    def _unsubscribe(self, tell: Callable[[], object]) -> None:
        with self._changed:
            self._subscribers = [other for other in self._subscribers if other is not tell]

    def _has_reasoned(self) -> None:
        if self._reasons_since is not None and self._message.reasoning_ms is None:
            self._message.reasoning_ms = self._elapsed() - self._reasons_since

    def _elapsed(self) -> int:
        return round((time.monotonic() - self._started) * 1000)
