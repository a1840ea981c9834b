"""The sessions of a botchat server, for the person whose token it is: as `Chat`, over HTTP."""

import uuid
from base64 import b64encode
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any, Literal, Unpack

from botchat.core.errors import ConfigError, InvalidInput, NotSignedIn, SessionNotFound, UnknownBot
from botchat.core.models import (
    PAGE_SIZE,
    BotInfo,
    Message,
    Page,
    PreferenceChanges,
    Preferences,
    Quote,
    Session,
    SessionChanges,
    SessionFilter,
    SessionSummary,
    now,
    preferences_from,
)
from botchat.remote.connection import TOKEN_VARIABLE, Connection, check_address
from botchat.remote.records import (
    bots_from,
    messages_from,
    quotes_from,
    session_from,
    summaries_from,
    summary_from,
    understood,
)
from botchat.remote.reply import RemoteReply

_AT_ONCE = 500
"""Sessions, or messages, that a server gives in one answer."""

_ACTIVE = SessionFilter()


def connect(server: str, token: str | None) -> "RemoteChat":
    """Find out whom a server takes us for, and what bots it has.

    Raises:
        ConfigError: that is no address, no token, or no botchat server.
        NotSignedIn, NotAllowed: it does not let us in, or not to read.
        ServerUnavailable: it can't be reached.
    """
    check_address(server)
    if token is not None and not (token.isascii() and token.isprintable() and " " not in token):
        raise NotSignedIn(f"What is in {TOKEN_VARIABLE} is no token: a letter in it is none that tokens have.")
    try:
        connection = Connection(server, token)
    except OSError as error:  # it reads the certificates
        raise ConfigError(f"No client can be made: {error}. Check SSL_CERT_FILE and SSL_CERT_DIR.") from error
    try:
        with understood():
            user = str(connection.ask("GET", "me")["user"])
        bots, default_bot = bots_from(connection.ask("GET", "bots"))
    except BaseException:
        connection.close()
        raise
    return RemoteChat(connection, user, bots, default_bot=default_bot)


class RemoteChat:
    """What the terminal asks of a store, asked of a server.

    Every method that takes a user takes the token's alone, and all but `new_session` and `reply` may raise
    ServerUnavailable and what the server says.
    """

    def __init__(self, connection: Connection, user: str, bots: dict[str, BotInfo], *, default_bot: str) -> None:
        self.user = user
        self.bots = bots
        self._connection = connection
        self._default_bot = default_bot
        self._replies: dict[str, RemoteReply] = {}

    @property
    def store(self) -> str:
        """Which server this is, as it may be shown."""
        return self._connection.server

    def preferred_bot(self, user: str) -> str:
        """Tell who answers in the user's new sessions."""
        self._check(user)
        return self._default_bot

    def new_session(self, user: str, bot_id: str | None = None) -> Session:
        """Begin a session; the server knows it with its first message.

        Raises:
            UnknownBot: there is none of that name.
        """
        self._check(user)
        bot_id = bot_id or self._default_bot
        if bot_id not in self.bots:
            raise UnknownBot(f"There is no bot {bot_id!r}; {self.store} has: {', '.join(sorted(self.bots))}.")
        return Session(user=user, bot_id=bot_id)

    def page(self, user: str, after: str | None = None, limit: int = PAGE_SIZE, where: SessionFilter = _ACTIVE) -> Page:
        """Read the user's sessions, newest first; `after` is the `next` of the page before."""
        self._check(user)
        if where.ids is not None:
            return Page(sessions=tuple(self._those_there(where.ids)), next=None)
        sent = self._connection.ask("GET", "sessions", after=after, limit=min(limit, _AT_ONCE), **_parameters(where))
        with understood():
            page = Page(sessions=summaries_from(sent, self.user), next=sent["next"])
        if limit <= _AT_ONCE or page.next is None:
            return page
        rest = self.page(user, page.next, limit - _AT_ONCE, where)
        return Page(sessions=page.sessions + rest.sessions, next=rest.next)

    def count(self, user: str, where: SessionFilter = _ACTIVE) -> int:
        """Count the user's sessions."""
        self._check(user)
        sent = self._connection.ask("GET", "sessions", "count", **_parameters(where))
        with understood():
            return int(sent["count"])

    def find(self, user: str, text: str) -> list[SessionSummary]:
        """Find the user's sessions, in whatever state, whose id begins with the text or whose name is the text."""
        self._check(user)
        return list(summaries_from(self._connection.ask("GET", "sessions", "find", text=text), self.user))

    def latest(self, user: str) -> SessionSummary | None:
        """Find the session that was used last."""
        self._check(user)
        sent = self._connection.ask("GET", "sessions", "latest")
        return summary_from(sent, self.user) if sent else None

    def open(self, user: str, session_id: str, last: int = PAGE_SIZE) -> Session:
        """Read a session with its newest messages; a reply that comes into it is followed from here on.

        Raises:
            SessionNotFound: the user has none of that id.
        """
        self._check(user)
        session = session_from(self._connection.ask("GET", "session", session_id, last=last), self.user)
        coming = [message for message in session.messages[-1:] if message.status == "streaming"]
        if coming and self.reply(user, session_id) is None:
            reply = self._replies[session_id] = RemoteReply(self._connection, session_id, coming[0])
            self._connection.start(reply.follow())
        return session

    def messages_before(self, user: str, session_id: str, before: int, limit: int = PAGE_SIZE) -> list[Message]:
        """Read the messages before the one at position `before` (a session's `first`), oldest first."""
        self._check(user)
        wanted = min(limit, _AT_ONCE)
        sent = self._connection.ask("GET", "session", session_id, "messages", before=before, limit=wanted)
        messages = messages_from(sent)
        if limit <= wanted or before <= wanted:
            return messages
        return self.messages_before(user, session_id, before - wanted, limit - wanted) + messages

    def update(self, user: str, session_id: str, **changes: Unpack[SessionChanges]) -> None:
        """Change a session's name, pin, state, tags, metadata or bot; what is not named stays."""
        self._check(user)
        self._connection.ask("PATCH", "session", session_id, body=changes)

    def stop(self, user: str, session_id: str) -> None:
        """End the reply that is under way in a session, wherever it is written."""
        self._check(user)
        self._connection.ask("POST", "session", session_id, "stop")

    def delete(self, user: str, session_id: str) -> None:
        """Put a session in the trash for 30 days."""
        self._check(user)
        self._connection.ask("DELETE", "session", session_id)

    def purge(self, user: str, session_id: str) -> None:
        """Remove a session for ever."""
        self._check(user)
        self._connection.ask("DELETE", "session", session_id, purge=True)

    def give_feedback(
        self, user: str, session_id: str, message_id: str, rating: Literal["up", "down"] | None, comment: str = ""
    ) -> None:
        """Keep what a person thinks of a message, in the place of what they thought before; None takes it back."""
        self._check(user)
        body = {"rating": rating, "comment": comment}
        self._connection.ask("PUT", "session", session_id, "message", message_id, "feedback", body=body)

    def quotes(self, user: str, session_id: str, message_id: str) -> list[Quote]:
        """Find the messages that quote a message, and its copies."""
        self._check(user)
        return quotes_from(self._connection.ask("GET", "session", session_id, "message", message_id, "quotes"))

    def redact(self, user: str, session_id: str, message_id: str, *, with_quotes: bool = False) -> list[Quote]:
        """Take a message's words and files out of the store for ever; return the messages that still quote it."""
        self._check(user)
        left = self._connection.ask("POST", "session", session_id, "message", message_id, "redact", quotes=with_quotes)
        return quotes_from(left) if left else []

    def set_context_start(self, user: str, session: Session, message_id: str | None) -> None:
        """Show the bot nothing of what stands before this message, from now on; None takes that back."""
        self._check(user)
        self._connection.ask("PUT", "session", session.id, "cut", body={"message_id": message_id})
        session.cut, session.summary = message_id, None

    def continue_in_new_session(self, user: str, session: Session, message_id: str) -> Session:
        """Begin a new session with a copy of this message and of what follows it."""
        self._check(user)
        sent = self._connection.ask("POST", "session", session.id, "message", message_id, "begin")
        return session_from(sent, self.user)

    def preferences(self, user: str) -> Preferences:
        """Read what the user has chosen."""
        self._check(user)
        return preferences_from(self._connection.ask("GET", "preferences"))

    def set_preferences(self, user: str, **changes: Unpack[PreferenceChanges]) -> None:
        """Keep what the user chooses; what is not given stays."""
        self._check(user)
        self._connection.ask("PATCH", "preferences", body=changes)

    def show_branch(self, user: str, session: Session, message_id: str) -> None:
        """Let the branch be shown that goes through this message, to its newest end."""
        self._check(user)
        self._connection.ask("POST", "session", session.id, "message", message_id, "show")
        session.head = self.open(user, session.id).head

    def send(self, user: str, session: Session, message: Message) -> RemoteReply:
        """Let the server store what the user says and ask the bot; return the reply as it begins.

        A Message whose sending has failed can be sent again as it is: it is not stored twice. A new session gets the
        id that the server gives it.
        """
        self._check(user)
        if not session.rev:
            key = str(uuid.uuid5(uuid.NAMESPACE_OID, f"{session.id} {session.bot_id}"))
            begun = self._connection.ask("POST", "session", "create", key=key, body={"bot_id": session.bot_id})
            with understood():
                session.id = str(begun["id"])
            session.create_time = message.create_time
        files = [{"name": file.name, "data": b64encode(file.data).decode()} for file in message.files if file.data]
        body = {"content": message.content, "files": files, "stream": True}
        return self._begin(session, "message", key=message.id, body=body, question=message)

    def edit(self, user: str, session: Session, message_id: str, content: str) -> RemoteReply:
        """Say something else in the place of a message of the user's, and ask the bot; the old branch stays."""
        self._check(user)
        body = {"content": content, "stream": True}
        question = Message(role="user", content=content)
        return self._begin(session, "message", message_id, "edit", body=body, question=question)

    def regenerate(self, user: str, session: Session, message_id: str) -> RemoteReply:
        """Ask the bot for another answer in the place of that one, which stays as a branch."""
        self._check(user)
        return self._begin(session, "message", message_id, "regenerate", stream=True)

    def retry(self, user: str, session: Session) -> RemoteReply:
        """Ask the bot again for the reply that the last message did not get."""
        self._check(user)
        return self._begin(session, "retry", stream=True)

    def reply(self, user: str, session_id: str) -> RemoteReply | None:
        """Return the reply that is followed in a session; None if there is none."""
        self._check(user)
        reply = self._replies.get(session_id)
        return reply if reply and not reply.settled else None

    def close(self) -> None:
        """Give back the connections. Replies under way go on where they run."""
        self._connection.close()

    def _begin(self, session: Session, *place: str, question: Message | None = None, **asked: Any) -> RemoteReply:
        """Ask the bot, and take into the session what the server has stored of it."""
        reply = self._connection.wait_for(self._begun(session, place, question, asked))
        self._replies[session.id] = reply
        return reply

    async def _begun(
        self, session: Session, place: tuple[str, ...], question: Message | None, asked: dict[str, Any]
    ) -> RemoteReply:
        events = self._connection.events("POST", "session", session.id, *place, **asked)
        try:
            await anext(events)  # CONNECTED
            begun = (await anext(events)).data
            with understood():
                parent, question_id = begun.get("parent"), begun["question_id"]
                answer = Message(id=begun["message_id"], role="assistant", status="streaming")
        except BaseException:
            await events.aclose()
            raise
        if question:
            session.add_stored(replace(question, id=question_id, parent=parent), at=now())
        else:
            answer.parent = parent
        reply = RemoteReply(self._connection, session.id, answer)
        self._connection.start(reply.follow(events))
        return reply

    def _those_there(self, session_ids: Iterable[str]) -> Iterator[SessionSummary]:
        for session_id in session_ids:
            with suppress(SessionNotFound):
                yield summary_from(self._connection.ask("GET", "session", session_id, last=1), self.user)

    def _check(self, user: str) -> None:
        if user != self.user:
            raise InvalidInput(f"The token is {self.user}'s: nothing of {user}'s can be asked for with it.")


def _parameters(where: SessionFilter) -> dict[str, Any]:
    if where.state is None or where != SessionFilter(state=where.state, bot_id=where.bot_id, text=where.text):
        raise InvalidInput("The terminal finds a server's sessions by their state, bot and words alone.")
    return {"state": where.state, "bot_id": where.bot_id, "text": where.text or None}
