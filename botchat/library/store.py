"""A store that is opened once and lends its sessions: the pool of connections, the default user, the hooks."""

import threading
import time
import weakref
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from botchat.bootstrap import borrow_repository, build_repository, is_mongodb, retention_of
from botchat.core.errors import ConfigError, SessionNotFound, StoreError
from botchat.core.models import PAGE_SIZE, Page, Session, SessionFilter, check_name, new_id, now
from botchat.core.retention import Retention, RetentionEnforcer
from botchat.core.storage import ACTIVE, SessionRepository
from botchat.library.hooks import Hooks
from botchat.library.ids import stored_id
from botchat.library.reused_ids import release_id
from botchat.library.session import AgentSession
from botchat.library.unsaved import FLUSH_SECONDS, Flushable, UnsavedMessages, raise_joined
from botchat.settings import load_settings

if TYPE_CHECKING:
    from botchat.core.storage.mongo.client import Client

AGENT_BOT = "agent"
"""What stands for the bot in the record of a session that agents keep."""


class Store:
    """Sessions in one store, over one pool of connections, for any number of threads.

    Attributes:
        user: whose sessions are meant where nobody is named.
        hooks: who is told of changes.
        keeping: sees how long sessions are kept; without a policy it is for ever.
    """

    def __init__(
        self,
        repository: SessionRepository,
        *,
        user: str,
        hooks: Hooks | None = None,
        retention: Retention | None = None,
    ) -> None:
        self.repository = repository
        self.user = check_name("The user", user)
        self.hooks = hooks or Hooks()
        self.keeping = RetentionEnforcer(retention or Retention())
        self._waiting: weakref.WeakSet[Flushable] = weakref.WeakSet()

    @classmethod
    def open(
        cls,
        address: str | None = None,
        *,
        user: str | None = None,
        retention: Retention | None = None,
        **pool_options: Any,
    ) -> Self:
        """Open the store at `mongodb://…`, `sqlite:///PATH` or a path, with a client of our own that `close` closes.

        Without an address or a user they are those of the settings: BOTCHAT_STORE and BOTCHAT_USER, or the config file;
        so is how long sessions are kept, the rules [[retention]] of the file. The driver of MongoDB gets the options
        of its pool, such as maxPoolSize; what the address says comes first.

        Raises:
            ConfigError: the address or an option can't be used.
            StoreError: the store can't be opened.
        """
        store = cls.at(address, user=user, retention=retention, **pool_options)
        store.prepare()
        return store

    @classmethod
    def at(
        cls,
        address: str | None = None,
        *,
        user: str | None = None,
        retention: Retention | None = None,
        **pool_options: Any,
    ) -> Self:
        """Open a store as `open` does, but for MongoDB: to it nothing is sent, and it gets no indexes.

        A session is found without an index; `open` it once where sessions are listed.
        """
        settings = load_settings(store=address, user=user)
        repository = build_repository(settings.store, **pool_options)
        store = cls(repository, user=settings.user, retention=retention or retention_of(settings))
        if not is_mongodb(settings.store):
            store.prepare()
        return store

    @classmethod
    def borrow(
        cls,
        client: "Client",
        database: str = "botchat",
        *,
        user: str | None = None,
        retention: Retention | None = None,
    ) -> Self:
        """Use someone's client of MongoDB, which `close` leaves open. Nothing is sent, and no index is made.

        Raises:
            ConfigError: its writes are not acknowledged, or there can be no such database.
        """
        settings = load_settings(user=user)
        repository = borrow_repository(client, database)
        return cls(repository, user=settings.user, retention=retention or retention_of(settings))

    def prepare(self) -> None:
        """See that the store answers, and make its indexes or tables: once, where the program starts; else close it.

        Raises:
            StoreError: it can't be opened.
        """
        try:
            self.repository.prepare()
        except BaseException:
            self.close()
            raise

    def session(self, session_id: str | None = None, *, user: str | None = None) -> AgentSession:
        """Open the user's session of that id, which may be any text, or make it; without an id a new one.

        Each user has ids of their own: another user's session of the same id is another session.

        Raises:
            SessionNotFound: it was removed in this instant.
        """
        wanted = new_id() if session_id is None else session_id
        session = self.find(wanted, user=user) or self.create(wanted, user=user) or self.find(wanted, user=user)
        if session is None:
            raise SessionNotFound(wanted)
        return session

    def find(self, session_id: str, *, user: str | None = None) -> AgentSession | None:
        """Open the user's session of that id; None if there is none, or it was deleted."""
        try:
            header = self.repository.for_agents().header(self._user(user), stored_id(session_id))
            if header.state == "trash":
                return None
            with suppress(StoreError):  # a read-only store is still read
                self.keeping.extend(self.repository, header)
        except SessionNotFound:
            return None
        return AgentSession(self.repository, header, self.hooks, self.keeping)

    def create(
        self, session_id: str, *, user: str | None = None, extra: dict[str, Any] | None = None
    ) -> AgentSession | None:
        """Make a session, with more fields of its record; None if there is one of that id, whoever made it first.

        A deleted session of that id stays in the trash, under a new id.
        """
        header = Session(id=stored_id(session_id), user=self._user(user), bot_id=AGENT_BOT, extra=extra or {})
        header.expire_time = self.keeping.retention.expire_time(header, now())
        agents = self.repository.for_agents()
        while not agents.create(header):
            if not release_id(self.repository, header.user, header.id):
                return None
        return AgentSession(self.repository, header, self.hooks, self.keeping)

    def page(
        self,
        after: str | None = None,
        limit: int = PAGE_SIZE,
        *,
        user: str | None = None,
        where: SessionFilter = ACTIVE,
    ) -> Page:
        """Read summaries of the user's sessions, newest first; `after` is the `next` of the page before."""
        with suppress(StoreError):  # as above
            if after is None:
                self.keeping.archive(self.repository, self._user(user))
        return self.repository.page(self._user(user), after, limit, where)

    def delete(self, session_id: str, *, user: str | None = None) -> None:
        """Delete a session: it ends for programs, and its user can restore it from the trash for 30 days.

        Who opens the id again gets a new, empty session; the deleted one stays in the trash, under a new id.

        Raises:
            SessionNotFound: the user has none of that id, or it was deleted already.
        """
        owner, id_ = self._user(user), stored_id(session_id)
        if self.repository.for_agents().header(owner, id_).state == "trash":
            raise SessionNotFound(session_id)
        self.repository.delete(owner, id_)

    def flush_before_close(self, holder: Flushable) -> None:
        """Let `close` flush what this holder keeps, as long as the holder is there."""
        self._waiting.add(holder)

    def close(self, timeout: float = FLUSH_SECONDS) -> None:
        """Store what still waits in session managers, then close what this store opened; a borrowed client stays open.

        While the store is away that is tried again for `timeout` seconds, at least once.

        Raises:
            UnsavedMessages: messages could not be stored. The error has them; the store is closed.
        """
        errors: list[UnsavedMessages] = []
        until = time.monotonic() + timeout
        try:
            for holder in list(self._waiting):
                try:
                    holder.flush(max(0, until - time.monotonic()))
                except UnsavedMessages as error:
                    errors.append(error)
        finally:
            self.repository.close()
        raise_joined(errors)

    def _user(self, user: str | None) -> str:
        return self.user if user is None else user

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


_lock = threading.Lock()
_shared: list[Store] = []


def set_up(address: str | None = None, *, user: str | None = None, **pool_options: Any) -> Store:
    """Open the store that this process shares; `shared` gives it anywhere, `tear_down` closes it at the end.

    Raises:
        ConfigError: there is one already, or as `Store.open`.
        StoreError: the store can't be opened.
    """
    with _lock:
        if _shared:
            raise ConfigError("This process has a shared store already: use `shared()`, or call `tear_down()` first.")
        _shared.append(Store.open(address, user=user, **pool_options))
        return _shared[0]


def shared() -> Store:
    """Return the store that this process shares.

    Raises:
        ConfigError: there is none.
    """
    with _lock:
        if not _shared:
            raise ConfigError("This process has no shared store: call `set_up(...)` where it starts.")
        return _shared[0]


def tear_down() -> None:
    """Close the store that this process shares, if there is one.

    Raises:
        UnsavedMessages: as `Store.close`.
    """
    with _lock:
        while _shared:
            _shared.pop().close()
