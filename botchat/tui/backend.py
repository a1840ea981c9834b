"""What the screens ask for. `Chat` answers it out of a store, `RemoteChat` out of a server."""

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


class AnyReply(Protocol):
    """A reply while it comes, whoever looks."""

    @property
    def session_id(self) -> str:
        """Where it is said."""
        ...

    @property
    def message(self) -> Message:
        """The bot's message as far as it came."""
        ...

    @property
    def ended(self) -> bool:
        """Whether nothing more comes."""
        ...

    @property
    def settled(self) -> bool:
        """Whether nothing more becomes of it: it is stored, or never will be."""
        ...

    @property
    def failure(self) -> BotError | None:
        """Why it ended before its end."""
        ...

    @property
    def save_failure(self) -> BotchatError | None:
        """Why it is not stored, or not to be followed, as far as is known now."""
        ...

    def stop(self) -> None:
        """End it; what came is kept. Does not wait."""
        ...


class AnyChat(Protocol):
    """The sessions of one person. Every method but the first five may wait, and raise BotchatError."""

    @property
    def store(self) -> str:
        """Where the sessions are, as it may be shown."""
        ...

    @property
    def bots(self) -> Mapping[str, BotInfo]:
        """The bots by their ids."""
        ...

    def new_session(self, user: str, bot_id: str | None = None) -> Session:
        """Begin a session; it is stored with its first message."""
        ...

    def reply(self, user: str, session_id: str) -> AnyReply | None:
        """Return the reply that is under way in a session, if it is known of."""
        ...

    def close(self) -> None:
        """Give back connections."""
        ...

    def preferred_bot(self, user: str) -> str:
        """Tell who answers in the user's new sessions."""
        ...

    def page(self, user: str, after: str | None = ..., limit: int = ..., where: SessionFilter = ...) -> Page:
        """Read the user's sessions, newest first."""
        ...

    def count(self, user: str, where: SessionFilter = ...) -> int:
        """Count the user's sessions."""
        ...

    def find(self, user: str, text: str) -> list[SessionSummary]:
        """Find the sessions whose id begins with the text or whose name it is."""
        ...

    def latest(self, user: str) -> SessionSummary | None:
        """Find the session that was used last."""
        ...

    def open(self, user: str, session_id: str, last: int = PAGE_SIZE) -> Session:
        """Read a session with its newest messages."""
        ...

    def messages_before(self, user: str, session_id: str, before: int, limit: int = PAGE_SIZE) -> list[Message]:
        """Read the messages before the one at a position."""
        ...

    def update(self, user: str, session_id: str, **changes: Unpack[SessionChanges]) -> None:
        """Change a session."""
        ...

    def stop(self, user: str, session_id: str) -> object:
        """End the reply that is under way in a session, wherever it is written."""
        ...

    def delete(self, user: str, session_id: str) -> None:
        """Put a session in the trash."""
        ...

    def purge(self, user: str, session_id: str) -> None:
        """Remove a session for ever."""
        ...

    def give_feedback(
        self, user: str, session_id: str, message_id: str, rating: Literal["up", "down"] | None, comment: str = ""
    ) -> None:
        """Keep what a person thinks of a message."""
        ...

    def quotes(self, user: str, session_id: str, message_id: str) -> list[Quote]:
        """Find the messages that quote a message, and its copies in other sessions."""
        ...

    def redact(self, user: str, session_id: str, message_id: str, *, with_quotes: bool = ...) -> list[Quote]:
        """Take a message's words out of the store for ever; return the messages that still quote it."""
        ...

    def set_context_start(self, user: str, session: Session, message_id: str | None) -> None:
        """Show the bot nothing of what stands before a message; None takes that back."""
        ...

    def continue_in_new_session(self, user: str, session: Session, message_id: str) -> Session:
        """Begin a new session with a message and what follows it."""
        ...

    def preferences(self, user: str) -> Preferences:
        """Read what the user has chosen."""
        ...

    def set_preferences(self, user: str, **changes: Unpack[PreferenceChanges]) -> None:
        """Keep what the user chooses."""
        ...

    def show_branch(self, user: str, session: Session, message_id: str) -> None:
        """Show the branch that goes through a message."""
        ...

    def send(self, user: str, session: Session, message: Message, /) -> AnyReply:
        """Store what the user says and ask the bot. A new session may get another id by it."""
        ...

    def edit(self, user: str, session: Session, message_id: str, content: str) -> AnyReply:
        """Say something else in the place of a message."""
        ...

    def regenerate(self, user: str, session: Session, message_id: str) -> AnyReply:
        """Ask for another answer in the place of one."""
        ...

    def retry(self, user: str, session: Session) -> AnyReply:
        """Ask again for the reply that the last message did not get."""
        ...
