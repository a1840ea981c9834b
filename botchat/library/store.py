"""A store for programs: opens sessions over one connection pool, with a default user and hooks."""

import threading
import time
import weakref
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from botchat.bootstrap import borrow_repository, build_repository, is_mongodb, retention_policy
from botchat.core.errors import ConfigError, SessionNotFound, StoreError
from botchat.core.models import PAGE_SIZE, Page, Session, SessionFilter, check_name, new_id, now
from botchat.core.retention import Retention, RetentionEnforcer
from botchat.core.storage import ACTIVE, SessionRepository
from botchat.library.hooks import Hooks
from botchat.library.ids import encode_id, release_id
from botchat.library.session import AgentSession
from botchat.library.unsaved import FLUSH_SECONDS, Flushable, UnsavedMessages, raise_joined
from botchat.settings import load_settings

if TYPE_CHECKING:
    from botchat.core.storage.mongo.client import Client

AGENT_BOT_ID = "agent"
"""The bot ID in the record of a session that agents created."""


class Store:
    """Sessions in one store, over one connection pool, for any number of threads.

    Attributes:
        user: the default user of all methods.
        hooks: functions that are called before and after changes.
        retention_enforcer: enforces the retention policy; without one, sessions are kept indefinitely.
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
        self.retention_enforcer = RetentionEnforcer(retention or Retention())
        self._flushables: weakref.WeakSet[Flushable] = weakref.WeakSet()

    @classmethod
    def open(
        cls,
        address: str | None = None,
        *,
        user: str | None = None,
        retention: Retention | None = None,
        **pool_options: Any,
    ) -> Self:
        """Open the store at `mongodb://…`, `sqlite:///PATH` or a path, with its own client, which `close` closes.

        The address and the user default to the settings: BOTCHAT_STORE and BOTCHAT_USER, or the config file. The
        retention policy defaults to the [[retention]] rules of the config file. Pool options such as maxPoolSize are
        passed to the MongoDB driver; options in the address take precedence.

        Raises:
            ConfigError: the address or an option is invalid.
            StoreError: the store can't be opened.
        """
        store = cls.open_lazy(address, user=user, retention=retention, **pool_options)
        store.prepare()
        return store

    @classmethod
    def open_lazy(
        cls,
        address: str | None = None,
        *,
        user: str | None = None,
        retention: Retention | None = None,
        **pool_options: Any,
    ) -> Self:
        """Open a store like `open`, but send nothing to MongoDB until the first use, and create no indexes.

        A session is found without an index. Programs that list sessions should call `open` once.
        """
        settings = load_settings(store=address, user=user)
        repository = build_repository(settings.store, **pool_options)
        store = cls(repository, user=settings.user, retention=retention or retention_policy(settings))
        if not is_mongodb(settings.store):
            store.prepare()
        return store

    @classmethod
    def from_client(
        cls,
        client: "Client",
        database: str = "botchat",
        *,
        user: str | None = None,
        retention: Retention | None = None,
    ) -> Self:
        """Use an existing MongoDB client, which `close` leaves open. Send nothing, and create no indexes.

        Raises:
            ConfigError: its writes are not acknowledged, or the database name is invalid.
        """
        settings = load_settings(user=user)
        repository = borrow_repository(client, database)
        return cls(repository, user=settings.user, retention=retention or retention_policy(settings))

    def prepare(self) -> None:
        """Connect, and create missing indexes or tables, once when the program starts; on an error, close the store.

        Raises:
            StoreError: the store can't be opened.
        """
        try:
            self.repository.prepare()
        except BaseException:
            self.close()
            raise

    def session(self, session_id: str | None = None, *, user: str | None = None) -> AgentSession:
        """Open the user's session with this ID (any text), or create it; without an ID, create a new session.

        Each user has their own IDs: another user's session with the same ID is a different session.

        Raises:
            SessionNotFound: the session was removed during this call.
        """
        wanted = new_id() if session_id is None else session_id
        session = self.find(wanted, user=user) or self.create(wanted, user=user) or self.find(wanted, user=user)
        if session is None:
            raise SessionNotFound(wanted)
        return session

    def find(self, session_id: str, *, user: str | None = None) -> AgentSession | None:
        """Open the user's session with this ID; return None if it doesn't exist or was deleted."""
        try:
            header = self.repository.for_agents().header(self._user(user), encode_id(session_id))
            if header.state == "trash":
                return None
            with suppress(StoreError):  # a read-only store can still be read
                self.retention_enforcer.extend(self.repository, header)
        except SessionNotFound:
            return None
        return AgentSession(self.repository, header, self.hooks, self.retention_enforcer)

    def create(
        self, session_id: str, *, user: str | None = None, extra: dict[str, Any] | None = None
    ) -> AgentSession | None:
        """Create a session with `extra` fields in its record; return None if the ID exists.

        A deleted session with this ID is kept in the trash under a new ID.
        """
        header = Session(id=encode_id(session_id), user=self._user(user), bot_id=AGENT_BOT_ID, extra=extra or {})
        header.expire_time = self.retention_enforcer.retention.expire_time(header, now())
        agents = self.repository.for_agents()
        while not agents.create(header):
            if not release_id(self.repository, header.user, header.id):
                return None
        return AgentSession(self.repository, header, self.hooks, self.retention_enforcer)

    def page(
        self,
        after: str | None = None,
        limit: int = PAGE_SIZE,
        *,
        user: str | None = None,
        where: SessionFilter = ACTIVE,
    ) -> Page:
        """Return a page of summaries of the user's sessions, newest first; `after` is the previous page's `next`."""
        with suppress(StoreError):  # a read-only store can still be listed
            if after is None:
                self.retention_enforcer.archive(self.repository, self._user(user))
        return self.repository.page(self._user(user), after, limit, where)

    def delete(self, session_id: str, *, user: str | None = None) -> None:
        """Move a session to the trash, where its user can restore it for 30 days; programs no longer find it.

        Opening the ID again creates a new, empty session; the deleted one is kept in the trash under a new ID.

        Raises:
            SessionNotFound: the user has no session with this ID, or it is already deleted.
        """
        owner, id_ = self._user(user), encode_id(session_id)
        if self.repository.for_agents().header(owner, id_).state == "trash":
            raise SessionNotFound(session_id)
        self.repository.delete(owner, id_)

    def flush_on_close(self, holder: Flushable) -> None:
        """Flush the holder's pending messages in `close`, unless the holder is garbage-collected before."""
        self._flushables.add(holder)

    def close(self, timeout: float = FLUSH_SECONDS) -> None:
        """Store the pending messages of session managers, then close the store; a client passed in stays open.

        While the store is unreachable, storing is retried for `timeout` seconds, at least once.

        Raises:
            UnsavedMessages: messages could not be stored. The error contains them; the store is closed.
        """
        errors: list[UnsavedMessages] = []
        until = time.monotonic() + timeout
        try:
            for holder in list(self._flushables):
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


def open_shared_store(address: str | None = None, *, user: str | None = None, **pool_options: Any) -> Store:
    """Open the store that this process shares. `shared_store` returns it, `close_shared_store` closes it.

    Raises:
        ConfigError: the process has a shared store, or as in `Store.open`.
        StoreError: the store can't be opened.
    """
    with _lock:
        if _shared:
            raise ConfigError(
                "This process already has a shared store. Use `shared_store()`, or call `close_shared_store()` first."
            )
        _shared.append(Store.open(address, user=user, **pool_options))
        return _shared[0]


def shared_store() -> Store:
    """Return the store that this process shares.

    Raises:
        ConfigError: the process has no shared store.
    """
    with _lock:
        if not _shared:
            raise ConfigError("This process has no shared store. Call `open_shared_store(...)` at startup.")
        return _shared[0]


def close_shared_store() -> None:
    """Close the store that this process shares, if any.

    Raises:
        UnsavedMessages: as in `Store.close`.
    """
    with _lock:
        while _shared:
            _shared.pop().close()
