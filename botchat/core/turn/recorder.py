"""Saves one reply while it streams: at its start, at every checkpoint, and at its end."""

import asyncio
from concurrent.futures import Executor
from contextlib import suppress

from botchat.core.errors import BotchatError, StoreError, StoreUnavailable
from botchat.core.models import Message, MessageChanges, Session, now
from botchat.core.retention import RetentionEnforcer
from botchat.core.storage import SessionRepository
from botchat.core.turn.reply import Reply

CHECKPOINT_SECONDS = 1.0
"""Interval between saves of a streaming reply: a killed process loses no more than this."""

_MAX_RETRY_SECONDS = 10.0
"""Longest time between two attempts to save while the store is down."""


class Recorder:
    """Writes one reply into its session, in threads of `executor`, so that no other reply waits for the store.

    While the store is down it keeps trying, and the reply has a `save_failure`. Until the first piece it renews the
    turn mark of `holder`, the process that has the turn in the session, and stops the reply if another process asks
    for that. With `stored`, the session already has the message: an empty reply that is retried.
    """

    def __init__(
        self,
        repository: SessionRepository,
        session: Session,
        reply: Reply,
        *,
        holder: str,
        executor: Executor,
        retention_enforcer: RetentionEnforcer,
        checkpoint_seconds: float,
        stored: bool = False,
    ) -> None:
        self._repository = repository
        self._session = session
        self._reply = reply
        self._holder = holder
        self._executor = executor
        self._retention_enforcer = retention_enforcer
        self._checkpoint_seconds = checkpoint_seconds
        self._in_session = stored
        self._has_mark = stored
        self._is_append_certain = True

    async def run(self) -> bool:
        """Save until the reply has ended and is stored; return False if the store will never accept it."""
        await self._wait_for_start()
        wait = self._checkpoint_seconds
        while True:
            ended = self._reply.ended
            failure = await self._save(ended=ended)
            self._reply.record_save(failure)
            if failure is None and ended:
                return True
            if failure is not None and not isinstance(failure, StoreUnavailable):
                await self._reply.finished.wait()
                await asyncio.get_running_loop().run_in_executor(self._executor, self._give_up, failure)
                return False
            wait = self._checkpoint_seconds if failure is None else min(2 * wait, _MAX_RETRY_SECONDS)
            await self._rest(wait, ended=ended)

    async def _wait_for_start(self) -> None:
        """Wait for the first piece; meanwhile renew the turn mark and the session's expiry time."""
        wait = self._checkpoint_seconds
        while True:
            try:
                await asyncio.wait_for(self._reply.started.wait(), wait)
            except TimeoutError:
                is_held = await asyncio.get_running_loop().run_in_executor(self._executor, self._renew_mark)
                wait = self._checkpoint_seconds if is_held else min(2 * wait, _MAX_RETRY_SECONDS)
            else:
                return

    def _renew_mark(self) -> bool:
        """Renew the turn mark; return whether the store has it."""
        try:
            if self._repository.turns().take(self._session.user, self._session.id, self._holder):
                self._reply.stop()
            self._renew_expiry()
        except BotchatError:  # the next checkpoint retries
            return False
        return True

    def _renew_expiry(self) -> None:
        with suppress(BotchatError):  # the next checkpoint retries
            self._retention_enforcer.extend(self._repository, self._session)

    async def _rest(self, seconds: float, *, ended: bool) -> None:
        """Wait for the next checkpoint, or for the end of the reply if that comes first."""
        if ended:
            await asyncio.sleep(seconds)
            return
        try:
            await asyncio.wait_for(self._reply.finished.wait(), seconds)
        except TimeoutError:
            return

    async def _save(self, *, ended: bool) -> BotchatError | None:
        message = self._reply.message
        message.heartbeat = None if ended else now()
        loop = asyncio.get_running_loop()
        try:
            await loop.run_in_executor(self._executor, self._write, message)
        except BotchatError as error:
            return error
        except Exception as error:  # noqa: BLE001  (it must not be lost in a task that is never awaited)
            failure = StoreError(f"Unexpected error while saving: {type(error).__name__}: {error}")
            failure.__cause__ = error
            return failure
        return None

    def _give_up(self, failure: BotchatError) -> None:
        """Mark the stored part of a reply that can't be saved in full as interrupted, to free the session."""
        user, session_id = self._session.user, self._session.id
        with suppress(BotchatError):  # other processes see from the age of the heartbeat that it has ended
            if self._in_session:
                error = f"Couldn't save the rest of this reply: {failure}"
                self._repository.update_message(
                    user, session_id, self._reply.message_id, status="interrupted", heartbeat=None, error=error
                )
            if self._has_mark or not self._in_session:
                self._repository.turns().release(user, session_id, self._holder)

    def _write(self, message: Message) -> None:
        self._renew_expiry()
        if not self._in_session:
            try:
                self._repository.append(self._session, message, turn=self._holder)
            except StoreUnavailable:
                self._is_append_certain = False  # it may be stored, with the text at that time
                raise
            self._in_session = True
            if self._is_append_certain:
                return
        user, session_id = self._session.user, self._session.id
        if self._repository.update_message(user, session_id, message.id, **_changes(message)):
            self._reply.stop()  # another process asked for it
        if self._has_mark:  # no append has released it
            self._repository.turns().release(user, session_id, self._holder)
            self._has_mark = False


def _changes(message: Message) -> MessageChanges:
    changes: MessageChanges = {
        "content": message.content,
        "reasoning_content": message.reasoning_content,
        "payload": message.payload,
        "status": message.status,
        "heartbeat": message.heartbeat,
        "error": message.error,
        "model": message.model,
        "usage": message.usage,
        "latency_ms": message.latency_ms,
        "first_token_ms": message.first_token_ms,
        "reasoning_ms": message.reasoning_ms,
        "sent": message.sent,
    }
    if message.status != "streaming":
        changes["to_stop"] = None
    return changes
