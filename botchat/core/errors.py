"""Every error that botchat raises on purpose; its text is one sentence for the person it happened to.

BotchatError
├── InvalidInput            what was given can't be taken
├── ConfigError             the configuration can't be used
│   ├── UnknownBot          no bot of that name
│   └── MissingKey          the bot's key is not in the environment, or is none; also a BotError
├── SessionNotFound         no such session, or another user's: the two look the same
├── MessageNotFound         no such message in the session
├── AgentNotFound           no such agent in the session
├── FileNotFound            no such file in the session, or its data are gone
├── UserNotFound            that user has nothing in the store
├── AccountNotFound         that user has no account
├── TokenNotFound           no token of that id
├── NotSignedIn             nobody knows who is asking: no token or password, or none that is good
├── NotAllowed              it is known who is asking, and they may not do that
├── TooMany                 more was asked for than is allowed at once, or in a minute
├── ReplyRunning            the session's bot is still answering
├── StoreError              the store could not do it
│   ├── StoreUnavailable    down, frozen or busy: worth trying again
│   │   ├── ServerUnavailable   so is botchat's own server, which stands before the store
│   │   └── StoreBusy           the store is up, but too many write at once
│   ├── StoreRefused        it wants a password, or does not take this one
│   ├── StoreUnreadable     it is not a botchat store, or one newer than this program
│   ├── DamagedRecord       a stored session can't be read as one, or not all of it
│   ├── SessionChanged      someone else changed the session since it was read
│   └── SessionTooLarge     the session or the message is over the limit of a record
└── BotError                the bot did not answer, or not to the end
    ├── ReplyTooLarge       its reply is larger than a message can be: what fits is kept
    └── PromptRefused       its server refused the prompt, and may take another form of it
        └── PromptTooLong   it was shown more than it can take in
"""

from collections.abc import Mapping, Sequence
from typing import Any

_ID_LENGTH = 80


def how_to_install(extra: str) -> str:
    """Say how to install an optional dependency group of pyproject.toml, such as `strands`.

    The source is a clone, because `botchat` on the package index is a different project.
    """
    return f"In a clone of botchat's repository, run: make {extra} (or: pip install '.[{extra}]')."


class BotchatError(Exception):
    """Is the base of all errors below: `except BotchatError` gets what a person can be told."""


class InvalidInput(BotchatError):  # noqa: N818  (it says what is the matter; "Error" would add nothing)
    """Is raised when what was given can't be taken, before anything is stored."""


class ConfigError(BotchatError):
    """Is raised when the configuration can't be used as it is."""


class UnknownBot(ConfigError):  # noqa: N818
    """Is raised when no bot of that name is configured."""


class SessionNotFound(BotchatError):  # noqa: N818
    """Is raised for a session that does not exist and, in the same words, for another user's.

    `near` are the user's own sessions that may have been meant.
    """

    def __init__(self, session_id: str, near: Sequence[str] = ()) -> None:
        shown = session_id if len(session_id) <= _ID_LENGTH else session_id[:_ID_LENGTH] + "…"
        hint = f" Did you mean {' or '.join(near)}?" if near else ""
        super().__init__(f"There is no session {shown!r} among yours.{hint}")
        self.session_id = session_id


class MessageNotFound(BotchatError):  # noqa: N818
    """Is raised when the session has no message of that id."""

    def __init__(self, message_id: str) -> None:
        super().__init__(f"There is no message {message_id!r} in this session.")
        self.message_id = message_id


class AgentNotFound(BotchatError):  # noqa: N818
    """Is raised when the session has no agent of that id."""

    def __init__(self, agent_id: str) -> None:
        super().__init__(f"There is no agent {agent_id!r} in this session: add it first.")
        self.agent_id = agent_id


class FileNotFound(BotchatError):  # noqa: N818
    """Is raised when no message of the session has a file of that id, or its data are not in the store any more."""

    def __init__(self, file_id: str) -> None:
        super().__init__(f"There is no file {file_id!r} in this session, or it was removed.")
        self.file_id = file_id


class UserNotFound(BotchatError):  # noqa: N818
    """Is raised to an admin for a user who has no sessions."""

    def __init__(self, user: str) -> None:
        super().__init__(f"There is no user {user!r}: nobody of that name has a session.")
        self.user = user


class AccountNotFound(BotchatError):  # noqa: N818
    """Is raised for a user who has no account."""

    def __init__(self, user: str) -> None:
        super().__init__(f"{user!r} has no account: `botchat users add` makes one.")
        self.user = user


class TokenNotFound(BotchatError):  # noqa: N818
    """Is raised when there is no token of that id, or it is another user's."""

    def __init__(self, token_id: str) -> None:
        super().__init__(f"There is no token {token_id!r}: `botchat tokens list` has their ids.")
        self.token_id = token_id


class NotSignedIn(BotchatError):  # noqa: N818
    """Is raised when who is asking has not shown who they are."""


class NotAllowed(BotchatError):  # noqa: N818
    """Is raised when who is asking may not do that."""


class TooMany(BotchatError):  # noqa: N818
    """Is raised when someone asks for more than is allowed; `retry_after` is the seconds until it is worth a try."""

    def __init__(self, what: str, retry_after: int) -> None:
        super().__init__(f"{what}: try again in {retry_after} s.")
        self.retry_after = retry_after


class ReplyRunning(BotchatError):  # noqa: N818
    """Is raised by a second send while the session's bot is still answering the first."""

    def __init__(self) -> None:
        super().__init__("The bot is still answering in this session: wait for it, or stop it first.")


class StoreError(BotchatError):
    """Is raised when the store could not do what it was asked."""


class StoreUnavailable(StoreError):  # noqa: N818
    """Is raised when the store is down, frozen or busy: the same call may go through later."""


class ServerUnavailable(StoreUnavailable):
    """Is raised when botchat's server can't be reached, or does not take the call now: it may go through later."""


class StoreBusy(StoreUnavailable):
    """Is raised when the store answers, but too many writers write at once: the same call may succeed later."""


class StoreRefused(StoreError):  # noqa: N818
    """Is raised when the store asks for a password, or does not let this user do that."""


class StoreUnreadable(StoreError):  # noqa: N818
    """Is raised when what is there is no botchat store, or one made by a newer botchat."""


class DamagedRecord(StoreError):  # noqa: N818
    """Is raised when a stored session can't be read, or not all of it. The other sessions are not affected.

    Iterators over many sessions don't raise it: they give it in the place of the record, and go on.

    Attributes:
        session_id, user: as far as they can be read; "" where they can't.
        reason: what is wrong, as a part of a sentence without a full stop.
        raw: the stored record as it was read.
        readable: a valid record with everything in it that can be read; None where nothing can.
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
            f"Session {session_id!r} of {user!r} is damaged: {reason}. Print what is stored with "
            f"`botchat sessions show ID --format json`, repair it with `botchat store check --repair`, or restore it "
            f"from a backup."
        )
        self.session_id = session_id
        self.user = user
        self.reason = reason
        self.raw = dict(raw or {})
        self.readable = readable


class SessionChanged(StoreError):  # noqa: N818
    """Is raised when saving would overwrite what someone else wrote since the session was read."""

    def __init__(self) -> None:
        super().__init__("This session was changed elsewhere since it was read: read it again, then save.")


class SessionTooLarge(StoreError):  # noqa: N818
    """Is raised for a message over 15 MiB, or where all else in a record is over MongoDB's limit of 16 MiB."""

    def __init__(self) -> None:
        super().__init__(
            "That does not fit: a message holds at most 15 MiB. Send a shorter one, or its parts one by one."
        )


class BotError(BotchatError):
    """Is raised when a bot did not answer, or broke off."""


class ReplyTooLarge(BotError):  # noqa: N818
    """Is raised when a reply is larger than a message can be; the pieces so far stand, and the reply is truncated."""

    def __init__(self) -> None:
        super().__init__("The reply ends here: it reached the limit of 15 MiB for one message. Ask for a shorter one.")


class PromptRefused(BotError):  # noqa: N818
    """Is raised when a bot's server refused a prompt, and may take a shorter one.

    `wants_no_system` tells that the server complains of the system role.
    """

    def __init__(self, message: str, *, wants_no_system: bool = False) -> None:
        super().__init__(message)
        self.wants_no_system = wants_no_system


class PromptTooLong(PromptRefused):
    """Is raised when a bot was shown more than it can take in.

    `limit` is how many tokens that is, `tokens` how many it was shown, each None where its server has no field for it;
    `numbers` are those in the server's words.
    """

    def __init__(
        self, message: str, *, limit: int | None = None, tokens: int | None = None, numbers: Sequence[int] = ()
    ) -> None:
        super().__init__(message)
        self.limit = limit
        self.tokens = tokens
        self.numbers = numbers


class MissingKey(ConfigError, BotError):  # noqa: N818
    """Is raised when a bot's key is not in the environment, or is none that a server could have given."""
