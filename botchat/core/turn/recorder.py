"""Keeps the store up with one reply: when it begins, at every checkpoint, and how it ended."""

import asyncio
from concurrent.futures import Executor
from contextlib import suppress

from botchat.core.errors import BotchatError, StoreError, StoreUnavailable
from botchat.core.models import Message, MessageChanges, Session, now
from botchat.core.retention import RetentionEnforcer
from botchat.core.storage import SessionRepository
from botchat.core.turn.reply import Reply

CHECKPOINT_SECONDS = 1.0
"""How often a reply that is coming is stored: a killed process loses no more than this."""

_LONGEST_WAIT = 10.0
"""Seconds between two attempts to save, at most, while the store is down."""


class Recorder:
    """Writes one reply into its session, in threads of `savers`, so that no other reply waits for the store.

    While the store is down it goes on trying, and the reply says so. `stored` is whether the message is in the session
    already: a failed reply without words that is tried again. Until the first piece it renews the mark of `holder`, who
    has the turn in the session, and stops the reply where that is wished at another process.
    """

    def __init__(
        self,
        repository: SessionRepository,
        session: Session,
        reply: Reply,
        *,
        holder: str,
        savers: Executor,
        keeping: RetentionEnforcer,
        checkpoint_seconds: float,
        stored: bool = False,
    ) -> None:
        self._repository = repository
        self._session = session
        self._reply = reply
        self._holder = holder
        self._savers = savers
        self._keeping = keeping
        self._checkpoint_seconds = checkpoint_seconds
        self._in_session = stored
        self._has_mark = stored
        self._appended_for_sure = True

    async def run(self) -> bool:
        """Save until the reply has ended and the store has it; tell whether it has, False when it never will."""
        await self._begun()
        wait = self._checkpoint_seconds
        while True:
            ended = self._reply.ended
            failure = await self._save(ended=ended)
            self._reply.saved(failure)
            if failure is None and ended:
                return True
            if failure is not None and not isinstance(failure, StoreUnavailable):
                await self._reply.over.wait()
                await asyncio.get_running_loop().run_in_executor(self._savers, self._give_up, failure)
                return False
            wait = self._checkpoint_seconds if failure is None else min(2 * wait, _LONGEST_WAIT)
            await self._rest(wait, ended=ended)

    async def _begun(self) -> None:
        """Wait for the first piece, and keep the session's place and its end meanwhile."""
        wait = self._checkpoint_seconds
        while True:
            try:
                await asyncio.wait_for(self._reply.begun.wait(), wait)
            except TimeoutError:
                is_held = await asyncio.get_running_loop().run_in_executor(self._savers, self._hold)
                wait = self._checkpoint_seconds if is_held else min(2 * wait, _LONGEST_WAIT)
            else:
                return

    def _hold(self) -> bool:
        """Renew the mark of the turn; tell whether the store has it."""
        try:
            if self._repository.turns().take(self._session.user, self._session.id, self._holder):
                self._reply.stop()
            self._keep()
        except BotchatError:  # it is tried again
            return False
        return True

    def _keep(self) -> None:
        with suppress(BotchatError):  # it is tried again
            self._keeping.extend(self._repository, self._session)

    async def _rest(self, seconds: float, *, ended: bool) -> None:
        """Wait for the next checkpoint, or for the end if that comes first."""
        if ended:
            await asyncio.sleep(seconds)
            return
        try:
            await asyncio.wait_for(self._reply.over.wait(), seconds)
        except TimeoutError:
            return

    async def _save(self, *, ended: bool) -> BotchatError | None:
        message = self._reply.message
        message.heartbeat = None if ended else now()
        loop = asyncio.get_running_loop()
        try:
            await loop.run_in_executor(self._savers, self._write, message)
        except BotchatError as error:
            return error
        except Exception as error:  # noqa: BLE001  (it must not end in a task that nobody looks at)
            failure = StoreError(f"The reply can't be saved: {type(error).__name__}: {error}")
            failure.__cause__ = error
            return failure
        return None

    def _give_up(self, failure: BotchatError) -> None:
        """End what the store has of a reply that it will never take whole, so that the session can go on."""
        user, session_id = self._session.user, self._session.id
        with suppress(BotchatError):  # others see from the age of the heartbeat that it has ended
            if self._in_session:
                error = f"The rest of this reply could not be saved: {failure}"
                self._repository.update_message(
                    user, session_id, self._reply.message_id, status="interrupted", heartbeat=None, error=error
                )
            if self._has_mark or not self._in_session:
                self._repository.turns().release(user, session_id, self._holder)

    def _write(self, message: Message) -> None:
        self._keep()
        if not self._in_session:
            try:
                self._repository.append(self._session, message, turn=self._holder)
            except StoreUnavailable:
                self._appended_for_sure = False  # it may be there, with the words that it had then
                raise
            self._in_session = True
            if self._appended_for_sure:
                return
        user, session_id = self._session.user, self._session.id
        if self._repository.update_message(user, session_id, message.id, **_changes(message)):
            self._reply.stop()  # as someone wishes at another process
        if self._has_mark:  # no append has ended it
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
