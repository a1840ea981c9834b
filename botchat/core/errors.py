"""Every error that botchat raises on purpose. Its text is one sentence for the user.

BotchatError
├── InvalidInput            an invalid argument or input
├── ConfigError             an invalid configuration
│   ├── UnknownBot          no bot with this name
│   └── MissingKey          the bot's API key is not in the environment, or invalid; also a BotError
├── SessionNotFound         no such session, or another user's: the two look the same
├── MessageNotFound         no such message in the session
├── AgentNotFound           no such agent in the session
├── FileNotFound            no such attachment in the session, or its data were removed
├── LinkNotFound            no such shared link, or it was revoked or has ended
├── UserNotFound            that user has nothing in the store
├── AccountNotFound         that user has no account
├── TokenNotFound           no such API token
├── NotSignedIn             not authenticated: no token or password, or an invalid one
├── NotAllowed              authenticated, but without the permission
├── TooMany                 a rate limit or a limit of concurrent requests was exceeded
├── ReplyRunning            a reply is still streaming in the session
├── StoreError              the store failed
│   ├── StoreUnavailable    down, frozen or busy: worth a retry
│   │   ├── ServerUnavailable   botchat's own server, between client and store, is unavailable
│   │   └── StoreBusy           the store is up, but has too many writers
│   ├── StoreRefused        authentication or permission failed
│   ├── StoreUnreadable     not a botchat store, or one of a newer version
│   ├── DamagedRecord       a stored session is damaged, at least in part
│   ├── SessionChanged      the session was changed since it was read
│   └── SessionTooLarge     the session or the message exceeds the size limit of a record
└── BotError                the bot did not reply, or not completely
    ├── ReplyTooLarge       the reply exceeds the size limit of a message: the part that fits is kept
    └── PromptRefused       the server refused the prompt, and may accept another form of it
        └── PromptTooLong   the prompt exceeds the context window
"""

from collections.abc import Mapping, Sequence
from typing import Any

_ID_LENGTH = 80


def how_to_install(extra: str) -> str:
    """Return a sentence on how to install an optional dependency group of pyproject.toml, such as `strands`.

    It installs from a clone, because `botchat` on the package index is a different project.
    """
    return f"In a clone of botchat's repository, run: make {extra} (or: pip install '.[{extra}]')."


class BotchatError(Exception):
    """Base class of all errors below: `except BotchatError` catches those whose text is meant for the user."""


class InvalidInput(BotchatError):  # noqa: N818  (the name says what happened; "Error" would add nothing)
    """Raised for invalid input, before anything is stored."""


class ConfigError(BotchatError):
    """Raised for an invalid configuration."""


class UnknownBot(ConfigError):  # noqa: N818
    """Raised when no bot with this name is configured and, with the same text, when the user may not use it."""


class SessionNotFound(BotchatError):  # noqa: N818
    """Raised for a session that does not exist and, with the same text, for another user's.

    `near` are suggestions among the user's own sessions.
    """

    def __init__(self, session_id: str, near: Sequence[str] = ()) -> None:
        short_id = session_id if len(session_id) <= _ID_LENGTH else session_id[:_ID_LENGTH] + "…"
        hint = f" Did you mean {' or '.join(near)}?" if near else ""
        super().__init__(f"Session {short_id!r} not found.{hint}")
        self.session_id = session_id


class MessageNotFound(BotchatError):  # noqa: N818
    """Raised when the session has no message with this ID."""

    def __init__(self, message_id: str) -> None:
        super().__init__(f"Message {message_id!r} not found in this session.")
        self.message_id = message_id


class AgentNotFound(BotchatError):  # noqa: N818
    """Raised when the session has no agent with this ID."""

    def __init__(self, agent_id: str) -> None:
        super().__init__(f"Agent {agent_id!r} not found in this session. Add it first.")
        self.agent_id = agent_id


class FileNotFound(BotchatError):  # noqa: N818
    """Raised when no message of the session has an attachment with this ID, or its data were removed."""

    def __init__(self, file_id: str) -> None:
        super().__init__(f"File {file_id!r} not found in this session. It may have been removed.")
        self.file_id = file_id


class LinkNotFound(BotchatError):  # noqa: N818
    """Raised for a shared link that doesn't exist, was revoked, has ended, or leads to nothing: all look the same."""

    def __init__(self) -> None:
        super().__init__("Link not found. It may have been revoked or have ended.")


class UserNotFound(BotchatError):  # noqa: N818
    """Raised for admins when a user has no sessions."""

    def __init__(self, user: str) -> None:
        super().__init__(f"User {user!r} not found in this store.")
        self.user = user


class AccountNotFound(BotchatError):  # noqa: N818
    """Raised for a user without an account."""

    def __init__(self, user: str) -> None:
        super().__init__(f"User {user!r} has no account. Create one with `botchat users add`.")
        self.user = user


class TokenNotFound(BotchatError):  # noqa: N818
    """Raised for an unknown API token and for another user's."""

    def __init__(self, token_id: str) -> None:
        super().__init__(f"Token {token_id!r} not found. List the IDs with `botchat tokens list`.")
        self.token_id = token_id


class NotSignedIn(BotchatError):  # noqa: N818
    """Raised when a request is not authenticated."""


class NotAllowed(BotchatError):  # noqa: N818
    """Raised when an authenticated user lacks the permission."""


class TooMany(BotchatError):  # noqa: N818
    """Raised when a rate limit is exceeded; `retry_after` is in seconds."""

    def __init__(self, what: str, retry_after: int) -> None:
        super().__init__(f"{what}. Try again in {retry_after} s.")
        self.retry_after = retry_after


class ReplyRunning(BotchatError):  # noqa: N818
    """Raised when a message is sent while the reply to the previous one is still streaming."""

    def __init__(self) -> None:
        super().__init__("A reply is still streaming. Wait or stop it first.")


class StoreError(BotchatError):
    """Raised when an operation of the store failed."""


class StoreUnavailable(StoreError):  # noqa: N818
    """Raised when the store is down, frozen or busy: the same call may succeed later."""


class ServerUnavailable(StoreUnavailable):
    """Raised when botchat's server can't be reached, or refuses the call for now: it may succeed later."""


class StoreBusy(StoreUnavailable):
    """Raised when the store is up but has too many concurrent writers: the same call may succeed later."""


class StoreRefused(StoreError):  # noqa: N818
    """Raised when the store requires a password, or its user lacks the permission."""


class StoreUnreadable(StoreError):  # noqa: N818
    """Raised for a store that isn't botchat's, or was made by a newer version."""


class DamagedRecord(StoreError):  # noqa: N818
    """Raised when a stored session can't be read completely. Other sessions are not affected.

    Iterators over many sessions don't raise it: they yield it instead of the record, and continue.

    Attributes:
        session_id, user: "" if they can't be read.
        reason: what is damaged, as a part of a sentence without a period.
        raw: the stored record as it was read.
        readable: a valid record with the readable part; None if nothing is readable.
    """

    def __init__(
        self,
        session_id: str,
        user: str,
        reason: str,
        raw: Mapping[str, Any] | None = None,
        readable: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(
            f"Session {session_id!r} of {user!r} is damaged: {reason}. Show the stored data with "
            f"`botchat sessions show ID --format json`, repair it with `botchat store check --repair`, or restore it "
            f"from a backup."
        )
        self.session_id = session_id
        self.user = user
        self.reason = reason
        self.raw = dict(raw or {})
        self.readable = readable


class SessionChanged(StoreError):  # noqa: N818
    """Raised when a save would overwrite another writer's changes since the session was read."""

    def __init__(self) -> None:
        super().__init__("The session was changed elsewhere since it was read. Read it again before you save it.")


class SessionTooLarge(StoreError):  # noqa: N818
    """Raised for a message over 15 MiB, or if the rest of a record exceeds MongoDB's limit of 16 MiB."""

    def __init__(self) -> None:
        super().__init__(
            "The message is too large. The limit is 15 MiB. Shorten it, or split it into several messages."
        )


class BotError(BotchatError):
    """Raised when a bot did not reply, or its reply failed."""


class ReplyTooLarge(BotError):  # noqa: N818
    """Raised when a reply exceeds the size limit of a message: it is truncated, and the deltas so far are kept."""

    def __init__(self) -> None:
        super().__init__("Stopped at the size limit of 15 MiB per message. Ask for a shorter reply.")


class PromptRefused(BotError):  # noqa: N818
    """Raised when a bot's server refused a prompt, and may accept a shorter one.

    `wants_no_system` is True if the server rejects the system role.
    """

    def __init__(self, message: str, *, wants_no_system: bool = False) -> None:
        super().__init__(message)
        self.wants_no_system = wants_no_system


class PromptTooLong(PromptRefused):
    """Raised when a prompt exceeds the bot's context window.

    `limit` is the context window in tokens, `tokens` the length of the prompt, each None if the server has no field for
    it; `numbers` are the numbers in the server's message.
    """

    def __init__(
        self, message: str, *, limit: int | None = None, tokens: int | None = None, numbers: Sequence[int] = ()
    ) -> None:
        super().__init__(message)
        self.limit = limit
        self.tokens = tokens
        self.numbers = numbers


class MissingKey(ConfigError, BotError):  # noqa: N818
    """Raised when a bot's API key is not in the environment, or can't be a valid key."""
