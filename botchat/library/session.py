"""One session that agents keep: its messages, agents, metadata and feedback."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any, Literal, Unpack

from botchat.core.errors import AgentNotFound, InvalidInput, MessageNotFound
from botchat.core.models import REDACTED, Message, MessageChanges, Role, Session, now, valid_text
from botchat.core.retention import RetentionEnforcer
from botchat.core.storage import AgentChanges, Record, SessionRepository, agent_in, message_from_record, redact
from botchat.library.agent import Agent, Totals, agent_changes
from botchat.library.encoding import encode
from botchat.library.history import History, as_given, as_stored, read_backwards
from botchat.library.hooks import FeedbackGiven, Hooks, MessageAppended, MessageRedacted, MetadataChanged
from botchat.library.ids import given_id, is_agent, multi_agent_id, stored_id

Rating = Literal["up", "down"] | None


class AgentSession:
    """A session in the store. It holds no copy: what is read is what everyone has written until then.

    Every method may raise StoreError, and SessionNotFound once the session is gone. Methods that change something call
    the store's hooks. Ids of agents may be any text.
    """

    def __init__(
        self, repository: SessionRepository, header: Session, hooks: Hooks, keeping: RetentionEnforcer
    ) -> None:
        self.id = given_id(header.id)
        self.user = header.user
        self.create_time = header.create_time
        self.extra = header.extra
        self.opened_with = [Agent.from_record(record) for record in header.agents if is_agent(record["agent_id"])]
        self.stored_id = header.id
        self._repository = repository
        self._agents = repository.for_agents()
        self._hooks = hooks
        self._keeping = keeping
        # The store is told these with each append. What is shown of the record is not ours to say, nor when what is in
        # the trash goes.
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
        """Add a message and count it, in one command; an agent that is new is added first.

        `agent_id` is whose history it belongs to; `usage` has prompt_tokens, completion_tokens and total_tokens.

        Raises:
            InvalidInput: it can't be stored.
            SessionTooLarge: the record would be over its limit.
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
        """Add a message as it is. If that failed it can be called again with it, and stores it once."""
        try:
            return self.append_as(message)
        except AgentNotFound:
            self.add_agent(message.agent_id or "")
            return self.append_as(message)

    def append_as(self, message: Message, agent: AgentChanges | None = None) -> Message:
        """Add a message of an agent that is there, and change the agent in the same command.

        Raises:
            AgentNotFound: the session has none of that id.
        """
        change = self._hooks.prepared(MessageAppended(user=self.user, session_id=self.id, message=message))
        if self._header.state != "trash":
            self._keeping.renew(self._repository, self._header)
        header = replace(self._header, messages=[])
        self._repository.append(header, as_stored(change.message), agent or {})
        self._header.name, self._header.rev = header.name, header.rev
        self._header.message_count = header.message_count  # used by storage/mongo/messages/record_size.py
        self._hooks.tell(change)
        return change.message

    def messages(self, agent_id: str | None = None, last: int | None = None) -> list[Message]:
        """Read messages, oldest first: an agent's or everybody's, all of them or the last ones."""
        if last is not None and last < 1:
            raise InvalidInput(f"At least 1 message must be asked for, not {last}.")
        found, _ = self._read(agent_id, last)
        return [as_given(message_from_record(record)) for record in (found if last is None else found[-last:])]

    def redact(self, message_id: str | None = None, *, agent_id: str | None = None, content: str = REDACTED) -> None:
        """Take the words of a message out of the store for ever: of the latest, of an agent's latest, or of any.

        Raises:
            MessageNotFound: there is none.
        """
        found = self.messages(agent_id, last=1) if message_id is None else self.messages(agent_id)
        for message in found:
            if message_id in {None, message.id}:
                self.redact_message(message, content)
                return
        raise MessageNotFound(message_id or "of that agent")

    def redact_message(self, message: Message, words: str = REDACTED, **instead: Unpack[MessageChanges]) -> None:
        """Take the words of a message that was read out of the store; `instead` is what else stands there then."""
        change = MessageRedacted(user=self.user, session_id=self.id, message_id=message.id, content=words)
        change = self._hooks.prepared(change)
        instead["content"] = change.content
        redact(self._repository, self._agents.header(self.user, self.stored_id), message, **instead)
        self._hooks.tell(change)

    def add_agent(
        self,
        agent_id: str,
        *,
        model: str | None = None,
        system: str | None = None,
        state: Mapping[str, Any] | None = None,
        payload: str | None = None,
    ) -> bool:
        """Add an agent with its configuration; False, and nothing is changed, if the session has it."""
        given = {"model": model, "system": system, "payload": payload}
        record = {"agent_id": stored_id(agent_id), "state": encode(state or {}), "message_count": 0, "totals": {}}
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
        """Change an agent; what is None stays.

        Raises:
            AgentNotFound: the session has none of that id.
        """
        self.change_agent(agent_id, agent_changes(state=state, model=model, system=system, payload=payload))

    def change_agent(self, agent_id: str, changes: AgentChanges) -> None:
        """Change an agent as `agent_changes` says.

        Raises:
            AgentNotFound: the session has none of that id.
        """
        self._agents.update(self.user, self.stored_id, stored_id(agent_id), **changes)
        self._stay()

    def agents(self) -> list[Agent]:
        """Read the agents, in the order in which they came."""
        return [Agent.from_record(record) for record in self._read_header().agents if is_agent(record["agent_id"])]

    def agent(self, agent_id: str) -> Agent:
        """Read one agent.

        Raises:
            AgentNotFound: the session has none of that id.
        """
        return Agent.from_record(agent_in(self._read_header().agents, stored_id(agent_id)))

    def message_count(self, agent_id: str | None = None) -> int:
        """Count the messages of an agent or of all, without reading them."""
        return self._read_header().message_count if agent_id is None else self.agent(agent_id).message_count

    def totals(self, agent_id: str | None = None) -> Totals:
        """Tell the tokens and milliseconds of an agent or of all, without reading the messages."""
        return Totals.of(self._read_header().totals) if agent_id is None else self.agent(agent_id).totals

    def metadata(self) -> dict[str, Any]:
        """Read the metadata, which all agents share."""
        return self._read_header().metadata

    def update_metadata(self, values: Mapping[str, Any] | None = None, **more: Any) -> None:
        """Set fields of the metadata; the others stay.

        Raises:
            InvalidInput: a key or a value can't be stored.
        """
        self._change_metadata({**(values or {}), **more}, ())

    def delete_metadata(self, *keys: str) -> None:
        """Remove fields of the metadata; one that is not there is no error."""
        self._change_metadata({}, keys)

    def give_feedback(self, rating: Rating, comment: str = "", *, message_id: str | None = None) -> None:
        """Keep what somebody thinks of a message, in the place of what was thought before, or of the session.

        Raises:
            MessageNotFound: there is no such message.
            InvalidInput: the rating is none.
        """
        change = FeedbackGiven(
            user=self.user, session_id=self.id, rating=rating, comment=comment, message_id=message_id
        )
        change = self._hooks.prepared(change)
        if change.rating not in {"up", "down", None}:
            raise InvalidInput(f"A rating is 'up', 'down' or None, not {change.rating!r}.")
        given = {"rating": change.rating, "comment": valid_text(change.comment), "time": now()}
        if change.message_id is None:
            self._agents.give_feedback(self.user, self.stored_id, given)
        else:
            self._repository.update_message(self.user, self.stored_id, change.message_id, feedback=given)
        self._hooks.tell(change)

    def feedback(self) -> list[dict[str, Any]]:
        """Read what was said of the session as a whole, oldest first; a message has its own in `feedback`."""
        return self._read_header().feedbacks

    def group(self, group_id: str) -> dict[str, Any] | None:
        """Read the state of a group of agents, such as a graph; None if there is none of that id."""
        with suppress(AgentNotFound):
            entry = agent_in(self._read_header().agents, multi_agent_id(group_id))
            return Agent.from_record(entry).state
        return None

    def add_group(self, group_id: str, state: Mapping[str, Any]) -> bool:
        """Keep the state of a group of agents; False, and nothing is changed, if the session has one of that id."""
        entry = {"agent_id": multi_agent_id(group_id), "state": encode(state)}
        return self._agents.add(self.user, self.stored_id, entry)

    def update_group(self, group_id: str, state: Mapping[str, Any]) -> None:
        """Replace the state of a group of agents.

        Raises:
            AgentNotFound: the session has none of that id.
        """
        self._agents.update(self.user, self.stored_id, multi_agent_id(group_id), state=encode(state))
        self._stay()

    def since(self, agent_id: str, offset: int, count: int | None = None) -> History:
        """Read an agent with its messages but for the first `offset`, or with some of those too.

        Of a long history only the newest messages are read, if `count` tells how many the agent had not long ago.

        Raises:
            AgentNotFound: the session has none of that id.
        """
        wanted = max(1, count - offset) if offset and count else None
        found, record = self._read(agent_id, wanted)
        agent = Agent.from_record(agent_in(record.get("agents", []), stored_id(agent_id)))
        start = agent.message_count - len(found) if wanted else 0
        return History(agent, start, found) if start <= offset else self.since(agent_id, offset, agent.message_count)

    def file(self, file_id: str) -> bytes:
        """Read the data of a file that came with a message.

        Raises:
            FileNotFound: no message has it, or its data are gone.
        """
        return self._repository.file(self.user, self.stored_id, file_id)

    def _read(self, agent_id: str | None, count: int | None) -> tuple[list[Record], Record]:
        return read_backwards(self._agents, (self.user, self.stored_id), agent_id, count)

    def _read_header(self) -> Session:
        return self._agents.header(self.user, self.stored_id)

    def _stay(self) -> None:
        """Move the end of a session that is written to without a message, once a tenth of its time is over."""
        if self._keeping.needs_extension(self._header):
            session = self._read_header()
            self._keeping.extend(self._repository, session)
            self._header.expire_time = session.expire_time

    def _change_metadata(self, values: dict[str, Any], deleted: tuple[str, ...]) -> None:
        change = MetadataChanged(user=self.user, session_id=self.id, values=values, deleted=deleted)
        change = self._hooks.prepared(change)
        self._repository.update(self.user, self.stored_id, metadata=change.values, forget=list(change.deleted))
        self._stay()
        self._hooks.tell(change)
