"""A Strands SessionRepository over a botchat store."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from strands.session.session_repository import SessionRepository
from strands.types.exceptions import SessionException
from strands.types.session import Session, SessionAgent, SessionMessage, SessionType

from botchat.core.errors import AgentNotFound, MessageNotFound, SessionNotFound
from botchat.core.storage import AgentChanges
from botchat.library.agent import Agent, agent_changes
from botchat.library.encoding import decode, encode
from botchat.library.history import AgentHistory
from botchat.library.session import AgentSession
from botchat.library.store import Store
from botchat.strands.messages import encode_payload, from_records, set_stored_message_id, stored_message_id, to_message
from botchat.strands.text import text_of

if TYPE_CHECKING:
    from strands.multiagent.base import MultiAgentBase


class AgentExists(SessionException):
    """The session already has an agent with this ID."""


class BotchatSessionRepository(SessionRepository):
    """Stores the sessions of one user. IDs of sessions and agents may be any text.

    If two writers give two messages the same index, both are stored, in the order in which they arrive: see
    `messages.from_records`. Missing sessions, agents and messages raise SessionException, store errors BotchatError.
    """

    def __init__(self, store: Store, *, user: str | None = None) -> None:
        self.store = store
        self.user = store.user if user is None else user
        self._open_sessions: dict[str, AgentSession] = {}
        self._agents: dict[tuple[str, str], Agent] = {}
        self._read_ahead: dict[tuple[str, str], AgentHistory] = {}

    def create_session(self, session: Session, **_: Any) -> Session:
        """Create a session.

        Raises:
            SessionException: the user already has one with this ID.
        """
        about = {
            "session_type": session.session_type.value,
            "created_at": session.created_at,
            "updated_at": session.updated_at,
        }
        made = self.store.create(session.session_id, user=self.user, extra={"strands": about})
        if made is None:
            raise SessionException(f"Session {session.session_id!r} already exists")
        self._open_sessions[session.session_id] = made
        return session

    def read_session(self, session_id: str, **_: Any) -> Session | None:
        """Read a session of any front end; return None if it doesn't exist or was deleted."""
        found = self.store.find(session_id, user=self.user)
        if found is None:
            return None
        self._open_sessions[session_id] = found
        self._agents |= {(session_id, agent.agent_id): agent for agent in found.initial_agents}
        about = found.extra.get("strands") or {}
        return Session(
            session_id=session_id,
            session_type=SessionType(about.get("session_type", SessionType.AGENT)),
            created_at=about.get("created_at") or found.create_time.isoformat(),
            updated_at=about.get("updated_at") or found.create_time.isoformat(),
        )

    def delete_session(self, session_id: str, **_: Any) -> None:
        """Move a session to the trash, where its user can restore it for 30 days. A new one with its ID starts empty.

        Raises:
            SessionException: the user has no such session.
        """
        with _session_exceptions(session_id):
            self.store.delete(session_id, user=self.user)
        self._open_sessions.pop(session_id, None)
        self._agents = {key: agent for key, agent in self._agents.items() if key[0] != session_id}

    def create_agent(
        self,
        session_id: str,
        session_agent: SessionAgent,
        *,
        model: str | None = None,
        system: str | None = None,
        **_: Any,
    ) -> None:
        """Add an agent to a session, with its configuration if known.

        Raises:
            AgentExists: the session already has one with this ID.
            SessionException: there is no such session.
        """
        with _session_exceptions(session_id):
            payload = _agent_payload(session_agent, session_agent.created_at)
            agent_id, state = session_agent.agent_id, session_agent.state
            session = self._session(session_id)
            if not session.add_agent(agent_id, state=state, model=model, system=system, payload=payload):
                raise AgentExists(f"Agent {agent_id!r} already exists in session {session_id!r}")
        self._agents[session_id, agent_id] = Agent(agent_id=agent_id, model=model, system=system, payload=payload)

    def read_agent(self, session_id: str, agent_id: str, **_: Any) -> SessionAgent | None:
        """Read an agent; return None if there is no such agent or session."""
        try:
            with _session_exceptions(session_id):
                agent = self._read_agent(session_id, agent_id)
        except SessionException:
            return None
        kept = decode(agent.payload) if agent.payload else {}
        times = {name: kept[name] for name in ("created_at", "updated_at") if name in kept}
        return SessionAgent(
            agent_id=agent_id,
            state=agent.state,
            conversation_manager_state=kept.get("conversation_manager_state", {}),
            _internal_state=kept.get("internal_state", {}),
            **times,
        )

    def update_agent(self, session_id: str, session_agent: SessionAgent, **_: Any) -> None:
        """Replace the state of an agent, except for its creation time.

        Raises:
            SessionException: there is no such agent or session.
        """
        with _session_exceptions(session_id):
            changes = self._agent_changes(session_id, session_agent)
            self._session(session_id).change_agent(session_agent.agent_id, changes)

    def create_message(self, session_id: str, agent_id: str, session_message: SessionMessage, **_: Any) -> None:
        """Append a message to an agent's history; other writers may append at the same time.

        Raises:
            SessionException: there is no such agent or session.
        """
        self.append(session_id, agent_id, session_message)

    def append(
        self,
        session_id: str,
        agent_id: str,
        session_message: SessionMessage,
        changes: AgentChanges | None = None,
    ) -> None:
        """Append a message and change its agent, in one command."""
        with _session_exceptions(session_id):
            self._session(session_id).append_with_changes(to_message(session_message, agent_id), changes)

    def read_message(self, session_id: str, agent_id: str, message_id: int, **_: Any) -> SessionMessage | None:
        """Read one message; return None if it doesn't exist."""
        found = self.list_messages(session_id, agent_id)
        return next((message for message in found if message.message_id == message_id), None)

    def update_message(self, session_id: str, agent_id: str, session_message: SessionMessage, **_: Any) -> None:
        """Replace a message, redacted or not; the original is removed permanently, also from the session's name.

        Raises:
            SessionException: there is no such message.
        """
        with _session_exceptions(session_id):
            session = self._session(session_id)
            stored_id = stored_message_id(session_message) or self._id_at(
                session_id, agent_id, session_message.message_id
            )
            message = next((m for m in session.messages(agent_id) if m.id == stored_id), None)
            if message is None:
                raise SessionException(f"Message {session_message.message_id} does not exist in {session_id!r}")
            if message.payload:
                session_message.created_at = decode(message.payload)["created_at"]
            content = text_of(session_message.to_message())
            payload = encode_payload(session_message, content)
            session.redact_message(message, content, payload=payload)
            set_stored_message_id(session_message, message.id)

    def list_messages(
        self, session_id: str, agent_id: str, limit: int | None = None, offset: int = 0, **_: Any
    ) -> list[SessionMessage]:
        """Return an agent's messages from index `offset` on; [] if there is no such agent or session."""
        try:
            with _session_exceptions(session_id):
                session = self._session(session_id)
                history = self._read_ahead.get((session_id, agent_id))
                if history is None or offset < history.start:
                    history = self._history(session_id, agent_id, offset)
        except SessionException:
            return []
        messages = from_records(history.messages, history.start, session.file)[max(0, offset - history.start) :]
        return messages if limit is None else messages[:limit]

    def create_multi_agent(self, session_id: str, multi_agent: "MultiAgentBase", **_: Any) -> None:
        """Store the state of a graph or a swarm.

        Raises:
            SessionException: there is no such session.
        """
        state = multi_agent.serialize_state()
        with _session_exceptions(session_id):
            session = self._session(session_id)
            if not session.add_group(multi_agent.id, state):
                session.update_group(multi_agent.id, state)

    def read_multi_agent(self, session_id: str, multi_agent_id: str, **_: Any) -> dict[str, Any] | None:
        """Read the state of a graph or a swarm; return None if it or the session doesn't exist."""
        try:
            with _session_exceptions(session_id):
                return self._session(session_id).group(multi_agent_id)
        except SessionException:
            return None

    def update_multi_agent(self, session_id: str, multi_agent: "MultiAgentBase", **_: Any) -> None:
        """Replace the state of a graph or a swarm.

        Raises:
            SessionException: there is no such graph, swarm or session.
        """
        with _session_exceptions(session_id):
            self._session(session_id).update_group(multi_agent.id, multi_agent.serialize_state())

    def _session(self, session_id: str) -> AgentSession:
        if session_id not in self._open_sessions and self.read_session(session_id) is None:
            raise SessionException(f"Session {session_id!r} does not exist")
        return self._open_sessions[session_id]

    def _read_agent(self, session_id: str, agent_id: str) -> Agent:
        history = self._read_ahead.get((session_id, agent_id))
        agent = history.agent if history else self._session(session_id).agent(agent_id)
        self._agents[session_id, agent_id] = agent
        return agent

    def _history(self, session_id: str, agent_id: str, offset: int) -> AgentHistory:
        known = self._agents.get((session_id, agent_id))
        return self._session(session_id).agent_history(agent_id, offset, known.message_count if known else None)

    @contextmanager
    def _reading_ahead(self, session_id: str, agent_id: str) -> Iterator[None]:
        """Read an agent and its history at once, if the session had the agent when it was opened."""
        key = session_id, agent_id
        if key in self._agents:
            payload = self._agents[key].payload
            window = decode(payload).get("conversation_manager_state", {}) if payload else {}
            with suppress(SessionException), _session_exceptions(session_id):  # the caller reports what is missing
                self._read_ahead[key] = self._history(*key, window.get("removed_message_count", 0))
        try:
            yield
        finally:
            self._read_ahead.pop(key, None)

    def _agent_changes(self, session_id: str, session_agent: SessionAgent) -> AgentChanges:
        known = self._agents.get((session_id, session_agent.agent_id))
        known = known or self._read_agent(session_id, session_agent.agent_id)
        created_at = decode(known.payload)["created_at"] if known.payload else session_agent.created_at
        return agent_changes(state=session_agent.state, payload=_agent_payload(session_agent, created_at))

    def _id_at(self, session_id: str, agent_id: str, index: int) -> str | None:
        found = self.read_message(session_id, agent_id, index)
        return None if found is None else stored_message_id(found)


def _agent_payload(agent: SessionAgent, created_at: str) -> str:
    return encode(
        {
            "conversation_manager_state": agent.conversation_manager_state,
            "internal_state": agent._internal_state,
            "created_at": created_at,
            "updated_at": agent.updated_at,
        }
    )


@contextmanager
def _session_exceptions(session_id: str) -> Iterator[None]:
    """Raise errors about missing sessions, agents and messages as Strands' SessionException."""
    try:
        yield
    except SessionNotFound as error:
        raise SessionException(f"Session {session_id!r} does not exist") from error
    except (AgentNotFound, MessageNotFound) as error:
        raise SessionException(f"Session {session_id!r}: {error}") from error
