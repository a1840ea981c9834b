"""A session of agents: its messages, agents, metadata and feedback."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any, Literal, Unpack

from botchat.core.errors import AgentNotFound, InvalidInput, MessageNotFound
from botchat.core.models import REDACTED, Message, MessageChanges, Role, Session, now, valid_text
from botchat.core.retention import RetentionEnforcer
from botchat.core.storage import AgentChanges, Record, SessionRepository, find_agent, message_from_record, redact
from botchat.library.agent import Agent, UsageTotals, agent_changes
from botchat.library.encoding import encode
from botchat.library.history import AgentHistory, read_newest, with_decoded_agent_id, with_encoded_agent_id
from botchat.library.hooks import FeedbackGiven, Hooks, MessageAppended, MessageRedacted, MetadataChanged
from botchat.library.ids import decode_id, encode_group_id, encode_id, is_agent_id

Rating = Literal["up", "down"] | None


class AgentSession:
    """A session in the store. It holds no copy: every read returns the messages of all writers so far.

    Every method may raise StoreError, and SessionNotFound once the session is deleted. Methods that change something
    run the store's hooks. An agent's ID may be any text.
    """

    def __init__(
        self, repository: SessionRepository, header: Session, hooks: Hooks, retention_enforcer: RetentionEnforcer
    ) -> None:
        self.id = decode_id(header.id)
        self.user = header.user
        self.create_time = header.create_time
        self.extra = header.extra
        self.initial_agents = [Agent.from_record(record) for record in header.agents if is_agent_id(record["agent_id"])]
        self.stored_id = header.id
        self._repository = repository
        self._agents = repository.for_agents()
        self._hooks = hooks
        self._retention_enforcer = retention_enforcer
        # Each append passes this to the store. It doesn't set the head (the branch that is shown), nor the expiry time
        # of a session in the trash.
        self._header = replace(header, expire_time=None if header.state == "trash" else header.expire_time, head=None)

    def append(
        self,
        role: Role,
        content: str,
        *,
        agent_id: str | None = None,
        model: str | None = None,
        usage: Mapping[str, int] | None = None,
        latency_ms: int | None = None,
        reasoning_content: str = "",
    ) -> Message:
        """Append a message and update the totals, in one command; a new agent is added first.

        `agent_id` names the agent whose history the message belongs to; `usage` has prompt_tokens, completion_tokens
        and total_tokens.

        Raises:
            InvalidInput: the message can't be stored.
            SessionTooLarge: the record would exceed its size limit.
        """
        message = Message(
            role=role,
            content=content,
            agent_id=agent_id,
            model=model,
            usage=dict(usage) if usage else None,
            latency_ms=latency_ms,
            reasoning_content=reasoning_content,
        )
        return self.append_message(message)

    def append_message(self, message: Message) -> Message:
        """Append a message unchanged. After an error, call it again with the same message: it is stored once."""
        try:
            return self.append_with_changes(message)
        except AgentNotFound:
            self.add_agent(message.agent_id or "")
            return self.append_with_changes(message)

    def append_with_changes(self, message: Message, agent: AgentChanges | None = None) -> Message:
        """Append a message of an existing agent, and change the agent in the same command.

        Raises:
            AgentNotFound: the session has no agent with this ID.
        """
        change = self._hooks.run_before(MessageAppended(user=self.user, session_id=self.id, message=message))
        if self._header.state != "trash":
            self._retention_enforcer.renew(self._repository, self._header)
        header = replace(self._header, messages=[])
        self._repository.append(header, with_encoded_agent_id(change.message), agent or {})
        self._header.name, self._header.rev = header.name, header.rev
        self._header.message_count = header.message_count  # used by storage/mongo/messages/record_size.py
        self._hooks.run_after(change)
        return change.message

    def messages(self, agent_id: str | None = None, last: int | None = None) -> list[Message]:
        """Return messages of an agent or of all, oldest first; with `last`, only the newest ones."""
        if last is not None and last < 1:
            raise InvalidInput(f"`last` must be at least 1, not {last}.")
        found, _ = self._read(agent_id, last)
        return [
            with_decoded_agent_id(message_from_record(record)) for record in (found if last is None else found[-last:])
        ]

    def redact(self, message_id: str | None = None, *, agent_id: str | None = None, content: str = REDACTED) -> None:
        """Permanently remove the text of a message: by ID, or the latest of an agent or the session.

        Raises:
            MessageNotFound: there is no such message.
        """
        found = self.messages(agent_id, last=1) if message_id is None else self.messages(agent_id)
        for message in found:
            if message_id in {None, message.id}:
                self.redact_message(message, content)
                return
        raise MessageNotFound(message_id or "latest")

    def redact_message(self, message: Message, text: str = REDACTED, **replaced: Unpack[MessageChanges]) -> None:
        """Replace the text of a message and set the fields in `replaced`; no trace of the old text remains."""
        change = MessageRedacted(user=self.user, session_id=self.id, message_id=message.id, content=text)
        change = self._hooks.run_before(change)
        replaced["content"] = change.content
        redact(self._repository, self._agents.header(self.user, self.stored_id), message, **replaced)
        self._hooks.run_after(change)

    def add_agent(
        self,
        agent_id: str,
        *,
        model: str | None = None,
        system: str | None = None,
        state: Mapping[str, Any] | None = None,
        payload: str | None = None,
    ) -> bool:
        """Add an agent with its configuration; return False, without a change, if the session already has it."""
        given = {"model": model, "system": system, "payload": payload}
        record = {"agent_id": encode_id(agent_id), "state": encode(state or {}), "message_count": 0, "totals": {}}
        record |= {name: value for name, value in given.items() if value is not None}
        return self._agents.add(self.user, self.stored_id, record)

    def update_agent(
        self,
        agent_id: str,
        *,
        state: Mapping[str, Any] | None = None,
        model: str | None = None,
        system: str | None = None,
        payload: str | None = None,
    ) -> None:
        """Set the fields of an agent that are not None; others are unchanged.

        Raises:
            AgentNotFound: the session has no agent with this ID.
        """
        self.change_agent(agent_id, agent_changes(state=state, model=model, system=system, payload=payload))

    def change_agent(self, agent_id: str, changes: AgentChanges) -> None:
        """Change an agent by the result of `agent_changes`.

        Raises:
            AgentNotFound: the session has no agent with this ID.
        """
        self._agents.update(self.user, self.stored_id, encode_id(agent_id), **changes)
        self._extend_expiry()

    def agents(self) -> list[Agent]:
        """Return the agents, in the order in which they were added."""
        return [Agent.from_record(record) for record in self._read_header().agents if is_agent_id(record["agent_id"])]

    def agent(self, agent_id: str) -> Agent:
        """Return one agent.

        Raises:
            AgentNotFound: the session has no agent with this ID.
        """
        return Agent.from_record(find_agent(self._read_header().agents, encode_id(agent_id)))

    def message_count(self, agent_id: str | None = None) -> int:
        """Return the number of messages of an agent or of all, without reading them."""
        return self._read_header().message_count if agent_id is None else self.agent(agent_id).message_count

    def totals(self, agent_id: str | None = None) -> UsageTotals:
        """Return the tokens and latency of an agent or of all, without reading the messages."""
        return UsageTotals.of(self._read_header().totals) if agent_id is None else self.agent(agent_id).totals

    def metadata(self) -> dict[str, Any]:
        """Return the metadata, which all agents share."""
        return self._read_header().metadata

    def update_metadata(self, values: Mapping[str, Any] | None = None, **fields: Any) -> None:
        """Set fields of the metadata; others are unchanged.

        Raises:
            InvalidInput: a key or a value can't be stored.
        """
        self._change_metadata({**(values or {}), **fields}, ())

    def delete_metadata(self, *keys: str) -> None:
        """Delete fields of the metadata; missing ones are ignored."""
        self._change_metadata({}, keys)

    def give_feedback(self, rating: Rating, comment: str = "", *, message_id: str | None = None) -> None:
        """Rate a message, replacing its previous feedback, or add feedback on the session.

        Raises:
            MessageNotFound: there is no such message.
            InvalidInput: the rating is invalid.
        """
        change = FeedbackGiven(
            user=self.user, session_id=self.id, rating=rating, comment=comment, message_id=message_id
        )
        change = self._hooks.run_before(change)
        if change.rating not in {"up", "down", None}:
            raise InvalidInput(f"Invalid rating {change.rating!r}. Use 'up', 'down' or None.")
        given = {"rating": change.rating, "comment": valid_text(change.comment), "time": now()}
        if change.message_id is None:
            self._agents.give_feedback(self.user, self.stored_id, given)
        else:
            self._repository.update_message(self.user, self.stored_id, change.message_id, feedback=given)
        self._hooks.run_after(change)

    def feedback(self) -> list[dict[str, Any]]:
        """Return the feedback on the session as a whole, oldest first; a message has its own in `feedback`."""
        return self._read_header().feedbacks

    def group(self, group_id: str) -> dict[str, Any] | None:
        """Return the state of a group of agents, such as a graph; None if the session has no group with this ID."""
        with suppress(AgentNotFound):
            entry = find_agent(self._read_header().agents, encode_group_id(group_id))
            return Agent.from_record(entry).state
        return None

    def add_group(self, group_id: str, state: Mapping[str, Any]) -> bool:
        """Store the state of a group of agents; return False, without a change, if the session already has this ID."""
        entry = {"agent_id": encode_group_id(group_id), "state": encode(state)}
        return self._agents.add(self.user, self.stored_id, entry)

    def update_group(self, group_id: str, state: Mapping[str, Any]) -> None:
        """Replace the state of a group of agents.

        Raises:
            AgentNotFound: the session has no group with this ID.
        """
        self._agents.update(self.user, self.stored_id, encode_group_id(group_id), state=encode(state))
        self._extend_expiry()

    def agent_history(self, agent_id: str, offset: int, known_count: int | None = None) -> AgentHistory:
        """Read an agent and its messages from index `offset` on; earlier ones may be included.

        With `known_count`, the number of messages that the agent had recently, only the newest messages of a long
        history are read.

        Raises:
            AgentNotFound: the session has no agent with this ID.
        """
        wanted = max(1, known_count - offset) if offset and known_count else None
        found, record = self._read(agent_id, wanted)
        agent = Agent.from_record(find_agent(record.get("agents", []), encode_id(agent_id)))
        start = agent.message_count - len(found) if wanted else 0
        return (
            AgentHistory(agent, start, found)
            if start <= offset
            else self.agent_history(agent_id, offset, agent.message_count)
        )

    def file(self, file_id: str) -> bytes:
        """Return the data of a file that is attached to a message.

        Raises:
            FileNotFound: no message has this file, or its data is missing.
        """
        return self._repository.file(self.user, self.stored_id, file_id)

    def _read(self, agent_id: str | None, count: int | None) -> tuple[list[Record], Record]:
        return read_newest(self._agents, (self.user, self.stored_id), agent_id, count)

    def _read_header(self) -> Session:
        return self._agents.header(self.user, self.stored_id)

    def _extend_expiry(self) -> None:
        """Extend the expiry time after a write without a message, once a tenth of the retention period has passed."""
        if self._retention_enforcer.needs_extension(self._header):
            session = self._read_header()
            self._retention_enforcer.extend(self._repository, session)
            self._header.expire_time = session.expire_time

    def _change_metadata(self, values: dict[str, Any], deleted: tuple[str, ...]) -> None:
        change = MetadataChanged(user=self.user, session_id=self.id, values=values, deleted=deleted)
        change = self._hooks.run_before(change)
        self._repository.update(self.user, self.stored_id, metadata=change.values, forget=list(change.deleted))
        self._extend_expiry()
        self._hooks.run_after(change)
