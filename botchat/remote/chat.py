"""The sessions of a token's user on a server: the `Chat` interface over HTTP."""

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
from botchat.remote.connection import TOKEN_VARIABLE, Connection, check_server_url
from botchat.remote.records import (
    bots_from,
    decoding,
    messages_from,
    quotes_from,
    session_from,
    summaries_from,
    summary_from,
)
from botchat.remote.reply import RemoteReply

_MAX_PAGE = 500
"""The most sessions or messages that a server returns in one response."""

_ACTIVE = SessionFilter()


def connect(server: str, token: str | None) -> "RemoteChat":
    """Connect to a server and get the token's user and the bots.

    Raises:
        ConfigError: not a valid URL, or not a botchat server.
        NotSignedIn, NotAllowed: the token is missing, invalid, or doesn't allow reading.
        ServerUnavailable: the server can't be reached.
    """
    check_server_url(server)
    if token is not None and not (token.isascii() and token.isprintable() and " " not in token):
        raise NotSignedIn(
            f"{TOKEN_VARIABLE} isn't a valid API token: it contains a space, a control or a non-ASCII character."
        )
    try:
        connection = Connection(server, token)
    except OSError as error:  # raised while certificates are loaded
        raise ConfigError(f"Can't load the TLS certificates: {error}. Check SSL_CERT_FILE and SSL_CERT_DIR.") from error
    try:
        with decoding():
            user = str(connection.call("GET", "me")["user"])
        bots, default_bot = bots_from(connection.call("GET", "bots"))
    except BaseException:
        connection.close()
        raise
    return RemoteChat(connection, user, bots, default_bot=default_bot)


class RemoteChat:
    """The terminal's chat backend over a server.

    Methods that take a user accept only the token's. All except `new_session` and `reply` may raise ServerUnavailable
    and the server's errors.
    """

    def __init__(self, connection: Connection, user: str, bots: dict[str, BotInfo], *, default_bot: str) -> None:
        self.user = user
        self.bots = bots
        self._connection = connection
        self._default_bot = default_bot
        self._replies: dict[str, RemoteReply] = {}

    @property
    def store(self) -> str:
        """The server's URL, safe to show."""
        return self._connection.server

    def bots_for(self, user: str) -> dict[str, BotInfo]:
        """Return the bots that the user may use, by ID."""
        self._check(user)
        return self.bots

    def preferred_bot(self, user: str) -> str:
        """Return the bot of the user's new sessions."""
        self._check(user)
        return self._default_bot

    def new_session(self, user: str, bot_id: str | None = None) -> Session:
        """Create a session; the server stores it with its first message.

        Raises:
            UnknownBot: the server has no such bot.
        """
        self._check(user)
        bot_id = bot_id or self._default_bot
        if bot_id not in self.bots:
            raise UnknownBot(f"Bot {bot_id!r} not found on {self.store}. Available: {', '.join(sorted(self.bots))}.")
        return Session(user=user, bot_id=bot_id)

    def page(self, user: str, after: str | None = None, limit: int = PAGE_SIZE, where: SessionFilter = _ACTIVE) -> Page:
        """Return a page of the user's sessions, newest first; `after` is the previous page's `next`."""
        self._check(user)
        if where.ids is not None:
            return Page(sessions=tuple(self._existing(where.ids)), next=None)
        data = self._connection.call("GET", "sessions", after=after, limit=min(limit, _MAX_PAGE), **_query(where))
        with decoding():
            page = Page(sessions=summaries_from(data, self.user), next=data["next"])
        if limit <= _MAX_PAGE or page.next is None:
            return page
        rest = self.page(user, page.next, limit - _MAX_PAGE, where)
        return Page(sessions=page.sessions + rest.sessions, next=rest.next)

    def count(self, user: str, where: SessionFilter = _ACTIVE) -> int:
        """Count the user's sessions."""
        self._check(user)
        data = self._connection.call("GET", "sessions", "count", **_query(where))
        with decoding():
            return int(data["count"])

    def find(self, user: str, text: str) -> list[SessionSummary]:
        """Find the user's sessions, in any state, by the beginning of their ID or by their exact name."""
        self._check(user)
        return list(summaries_from(self._connection.call("GET", "sessions", "find", text=text), self.user))

    def latest(self, user: str) -> SessionSummary | None:
        """Return the session that was used last."""
        self._check(user)
        data = self._connection.call("GET", "sessions", "latest")
        return summary_from(data, self.user) if data else None

    def open(self, user: str, session_id: str, last: int = PAGE_SIZE) -> Session:
        """Return a session with its newest messages; follow a reply that is streaming in it.

        Raises:
            SessionNotFound: the user has no such session.
        """
        self._check(user)
        session = session_from(self._connection.call("GET", "session", session_id, last=last), self.user)
        streaming = [message for message in session.messages[-1:] if message.status == "streaming"]
        if streaming and self.reply(user, session_id) is None:
            reply = self._replies[session_id] = RemoteReply(self._connection, session_id, streaming[0])
            self._connection.run_in_background(reply.follow())
        return session

    def messages_before(self, user: str, session_id: str, before: int, limit: int = PAGE_SIZE) -> list[Message]:
        """Return the messages before position `before` (a session's `first`), oldest first."""
        self._check(user)
        wanted = min(limit, _MAX_PAGE)
        data = self._connection.call("GET", "session", session_id, "messages", before=before, limit=wanted)
        messages = messages_from(data)
        if limit <= wanted or before <= wanted:
            return messages
        return self.messages_before(user, session_id, before - wanted, limit - wanted) + messages

    def update(self, user: str, session_id: str, **changes: Unpack[SessionChanges]) -> None:
        """Change a session's name, pin, state, tags, metadata or bot; other fields are unchanged."""
        self._check(user)
        self._connection.call("PATCH", "session", session_id, body=changes)

    def stop(self, user: str, session_id: str) -> None:
        """Stop the reply that is streaming in a session, whichever process receives it."""
        self._check(user)
        self._connection.call("POST", "session", session_id, "stop")

    def delete(self, user: str, session_id: str) -> None:
        """Move a session to the trash for 30 days."""
        self._check(user)
        self._connection.call("DELETE", "session", session_id)

    def purge(self, user: str, session_id: str) -> None:
        """Delete a session permanently."""
        self._check(user)
        self._connection.call("DELETE", "session", session_id, purge=True)

    def give_feedback(
        self, user: str, session_id: str, message_id: str, rating: Literal["up", "down"] | None, comment: str = ""
    ) -> None:
        """Store a user's feedback on a message, replacing earlier feedback; None removes it."""
        self._check(user)
        body = {"rating": rating, "comment": comment}
        self._connection.call("PUT", "session", session_id, "message", message_id, "feedback", body=body)

    def quotes(self, user: str, session_id: str, message_id: str) -> list[Quote]:
        """Return the messages that quote a message, and its copies."""
        self._check(user)
        return quotes_from(self._connection.call("GET", "session", session_id, "message", message_id, "quotes"))

    def redact(self, user: str, session_id: str, message_id: str, *, with_quotes: bool = False) -> list[Quote]:
        """Remove a message's text and files permanently; return the messages that still quote it."""
        self._check(user)
        left = self._connection.call("POST", "session", session_id, "message", message_id, "redact", quotes=with_quotes)
        return quotes_from(left) if left else []

    def set_context_start(self, user: str, session: Session, message_id: str | None) -> None:
        """Exclude everything before this message from the bot's context; None undoes that."""
        self._check(user)
        self._connection.call("PUT", "session", session.id, "cut", body={"message_id": message_id})
        session.cut, session.summary = message_id, None

    def continue_in_new_session(self, user: str, session: Session, message_id: str) -> Session:
        """Create a new session with copies of this message and those after it."""
        self._check(user)
        data = self._connection.call("POST", "session", session.id, "message", message_id, "begin")
        return session_from(data, self.user)

    def preferences(self, user: str) -> Preferences:
        """Return the user's preferences."""
        self._check(user)
        return preferences_from(self._connection.call("GET", "preferences"))

    def set_preferences(self, user: str, **changes: Unpack[PreferenceChanges]) -> None:
        """Store preferences; other ones are unchanged."""
        self._check(user)
        self._connection.call("PATCH", "preferences", body=changes)

    def show_branch(self, user: str, session: Session, message_id: str) -> None:
        """Show the branch that contains this message, to its newest end."""
        self._check(user)
        self._connection.call("POST", "session", session.id, "message", message_id, "show")
        session.head = self.open(user, session.id).head

    def send(self, user: str, session: Session, message: Message) -> RemoteReply:
        """Send the user's message; return the reply as it starts.

        A message that couldn't be sent can be sent again; it isn't stored twice. A new session gets its ID
        from the server.
        """
        self._check(user)
        if not session.rev:
            key = str(uuid.uuid5(uuid.NAMESPACE_OID, f"{session.id} {session.bot_id}"))
            begun = self._connection.call("POST", "session", "create", key=key, body={"bot_id": session.bot_id})
            with decoding():
                session.id = str(begun["id"])
            session.create_time = message.create_time
        files = [{"name": file.name, "data": b64encode(file.data).decode()} for file in message.files if file.data]
        body = {"content": message.content, "files": files, "stream": True}
        return self._start_turn(session, "message", key=message.id, body=body, question=message)

    def edit(self, user: str, session: Session, message_id: str, content: str) -> RemoteReply:
        """Store an edited version of a user's message and request a reply; the old branch is kept."""
        self._check(user)
        body = {"content": content, "stream": True}
        question = Message(role="user", content=content)
        return self._start_turn(session, "message", message_id, "edit", body=body, question=question)

    def regenerate(self, user: str, session: Session, message_id: str) -> RemoteReply:
        """Request another version of a reply; the old one is kept as a branch."""
        self._check(user)
        return self._start_turn(session, "message", message_id, "regenerate", stream=True)

    def retry(self, user: str, session: Session) -> RemoteReply:
        """Request the reply that the last message didn't get."""
        self._check(user)
        return self._start_turn(session, "retry", stream=True)

    def reply(self, user: str, session_id: str) -> RemoteReply | None:
        """Return the reply that is being followed in a session, if any."""
        self._check(user)
        reply = self._replies.get(session_id)
        return reply if reply and not reply.settled else None

    def close(self) -> None:
        """Close the connections. Streaming replies continue on the server."""
        self._connection.close()

    def _start_turn(self, session: Session, *path: str, question: Message | None = None, **request: Any) -> RemoteReply:
        """Start a turn, and add to the session what the server has stored of it."""
        reply = self._connection.run(self._open_stream(session, path, question, request))
        self._replies[session.id] = reply
        return reply

    async def _open_stream(
        self, session: Session, path: tuple[str, ...], question: Message | None, request: dict[str, Any]
    ) -> RemoteReply:
        events = self._connection.events("POST", "session", session.id, *path, **request)
        try:
            await anext(events)  # CONNECTED
            begun = (await anext(events)).data
            with decoding():
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
        self._connection.run_in_background(reply.follow(events))
        return reply

    def _existing(self, session_ids: Iterable[str]) -> Iterator[SessionSummary]:
        for session_id in session_ids:
            with suppress(SessionNotFound):
                yield summary_from(self._connection.call("GET", "session", session_id, last=1), self.user)

    def _check(self, user: str) -> None:
        if user != self.user:
            raise InvalidInput(f"The API token belongs to {self.user}. It gives no access to sessions of {user}.")


def _query(where: SessionFilter) -> dict[str, Any]:
    if where.state is None or where != SessionFilter(state=where.state, bot_id=where.bot_id, text=where.text):
        raise InvalidInput("Unsupported filter. Sessions on a server can be filtered only by state, bot and text.")
    return {"state": where.state, "bot_id": where.bot_id, "text": where.text or None}
