"""The chat turn: save the user's message, ask the bot, stream and save its reply, whatever becomes of the screen."""

import asyncio
import threading
import time
from collections.abc import Coroutine, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from botchat.core.bots import Bot, LearnedLimits
from botchat.core.bots.stream.chunks import Finish
from botchat.core.errors import (
    BotchatError,
    BotError,
    InvalidInput,
    ReplyRunning,
    ReplyTooLarge,
    StoreError,
    UnknownBot,
)
from botchat.core.models import Message, Session, Status, new_id, now
from botchat.core.retention import Retention, RetentionEnforcer
from botchat.core.storage import SessionRepository
from botchat.core.turn.coalesce import in_gulps, pause_for
from botchat.core.turn.event_loop import LoopThread
from botchat.core.turn.followups import Afterwards, afterwards
from botchat.core.turn.history import History, holds_more, is_wordless
from botchat.core.turn.recorder import CHECKPOINT_SECONDS, Recorder
from botchat.core.turn.recovery_file import put_aside, rescue_replies
from botchat.core.turn.reply import Reply
from botchat.core.turn.request import Asking, read_enough

_SAVERS = 8


class Turns:
    """Runs the replies of these bots on one event loop in a thread of its own, one at a time in each session.

    There is one in a process: a front end that connects to the store anew keeps it, and with it the replies under way.
    Its `holder` is the id by which other processes know whose turn runs in a session.
    What the store has not taken when it is closed is written into a file in `rescue_folder`.
    With `titles` a session's first answer is followed by asking the bot for a name of the session.
    """

    def __init__(
        self,
        bots: Mapping[str, Bot],
        *,
        retention: Retention | None = None,
        titles: bool = False,
        checkpoint_seconds: float = CHECKPOINT_SECONDS,
        rescue_folder: Path | None = None,
    ) -> None:
        self.bots = bots
        self.holder = new_id()
        self.keeping = RetentionEnforcer(retention or Retention())
        self._titles = titles
        self._checkpoint_seconds = checkpoint_seconds
        self._replies: dict[tuple[str, str], Reply] = {}
        self._revisions: dict[str, int] = {}
        self._limits = LearnedLimits()
        self._lock = threading.Lock()
        self._savers = ThreadPoolExecutor(_SAVERS, thread_name_prefix="botchat-save")
        self._loop = LoopThread(self._close_bots)
        self._rescue_folder = rescue_folder
        self._closing = False
        self._close_lock = threading.Lock()
        self._is_closed = False

    def bot(self, bot_id: str) -> Bot:
        """Return the bot of that name.

        Raises:
            UnknownBot: none has it.
        """
        if bot_id not in self.bots:
            raise UnknownBot(f"There is no bot {bot_id!r}; the config has: {', '.join(sorted(self.bots))}.")
        return self.bots[bot_id]

    def running(self, user: str, session_id: str) -> Reply | None:
        """Return the user's reply in that session that still comes, or that the store does not have."""
        return self._replies.get((user, session_id))

    @property
    def running_count(self) -> int:
        """How many replies are under way in this process, whoever's."""
        return sum(not reply.ended for reply in list(self._replies.values()))

    def revision(self, user: str) -> int:
        """Tell how often this process wrote something of the user's; what was read at another number may be old."""
        return self._revisions.get(user, 0)

    def wrote(self, user: str) -> None:
        """Count a write of the user's."""
        with self._lock:
            self._revisions[user] = self._revisions.get(user, 0) + 1

    def send(self, repository: SessionRepository, session: Session, message: Message) -> Reply:
        """Save the user's message, then ask the session's bot; return its reply as it begins.

        A message with a `parent` begins a branch after that one.

        Raises:
            UnknownBot, ReplyRunning, StoreError: the message is not saved, and the bot was not asked.
        """
        bot = self.bot(session.bot_id)
        with self._place(session) as reply:
            earlier = read_enough(repository, bot.info, session, message.parent) if session.rev else History([], 0)
            messages = [*earlier.messages, message]
            asking = self._asking(repository, bot, session, reply, History(messages, earlier.older))
            self._keep(repository, session)
            message.parent = message.parent or session.head
            repository.append(session, message, turn=self.holder)
            self.wrote(session.user)
            self._ask(repository, session, reply, asking)
        return reply

    def retry(self, repository: SessionRepository, session: Session) -> Reply:
        """Ask the bot again for the reply that the last user's message did not get.

        The new reply replaces one without a readable answer. Where that one holds something else (reasoning,
        unsupported content, feedback), it stays as another version, as with `answer_anew`.

        Raises:
            InvalidInput: the last message has its reply.
            UnknownBot, ReplyRunning, StoreError: the bot was not asked.
        """
        bot = self.bot(session.bot_id)
        with self._place(session) as reply:
            messages, older = read_enough(repository, bot.info, session)
            wordless = messages.pop() if messages and is_wordless(messages[-1]) else None
            if not messages or messages[-1].role != "user":
                raise InvalidInput("The last message has its reply: there is nothing to try again.")
            if wordless and holds_more(wordless):
                question, wordless = messages[-1].id, None
                messages, older = read_enough(repository, bot.info, session, question)
                reply.follow(question)
            elif wordless:
                reply.take_place_of(wordless)
            elif session.head:
                reply.follow(session.head)
            asking = self._asking(repository, bot, session, reply, History(messages, older))
            self._keep(repository, session)
            repository.turns().take(session.user, session.id, self.holder)
            self._ask(repository, session, reply, asking, stored=wordless is not None)
        return reply

    def answer_anew(self, repository: SessionRepository, session: Session, question: str) -> Reply:
        """Ask the bot again for an answer to the message `question`; it begins a branch beside the others.

        Raises:
            MessageNotFound: there is no such message.
            InvalidInput: it is not a user's.
            UnknownBot, ReplyRunning, StoreError: the bot was not asked.
        """
        bot = self.bot(session.bot_id)
        with self._place(session) as reply:
            history = read_enough(repository, bot.info, session, question)
            if not history.messages or history.messages[-1].role != "user":
                raise InvalidInput("Only an answer to a message of yours can be asked for again.")
            reply.follow(question)
            asking = self._asking(repository, bot, session, reply, history)
            self._keep(repository, session)
            repository.turns().take(session.user, session.id, self.holder)
            self._ask(repository, session, reply, asking)
        return reply

    def run(self, coroutine: Coroutine[Any, Any, None]) -> None:
        """Run a coroutine on the loop of the replies, which the first one starts."""
        self._loop.run(coroutine)

    def close(self, timeout: float = 10.0, *, keep_unsaved: bool = True) -> None:
        """End the replies under way as interrupted, and wait at most `timeout` seconds until the store has them.

        What it has not by then goes into a file, and the log says where; nothing does without `keep_unsaved`, for who
        has said that it may be lost. Another call waits for the first, and does nothing.
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
            lost = [
                reply
                for reply in replies
                if not reply.wait(max(0.0, deadline - time.monotonic())) or reply.save_failure
            ]
            self._loop.stop()
            self._savers.shutdown(wait=True, cancel_futures=True)
            if keep_unsaved:
                rescue_replies(self._rescue_folder, lost)
            self._is_closed = True

    def _keep(self, repository: SessionRepository, session: Session) -> None:
        """See that a session that is used again goes when the policy says, and not before."""
        if session.state == "trash":
            session.expire_time = self.keeping.retention.expire_time(session, now())
            repository.update(session.user, session.id, state="active", expire_time=session.expire_time)
            session.state = "active"
        else:
            self.keeping.renew(repository, session)

    @contextmanager
    def _place(self, session: Session) -> Iterator[Reply]:
        """Take the session's place for one reply at a time; it is free again when the bot could not be asked.

        Raises:
            ReplyRunning: it is taken.
            StoreError: by a reply that could not be saved; what comes after it must not be saved before it. One that
                the store will never take is in a file now, and the place is free.
        """
        key = (session.user, session.id)
        with self._lock:
            if self._closing:
                raise BotchatError("botchat is ending: nothing was saved, and the bot was not asked.")
            other = self._replies.get(key)
            if other is not None:
                raise self._let_go(other) if other.settled else other.save_failure or ReplyRunning()
            reply = self._replies[key] = Reply(session.user, session.id)
        try:
            yield reply
        except BaseException:
            self._forget(reply)
            raise

    def _let_go(self, reply: Reply) -> BotchatError:
        """Give the place of a reply that the store will never take to the next turn; return what to say of it."""
        said = put_aside(self._rescue_folder, reply)
        if said is None:
            return reply.save_failure or ReplyRunning()
        del self._replies[reply.user, reply.session_id]
        return StoreError(said)

    def _forget(self, reply: Reply) -> None:
        with self._lock:
            self._replies.pop((reply.user, reply.session_id), None)

    def _asking(
        self, repository: SessionRepository, bot: Bot, session: Session, reply: Reply, history: History
    ) -> Asking:
        return Asking(
            repository=repository,
            bot=bot,
            session=session,
            messages=history.messages,
            older=history.older,
            tell=reply.was_sent,
            limits=self._limits,
            savers=self._savers,
        )

    def _ask(
        self, repository: SessionRepository, session: Session, reply: Reply, asking: Asking, *, stored: bool = False
    ) -> None:
        header = replace(session, messages=[])
        reply.session = replace(session, messages=list(asking.messages), first=asking.older)
        recorder = Recorder(
            repository,
            header,
            reply,
            holder=self.holder,
            savers=self._savers,
            keeping=self.keeping,
            checkpoint_seconds=self._checkpoint_seconds,
            stored=stored,
        )
        self.run(self._reply(asking, reply, recorder, afterwards(asking, header, titles=self._titles)))

    async def _reply(self, asking: Asking, reply: Reply, recorder: Recorder, later: list[Afterwards]) -> None:
        recording = asyncio.create_task(recorder.run())
        listening = asyncio.create_task(self._listen(asking, reply))
        reply.runs(asyncio.get_running_loop(), listening)
        await asyncio.wait([listening])
        if not reply.ended:  # cancelled before it had begun
            reply.end(self._stopped_as())
        saved = await recording
        self.wrote(reply.user)
        if saved:
            self._forget(reply)
        reply.settle()
        answer = reply.message
        for each in later:
            if saved and answer.status is None and not self._closing and await each.run(answer):
                self.wrote(reply.user)

    async def _listen(self, asking: Asking, reply: Reply) -> None:
        """Take the reply from the bot to its end, whatever that is."""
        finish: Finish | None = None
        try:
            async with aclosing(in_gulps(asking.stream(), lambda: pause_for(len(self._replies)))) as pieces:
                async for piece in pieces:
                    if isinstance(piece, Finish):
                        finish = piece
                    else:
                        reply.receive(piece)
            reply.end_as_served(finish)
        except asyncio.CancelledError:
            reply.end(self._stopped_as())
        except ReplyTooLarge as error:
            reply.end("truncated", error=str(error))
        except BotError as error:
            reply.end("failed", failure=error)
        except Exception as error:  # noqa: BLE001  (a bot of someone else's may raise anything, and its words are kept)
            reply.fail(error)

    def _stopped_as(self) -> Status:
        return "interrupted" if self._closing else "stopped"

    async def _close_bots(self) -> None:
        """Give back the bots' connections."""
        for bot in self.bots.values():
            await bot.aclose()
