"""The protocols that the screens use. `Chat` implements them over a store, `RemoteChat` over a server."""

from collections.abc import Mapping
from typing import Literal, Protocol, Unpack

from botchat.core.errors import BotchatError, BotError
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
)


class ReplyHandle(Protocol):
    """A reply while it streams, local or on a server."""

    @property
    def session_id(self) -> str:
        """The session's ID."""
        ...

    @property
    def message(self) -> Message:
        """The bot's message as received so far."""
        ...

    @property
    def ended(self) -> bool:
        """Whether streaming has ended."""
        ...

    @property
    def settled(self) -> bool:
        """Whether its final state is known: it is stored, or never will be."""
        ...

    @property
    def failure(self) -> BotError | None:
        """The bot's error, if the reply ended early."""
        ...

    @property
    def save_failure(self) -> BotchatError | None:
        """Why the reply isn't stored or can't be followed, as far as is known now."""
        ...

    def stop(self) -> None:
        """Stop the reply without waiting; the received text is kept."""
        ...


class ChatBackend(Protocol):
    """The sessions of one user. Every method except the first five may block and raise BotchatError."""

    @property
    def store(self) -> str:
        """The store's address, safe to show."""
        ...

    def bots_for(self, user: str) -> Mapping[str, BotInfo]:
        """Return the bots that the user may use, by ID."""
        ...

    def new_session(self, user: str, bot_id: str | None = None) -> Session:
        """Create a session; it is stored with its first message."""
        ...

    def reply(self, user: str, session_id: str) -> ReplyHandle | None:
        """Return the reply that is streaming in a session, if this process knows of one."""
        ...

    def close(self) -> None:
        """Close connections."""
        ...

    def preferred_bot(self, user: str) -> str:
        """Return the bot of the user's new sessions."""
        ...

    def page(self, user: str, after: str | None = ..., limit: int = ..., where: SessionFilter = ...) -> Page:
        """Return a page of the user's sessions, newest first."""
        ...

    def count(self, user: str, where: SessionFilter = ...) -> int:
        """Count the user's sessions."""
        ...

    def find(self, user: str, text: str) -> list[SessionSummary]:
        """Find sessions by the beginning of their ID or by their exact name."""
        ...

    def latest(self, user: str) -> SessionSummary | None:
        """Return the session that was used last."""
        ...

    def open(self, user: str, session_id: str, last: int = PAGE_SIZE) -> Session:
        """Return a session with its newest messages."""
        ...

    def messages_before(self, user: str, session_id: str, before: int, limit: int = PAGE_SIZE) -> list[Message]:
        """Return the messages before a position."""
        ...

    def update(self, user: str, session_id: str, **changes: Unpack[SessionChanges]) -> None:
        """Change a session."""
        ...

    def stop(self, user: str, session_id: str) -> object:
        """Stop the reply that is streaming in a session, whichever process receives it."""
        ...

    def delete(self, user: str, session_id: str) -> None:
        """Move a session to the trash."""
        ...

    def purge(self, user: str, session_id: str) -> None:
        """Delete a session permanently."""
        ...

    def give_feedback(
        self, user: str, session_id: str, message_id: str, rating: Literal["up", "down"] | None, comment: str = ""
    ) -> None:
        """Store a user's feedback on a message."""
        ...

    def quotes(self, user: str, session_id: str, message_id: str) -> list[Quote]:
        """Return the messages that quote a message, and its copies in other sessions."""
        ...

    def redact(self, user: str, session_id: str, message_id: str, *, with_quotes: bool = ...) -> list[Quote]:
        """Remove a message's text from the store permanently; return the messages that still quote it."""
        ...

    def set_context_start(self, user: str, session: Session, message_id: str | None) -> None:
        """Exclude everything before a message from the bot's context; None undoes that."""
        ...

    def continue_in_new_session(self, user: str, session: Session, message_id: str) -> Session:
        """Create a new session from a message and those after it."""
        ...

    def preferences(self, user: str) -> Preferences:
        """Return the user's preferences."""
        ...

    def set_preferences(self, user: str, **changes: Unpack[PreferenceChanges]) -> None:
        """Store the user's preferences."""
        ...

    def show_branch(self, user: str, session: Session, message_id: str) -> None:
        """Show the branch that contains a message."""
        ...

    def send(self, user: str, session: Session, message: Message, /) -> ReplyHandle:
        """Store the user's message and request a reply. A new session may get another ID."""
        ...

    def edit(self, user: str, session: Session, message_id: str, content: str) -> ReplyHandle:
        """Store an edited version of a message and request a reply."""
        ...

    def regenerate(self, user: str, session: Session, message_id: str) -> ReplyHandle:
        """Request another version of a reply."""
        ...

    def retry(self, user: str, session: Session) -> ReplyHandle:
        """Request the reply that the last message didn't get."""
        ...
