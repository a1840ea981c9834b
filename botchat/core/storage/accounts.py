"""Accounts, API tokens, sign-ins and shared links as data classes, and the contracts of the repositories.

`mongo/accounts.py`, `sqlite/accounts.py` and `sqlite/links.py` implement them, in the same database as the sessions.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, NamedTuple, Protocol, get_args

from botchat.core.models import new_id, now

Scope = Literal["read", "write", "admin", "metrics"]
"""What a token grants: read chats, write chats and send messages, all users' usage, the server's metrics."""

SCOPES: tuple[Scope, ...] = get_args(Scope)
DEFAULT_SCOPES: tuple[Scope, ...] = ("read", "write")


@dataclass(kw_only=True, slots=True, frozen=True)
class Account:
    """A user who can sign in.

    Attributes:
        password_hash: argon2id in its encoded form; None for a user who signs in only by token or through a proxy.
        disabled_time: when the account was disabled; None while it is active.
    """

    user: str
    create_time: datetime = field(default_factory=now)
    password_hash: str | None = field(default=None, repr=False)
    disabled_time: datetime | None = None


@dataclass(kw_only=True, slots=True, frozen=True)
class Token:
    """An API token, which a program presents instead of a password.

    Attributes:
        hash: SHA-256 of the secret, which itself isn't stored.
        expire_time: None for a token that doesn't expire.
        last_used: accurate to the minute.
    """

    id: str
    user: str
    name: str
    hash: str = field(repr=False)
    scopes: tuple[Scope, ...] = DEFAULT_SCOPES
    create_time: datetime = field(default_factory=now)
    expire_time: datetime | None = None
    last_used: datetime | None = None


@dataclass(kw_only=True, slots=True, frozen=True)
class SignIn:
    """A sign-in on one device. It lasts until sign-out or `expire_time`, which each renewal extends.

    Attributes:
        hash: SHA-256 of the only refresh token that is valid now.
    """

    id: str = field(default_factory=new_id)
    user: str
    hash: str = field(repr=False)
    create_time: datetime = field(default_factory=now)
    expire_time: datetime


class Revocations(NamedTuple):
    """The tokens and sign-ins that were revoked before they expired.

    Attributes:
        number: how many revocations there have been; it never decreases.
        newest: the keys of the latest ones, oldest first.
    """

    number: int
    newest: tuple[str, ...]


KEPT_REVOCATIONS = 20
"""How many revocations a store lists. A process that missed more clears its cache of grants and checks each again."""


class AccountRepository(Protocol):
    """Stores accounts, tokens and sign-ins. Expired ones aren't returned. Every method may raise StoreError."""

    def add_account(self, account: Account) -> bool:
        """Store a new account; return False, and change nothing, if that user has one."""
        ...

    def account(self, user: str) -> Account | None:
        """Return a user's account; None if there is none."""
        ...

    def accounts(self) -> Iterator[Account]:
        """Return all accounts, ordered by user."""
        ...

    def set_password(self, user: str, password_hash: str) -> bool:
        """Replace a password; return False if there is no account."""
        ...

    def set_disabled(self, user: str, disabled_time: datetime | None) -> bool:
        """Disable an account, or enable it with None; return False if there is no account."""
        ...

    def remove_account(self, user: str) -> None:
        """Remove a user's account, tokens and sign-ins."""
        ...

    def add_token(self, token: Token) -> None:
        """Store a token."""
        ...

    def token(self, token_id: str) -> Token | None:
        """Return a token; None if there is none."""
        ...

    def tokens(self, user: str | None = None) -> Iterator[Token]:
        """Return the tokens of one user or of all users, oldest first."""
        ...

    def mark_token_used(self, token_id: str, at: datetime) -> None:
        """Store when a token was last used."""
        ...

    def remove_token(self, token_id: str, user: str | None = None) -> bool:
        """Remove a token, only if it belongs to `user` where one is given; return False if there was none."""
        ...

    def add_sign_in(self, sign_in: SignIn) -> None:
        """Store a sign-in."""
        ...

    def sign_in(self, sign_in_id: str) -> SignIn | None:
        """Return a sign-in; None if there is none."""
        ...

    def renew_sign_in(self, sign_in_id: str, old: str, new: str, expire_time: datetime) -> bool:
        """Replace the refresh token's hash `old` by `new` atomically; return False if `old` isn't the current one."""
        ...

    def remove_sign_in(self, sign_in_id: str) -> bool:
        """Remove a sign-in; return False if there was none."""
        ...

    def remove_sign_ins(self, user: str) -> None:
        """Remove all sign-ins of a user."""
        ...

    def add_revocation(self, key: str) -> None:
        """Record a revocation for the other processes; `key` identifies what was revoked."""
        ...

    def revocations(self) -> Revocations:
        """Return the revocations, in one small read."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class SharedLink:
    """A read-only link to a session.

    Attributes:
        user: who made the link, and owns the session.
        message_id: the last message that was shown when the link was made. A frozen link shows the branch that ends
            there.
        hash: SHA-256 of the secret in the link, which itself isn't stored.
        is_live: whether it shows the session as it is now, instead of the branch that ends at `message_id`.
        expire_time: None for a link that doesn't expire.
    """

    id: str = field(default_factory=new_id)
    user: str
    session_id: str
    message_id: str
    hash: str = field(repr=False)
    is_live: bool = False
    create_time: datetime = field(default_factory=now)
    expire_time: datetime | None = None


class SharedLinks(Protocol):
    """Stores shared links. Expired ones aren't returned. Every method may raise StoreError."""

    def add(self, link: SharedLink) -> None:
        """Store a link."""
        ...

    def by_hash(self, hash_: str) -> SharedLink | None:
        """Return the link whose secret has this hash; None if there is none."""
        ...

    def of(self, user: str, session_id: str | None = None) -> Sequence[SharedLink]:
        """Return a user's links, or those to one session, newest first."""
        ...

    def remove(self, user: str, link_id: str) -> bool:
        """Remove a user's link; return False if the user has no such link."""
        ...

    def remove_all(self, user: str, session_id: str | None = None) -> None:
        """Remove a user's links, or those to one session."""
        ...
