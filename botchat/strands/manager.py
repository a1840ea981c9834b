"""The session manager for Strands agents, graphs and swarms."""

import copy
import logging
import time
import weakref
from collections.abc import Iterator, Mapping
from types import SimpleNamespace, TracebackType
from typing import TYPE_CHECKING, Any, Self, cast

from strands.agent.agent import Agent
from strands.agent.conversation_manager import SlidingWindowConversationManager
from strands.session.repository_session_manager import RepositorySessionManager
from strands.types.agent import LocalAgent
from strands.types.content import Message
from strands.types.exceptions import SessionException
from strands.types.session import SessionAgent, SessionMessage

from botchat.core.errors import ConfigError, StoreUnavailable
from botchat.core.models import valid_text
from botchat.core.storage import AgentChanges
from botchat.library.hooks import HookFailed
from botchat.library.store import Store
from botchat.library.unsaved import FLUSH_SECONDS, UnsavedMessage, UnsavedMessages, raise_joined
from botchat.strands.repository import AgentExists, BotchatSessionRepository
from botchat.strands.text import blocks_of

if TYPE_CHECKING:
    from botchat.core.storage.mongo.client import Client


_log = logging.getLogger(__name__)

_RETRY_SECONDS = 0.1
"""Pause between two attempts to store pending messages."""


class BotchatSessionManager(RepositorySessionManager, BotchatSessionRepository):
    """Stores a Strands session in botchat, message by message; also a Strands SessionRepository.

    A turn without a tool call takes two commands, each with one message and the changes of the agent. A message that
    could not be stored is retried before the next one. Use the manager as a context manager, or `close` it: both store
    the pending messages, or raise UnsavedMessages with them.

    Args:
        session_id: any text; the session is created if it doesn't exist.
        store: a Store, which stays open; or an address (MongoDB or a file), which this manager opens and `close`
            closes. Without a store and a client, the store of the settings is used.
        client: a MongoClient, which stays open.
        database: name of the client's database with the sessions.
        user: the session's user; defaults to the store's user.
        pool_options: options for the MongoDB driver, if the store is an address.
    """

    def __init__(
        self,
        session_id: str,
        *,
        store: Store | str | None = None,
        client: "Client | None" = None,
        database: str = "botchat",
        user: str | None = None,
        **pool_options: Any,
    ) -> None:
        self._owns_store = client is None and not isinstance(store, Store)
        BotchatSessionRepository.__init__(self, _open_store(store, client, database, user, pool_options), user=user)
        self._unsaved: dict[str, list[SessionMessage]] = {}
        self._live_agents: dict[str, Agent] = {}
        self._changed_configurations: dict[str, AgentChanges] = {}
        self._versions_after_turn: dict[str, dict[str, Any]] = {}
        self.store.flush_on_close(self)
        weakref.finalize(self, _report_unsaved, session_id, self._unsaved)
        try:
            self._open_session(session_id)
        except BaseException:
            self.close()
            raise

    def initialize(self, agent: LocalAgent, **kwargs: Any) -> None:
        """Restore an agent, or add it to the session, even if another process adds it at the same time."""
        known = agent.agent_id in self._latest_agent_message
        if isinstance(agent, Agent) and not known:
            self._live_agents[agent.agent_id] = agent
        try:
            with self._reading_ahead(self.session_id, agent.agent_id):
                super().initialize(agent, **kwargs)
        except AgentExists:
            self._is_new_session = False  # otherwise it would be added again instead of being read
            del self._latest_agent_message[agent.agent_id]
            super().initialize(agent, **kwargs)
        if isinstance(agent, Agent):
            self._last_synced_internal_state[agent.agent_id] = _state_versions(agent)
            stored = self._agents[self.session_id, agent.agent_id]
            configuration = _configuration(agent)
            if configuration != {"model": stored.model, "system": stored.system}:
                self._changed_configurations[agent.agent_id] = configuration

    def append_message(self, message: Message, agent: LocalAgent, **_: Any) -> None:
        """Store a message and the changes of the agent, in one command."""
        latest = self._latest_agent_message[agent.agent_id]
        session_message = SessionMessage.from_message(message, latest.message_id + 1 if latest else 0)
        self._latest_agent_message[agent.agent_id] = session_message
        self._held_records.setdefault(agent.agent_id, []).append(session_message)
        self._unsaved.setdefault(agent.agent_id, []).append(session_message)
        if isinstance(agent, Agent):
            self._save_with_state(agent, _manager_state_after_turn(agent, message))
        else:
            self._save(agent.agent_id, None)

    def sync_agent(self, agent: LocalAgent, **kwargs: Any) -> None:
        """Store the changes of the agent that were not stored with a message."""
        self._save(agent.agent_id, None)
        expected = self._versions_after_turn.pop(agent.agent_id, None)
        if expected is None or expected != _state_versions(cast(Agent, agent)):
            super().sync_agent(agent, **kwargs)

    def create_agent(self, session_id: str, session_agent: SessionAgent, **kwargs: Any) -> None:
        """Add an agent to a session, with its model and system prompt."""
        agent = self._live_agents.get(session_agent.agent_id)
        configuration = {} if agent is None else _configuration(agent)
        super().create_agent(session_id, session_agent, **{**configuration, **kwargs})

    def read_agent(self, session_id: str, agent_id: str, **kwargs: Any) -> SessionAgent | None:
        """Read an agent; one that Strands didn't create gets the initial state of its conversation manager."""
        found = super().read_agent(session_id, agent_id, **kwargs)
        if found is not None and not found.conversation_manager_state and agent_id in self._live_agents:
            found.conversation_manager_state = self._live_agents[agent_id].conversation_manager.get_state()
        return found

    def flush(self, timeout: float = FLUSH_SECONDS) -> None:
        """Store the pending messages, retrying for `timeout` seconds (at least once) while the store is unreachable.

        Raises:
            UnsavedMessages: some could not be stored. The error contains them; they are no longer pending.
        """
        until = time.monotonic() + timeout
        raise_joined([error for agent_id in list(self._unsaved) for error in self._flush_agent(agent_id, until)])

    def close(self, timeout: float = FLUSH_SECONDS) -> None:
        """Store the pending messages like `flush`, then close the store if this manager opened it.

        Raises:
            UnsavedMessages: some messages could not be stored. The error contains them; the store is closed.
        """
        try:
            self.flush(timeout)
        finally:
            if self._owns_store:
                self.store.close(0)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _flush_agent(self, agent_id: str, until: float) -> Iterator[UnsavedMessages]:
        """Store the pending messages of an agent; yield an error for those that can't be stored."""
        pending = self._unsaved[agent_id]
        while pending:
            first = self._unsaved_message(agent_id, pending[0])
            try:
                self._save(agent_id, None)
            except UnsavedMessages as error:
                yield error
            except HookFailed as error:  # the message is stored
                _log.error("Session %r: %s", self.session_id, error)
            except StoreUnavailable as error:
                if time.monotonic() < until:
                    time.sleep(_RETRY_SECONDS)
                    continue
                yield UnsavedMessages(
                    [self._unsaved_message(agent_id, session_message) for session_message in pending], error
                )
                pending.clear()
            except Exception as error:  # noqa: BLE001  (any error of a hook is reported with the message)
                yield UnsavedMessages([first], error)

    def _unsaved_message(self, agent_id: str, session_message: SessionMessage) -> UnsavedMessage:
        return UnsavedMessage(self.session_id, agent_id, session_message.to_message())

    def _open_session(self, session_id: str) -> None:
        try:
            RepositorySessionManager.__init__(self, session_id, session_repository=self)
        except SessionException:
            if self.read_session(session_id) is None:
                raise
            RepositorySessionManager.__init__(self, session_id, session_repository=self)  # another process created it

    def _save_with_state(self, agent: Agent, manager_state: dict[str, Any]) -> None:
        """Store the pending messages, the last one with the state of the agent if it has changed."""
        versions = _state_versions(agent) | {"conversation_manager_state": manager_state}
        changes: AgentChanges = self._changed_configurations.get(agent.agent_id, {})
        if versions != self._last_synced_internal_state.get(agent.agent_id):
            session_agent = SessionAgent.from_agent(agent)
            session_agent.conversation_manager_state = manager_state
            changes = self._agent_changes(self.session_id, session_agent) | changes
        self._save(agent.agent_id, changes)
        self._changed_configurations.pop(agent.agent_id, None)
        self._last_synced_internal_state[agent.agent_id] = versions
        if versions != (current := _state_versions(agent)):
            self._versions_after_turn[agent.agent_id] = (
                current  # or the sync that follows stores the state before the move
            )

    def _save(self, agent_id: str, changes: AgentChanges | None) -> None:
        pending = self._unsaved.get(agent_id, [])
        while pending:
            try:
                self.append(self.session_id, agent_id, pending[0], changes if len(pending) == 1 else None)
            except StoreUnavailable:
                raise  # it stays pending until the store is back
            except HookFailed:
                del pending[0]  # the message is stored
                raise
            except Exception as error:
                refused = pending.pop(0)
                if pending:  # the caller only knows the last one
                    raise UnsavedMessages([self._unsaved_message(agent_id, refused)], error) from error
                raise
            del pending[0]


def _report_unsaved(session_id: str, unsaved: Mapping[str, list[SessionMessage]]) -> None:
    """Log lost messages when a manager is garbage-collected, or the interpreter exits, before it was closed."""
    count = sum(map(len, unsaved.values()))
    if count:
        were = "1 unsaved message" if count == 1 else f"{count} unsaved messages"
        _log.error("Session %r: %s lost: its BotchatSessionManager was not closed.", session_id, were)


def _open_store(
    store: Store | str | None, client: "Client | None", database: str, user: str | None, pool_options: dict[str, Any]
) -> Store:
    if client is not None and store is not None:
        raise ConfigError("Pass either a store or a client, not both.")
    if pool_options and (client is not None or isinstance(store, Store)):
        raise ConfigError(f"Pool options ({', '.join(pool_options)}) need a store that is given as an address.")
    if client is not None:
        return Store.from_client(client, database, user=user)
    return store if isinstance(store, Store) else Store.open_lazy(store, user=user, **pool_options)


def _state_versions(agent: Agent) -> dict[str, Any]:
    """Return the versions and states by which Strands' sync notices that an agent has changed."""
    return {
        "state_version": agent.state._get_version(),
        "interrupt_state_version": agent._interrupt_state._get_version(),
        "conversation_manager_state": copy.deepcopy(agent.conversation_manager.get_state()),
        "model_state": copy.deepcopy(agent._model_state),
    }


def _configuration(agent: Agent) -> AgentChanges:
    config = agent.model.get_config()
    model = config.get("model_id") if isinstance(config, Mapping) else None
    system = agent.system_prompt
    return {
        "model": valid_text(model) if isinstance(model, str) else None,
        "system": valid_text(system) if isinstance(system, str) else None,
    }


def _manager_state_after_turn(agent: Agent, message: Message) -> dict[str, Any]:
    """Predict the conversation manager's state at the end of the turn that this message completes.

    A full sliding window moves at the end of each turn: stored with the last message, this needs no extra command.
    If the actual state differs, Strands' sync notices and stores it.
    """
    manager = agent.conversation_manager
    ends = message.get("role") == "assistant" and not any("toolUse" in block for block in blocks_of(message))
    if ends and type(manager) is SlidingWindowConversationManager and not manager.pin_first:
        manager = copy.copy(manager)
        manager.apply_management(SimpleNamespace(messages=list(agent.messages)))  # type: ignore[arg-type]
    return copy.deepcopy(manager.get_state())
