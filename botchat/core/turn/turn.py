"""Runs chat turns: saves the user's message, asks the bot, streams and saves its reply, independent of any screen."""

import asyncio
import threading
import time
from collections.abc import Coroutine, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from botchat.core.bots import Bot, BotRegistry, LearnedLimits
from botchat.core.errors import BotchatError, InvalidInput, ReplyRunning, StoreError
from botchat.core.models import Message, Session, Status, check_images, new_id, now
from botchat.core.retention import Retention, RetentionEnforcer
from botchat.core.storage import SessionRepository
from botchat.core.turn.coalesce import coalesce, coalesce_delay
from botchat.core.turn.event_loop import LoopThread
from botchat.core.turn.followups import Followup, build_followups
from botchat.core.turn.history import History, has_other_content, is_empty_reply
from botchat.core.turn.model_lists import ModelLists
from botchat.core.turn.recorder import CHECKPOINT_SECONDS, Recorder
from botchat.core.turn.recovery_file import write_rejected_reply, write_unsaved_replies
from botchat.core.turn.reply import Reply
from botchat.core.turn.request import BotRequest, read_context_history

_SAVE_THREADS = 8


class Turns:
    """Runs the turns of all sessions of a process on one event loop thread, one reply at a time in each session.

    A process has one: a front end that reconnects to the store keeps it, and with it the running replies. `holder` is
    the ID of this process in turn marks, by which other processes know who runs a turn.

    Args:
        bots: the bots by ID.
        retention: the retention policy; None keeps sessions indefinitely.
        titles: ask the bot for a title of the session after its first reply.
        checkpoint_seconds: interval between saves of a streaming reply.
        recovery_folder: where `close` writes replies that could not be stored; None writes none.
    """

    def __init__(
        self,
        bots: Mapping[str, Bot],
        *,
        retention: Retention | None = None,
        titles: bool = False,
        checkpoint_seconds: float = CHECKPOINT_SECONDS,
        recovery_folder: Path | None = None,
    ) -> None:
        self.bots = bots if isinstance(bots, BotRegistry) else BotRegistry(bots)
        self.holder = new_id()
        self.retention_enforcer = RetentionEnforcer(retention or Retention())
        self._titles = titles
        self._checkpoint_seconds = checkpoint_seconds
        self._replies: dict[tuple[str, str], Reply] = {}
        self._revisions: dict[str, int] = {}
        self._limits = LearnedLimits()
        self._lock = threading.Lock()
        self._executor = ThreadPoolExecutor(_SAVE_THREADS, thread_name_prefix="botchat-save")
        self._loop = LoopThread(self._close_bots)
        self.model_lists = ModelLists(self._loop)
        self._recovery_folder = recovery_folder
        self._closing = False
        self._close_lock = threading.Lock()
        self._is_closed = False

    def bot(self, bot_id: str, user: str) -> Bot:
        """Return a bot that the user may use.

        Raises:
            UnknownBot: it is not configured or, with the same text, the user may not use it.
        """
        return self.bots.get_allowed(bot_id, user)

    def active_reply(self, user: str, session_id: str) -> Reply | None:
        """Return the reply in the user's session that is still streaming or not stored yet, if any."""
        return self._replies.get((user, session_id))

    @property
    def running_count(self) -> int:
        """Number of replies that are streaming in this process, of all users."""
        return sum(not reply.ended for reply in list(self._replies.values()))

    def revision(self, user: str) -> int:
        """Return the number of this process's writes for the user; data read at another revision may be stale."""
        return self._revisions.get(user, 0)

    def bump_revision(self, user: str) -> None:
        """Count a write to the user's sessions."""
        with self._lock:
            self._revisions[user] = self._revisions.get(user, 0) + 1

    def send(
        self,
        repository: SessionRepository,
        session: Session,
        message: Message,
        *,
        params: Mapping[str, Any] | None = None,
    ) -> Reply:
        """Save the user's message, then request a reply from the session's bot; return the reply as it starts.

        A message with a `parent` starts a branch after that one. `params` are parameters of this request alone.

        Raises:
            UnknownBot, ReplyRunning, StoreError: the message is not saved, and the bot was not asked.
        """
        bot = self.bot(session.bot_id, session.user)
        with self._reserve(session) as reply:
            earlier = (
                read_context_history(repository, bot.info, session, message.parent) if session.rev else History([], 0)
            )
            messages = [*earlier.messages, message]
            request = self._request(repository, session, reply, History(messages, earlier.older), params)
            self._renew_expiry(repository, session)
            message.parent = message.parent or session.head
            repository.append(session, message, turn=self.holder)
            self.bump_revision(session.user)
            self._start(session, reply, request)
        return reply

    def retry(self, repository: SessionRepository, session: Session) -> Reply:
        """Request a reply to the last user message again if it has no readable one.

        The new reply replaces an empty one. If that has other content (reasoning, unsupported content, feedback), it is
        kept as another version, as with `regenerate`.

        Raises:
            InvalidInput: the last message has a reply.
            UnknownBot, ReplyRunning, StoreError: the bot was not asked.
        """
        bot = self.bot(session.bot_id, session.user)
        with self._reserve(session) as reply:
            messages, older = read_context_history(repository, bot.info, session)
            empty = messages.pop() if messages and is_empty_reply(messages[-1]) else None
            if not messages or messages[-1].role != "user":
                raise InvalidInput("Nothing to retry: the last message already has a reply.")
            if empty and has_other_content(empty):
                question, empty = messages[-1].id, None
                messages, older = read_context_history(repository, bot.info, session, question)
                reply.set_parent(question)
            elif empty:
                reply.reuse_message(empty)
            elif session.head:
                reply.set_parent(session.head)
            self._start_again(repository, session, reply, History(messages, older), stored=empty is not None)
        return reply

    def regenerate(
        self, repository: SessionRepository, session: Session, question: str, *, asked: Session | None = None
    ) -> Reply:
        """Request another reply to the message with the ID `question`; the earlier ones are kept as branches.

        `asked` is the session with the bot, model and parameters of this request, if they differ from its own.

        Raises:
            MessageNotFound: there is no such message.
            InvalidInput: it is not a user message, or has an attachment that the bot of `asked` doesn't accept.
            UnknownBot, ReplyRunning, StoreError: the bot was not asked.
        """
        bot = self.bot((asked or session).bot_id, session.user)
        with self._reserve(session) as reply:
            history = read_context_history(repository, bot.info, session, question)
            if not history.messages or history.messages[-1].role != "user":
                raise InvalidInput("Only replies to user messages can be regenerated.")
            if asked:
                check_images(history.messages[-1].files, bot.info)
            reply.set_parent(question)
            self._start_again(repository, session, reply, history, asked=asked)
        return reply

    def run(self, coroutine: Coroutine[Any, Any, None]) -> None:
        """Start a coroutine on the event loop of the replies, without waiting for it."""
        self._loop.run(coroutine)

    def close(self, timeout: float = 10.0, *, keep_unsaved: bool = True) -> None:
        """End the running replies as interrupted, and wait at most `timeout` seconds until they are stored.

        The rest is written to a recovery file, whose path is logged; without `keep_unsaved` it is discarded, as
        the user has confirmed. A second call waits for the first and does nothing.
        """
        self._closing = True
        with self._close_lock:
            if self._is_closed:
                return
            with self._lock:
                replies = list(self._replies.values())
            for reply in replies:
                reply.stop()
            deadline = time.monotonic() + timeout
            unsaved = [r for r in replies if not r.wait(max(0.0, deadline - time.monotonic())) or r.save_failure]
            self._loop.stop()
            self._executor.shutdown(wait=True, cancel_futures=True)
            if keep_unsaved:
                write_unsaved_replies(self._recovery_folder, unsaved)
            self._is_closed = True

    def _renew_expiry(self, repository: SessionRepository, session: Session) -> None:
        """Set the expiry time of a session that is used again; restore it from the trash."""
        if session.state == "trash":
            session.expire_time = self.retention_enforcer.retention.expire_time(session, now())
            repository.update(session.user, session.id, state="active", expire_time=session.expire_time)
            session.state = "active"
        else:
            self.retention_enforcer.renew(repository, session)

    @contextmanager
    def _reserve(self, session: Session) -> Iterator[Reply]:
        """Reserve the session for one reply; it is released if the request could not be made.

        Raises:
            ReplyRunning: another reply is running.
            StoreError: another reply is not saved yet, and must be saved before later messages. If the store has
                rejected it for good, it is in a recovery file now, and the session is free.
        """
        key = (session.user, session.id)
        with self._lock:
            if self._closing:
                raise BotchatError("botchat is shutting down. Nothing was saved or sent.")
            other = self._replies.get(key)
            if other is not None:
                raise self._release_rejected(other) if other.settled else other.save_failure or ReplyRunning()
            reply = self._replies[key] = Reply(session.user, session.id)
        try:
            yield reply
        except BaseException:
            self._remove(reply)
            raise

    def _release_rejected(self, reply: Reply) -> BotchatError:
        """Move a reply that the store rejected to a recovery file and free its session; return the error to raise."""
        text = write_rejected_reply(self._recovery_folder, reply)
        if text is None:
            return reply.save_failure or ReplyRunning()
        del self._replies[reply.user, reply.session_id]
        return StoreError(text)

    def _remove(self, reply: Reply) -> None:
        with self._lock:
            self._replies.pop((reply.user, reply.session_id), None)

    def _request(
        self,
        repository: SessionRepository,
        session: Session,
        reply: Reply,
        history: History,
        own_params: Mapping[str, Any] | None = None,
    ) -> BotRequest:
        bot, model = self.bot(session.bot_id, session.user), session.bot_model
        params = {**session.bot_params, **(own_params or {})}
        utility_bot = bot if model is None else bot.with_options(model, {})
        return BotRequest(
            repository=repository,
            bot=bot.with_options(model, params) if model or params else bot,
            utility_bot=utility_bot,
            session=session,
            messages=history.messages,
            older=history.older,
            on_context=reply.on_context,
            limits=self._limits,
            executor=self._executor,
        )

    def _start_again(
        self,
        repository: SessionRepository,
        session: Session,
        reply: Reply,
        history: History,
        *,
        stored: bool = False,
        asked: Session | None = None,
    ) -> None:
        """Request a reply to a message that is already stored; with `stored`, the reply is stored too."""
        request = self._request(repository, _as_read(asked, session), reply, history)
        self._renew_expiry(repository, session)
        repository.turns().take(session.user, session.id, self.holder)
        self._start(session, reply, request, stored=stored)

    def _start(self, session: Session, reply: Reply, request: BotRequest, *, stored: bool = False) -> None:
        header = replace(session, messages=[])
        reply.session = replace(session, messages=list(request.messages), first=request.older)
        recorder = Recorder(
            request.repository,
            header,
            reply,
            holder=self.holder,
            executor=self._executor,
            retention_enforcer=self.retention_enforcer,
            checkpoint_seconds=self._checkpoint_seconds,
            stored=stored,
        )
        followups = build_followups(request, header, titles=self._titles)
        self.run(self._run(request, reply, recorder, followups))

    async def _run(self, request: BotRequest, reply: Reply, recorder: Recorder, followups: list[Followup]) -> None:
        recording = asyncio.create_task(recorder.run())
        pieces = coalesce(request.stream(), lambda: coalesce_delay(len(self._replies)))
        receiving = asyncio.create_task(reply.receive(pieces, self._cancelled_status))
        reply.attach(asyncio.get_running_loop(), receiving)
        await asyncio.wait([receiving])
        if not reply.ended:  # cancelled before its task ran
            reply.end(self._cancelled_status())
        saved = await recording
        self.bump_revision(reply.user)
        if saved:
            self._remove(reply)
        reply.mark_settled()
        message = reply.message
        for followup in followups:
            if saved and message.status is None and not self._closing and await followup.run(message):
                self.bump_revision(reply.user)

    def _cancelled_status(self) -> Status:
        return "interrupted" if self._closing else "stopped"

    async def _close_bots(self) -> None:
        """Close the bots' connections."""
        await self.bots.aclose()


def _as_read(asked: Session | None, session: Session) -> Session:
    """Return the session as it was just read, with the bot, model and parameters of `asked` if given."""
    if asked is None:
        return session
    return replace(session, bot_id=asked.bot_id, bot_model=asked.bot_model, bot_params=asked.bot_params)
