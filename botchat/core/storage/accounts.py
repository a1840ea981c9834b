"""Who may come in from elsewhere: accounts, tokens and sign-ins as plain data, and the contract of what keeps them.

`mongo/accounts.py` and `sqlite/accounts.py` implement the contract, each beside its store's sessions.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, NamedTuple, Protocol, get_args

from botchat.core.models import new_id, now

Scope = Literal["read", "write", "admin", "metrics"]
"""What a token is for: reading, changing and saying things, everybody's figures, the server's figures."""

SCOPES: tuple[Scope, ...] = get_args(Scope)
DEFAULT_SCOPES: tuple[Scope, ...] = ("read", "write")


@dataclass(kw_only=True, slots=True, frozen=True)
class Account:
    """Someone who may come in.

    Attributes:
        password_hash: argon2id in its own text form; None for who comes with tokens, or through a proxy, alone.
        disabled_time: since when they may not come in.
    """

    user: str
    create_time: datetime = field(default_factory=now)
    password_hash: str | None = field(default=None, repr=False)
    disabled_time: datetime | None = None


@dataclass(kw_only=True, slots=True, frozen=True)
class Token:
    """What a program shows in the place of a password.

    Attributes:
        hash: SHA-256 of its secret, which is nowhere.
        expire_time: None is never.
        last_used: to the minute.
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
    """Someone signed in somewhere, until they sign out or `expire_time`, which goes on while they come back.

    Attributes:
        hash: SHA-256 of the one refresh token that is good now.
    """

    id: str = field(default_factory=new_id)
    user: str
    hash: str = field(repr=False)
    create_time: datetime = field(default_factory=now)
    expire_time: datetime


class Revocations(NamedTuple):
    """What tokens and sign-ins ended before they were over.

    Attributes:
        number: how often that was so; it never goes down.
        newest: what stands for the last of them, oldest first.
    """

    number: int
    newest: tuple[str, ...]


KEPT_REVOCATIONS = 20
"""How many of them a store names. A process that missed more forgets whom it let in, and asks for each again."""


class AccountRepository(Protocol):
    """Keeps accounts, tokens and sign-ins. What has expired is gone. Every method may raise StoreError."""

    def add_account(self, account: Account) -> bool:
        """Keep a new account; False, and nothing is changed, if that user has one."""
        ...

    def account(self, user: str) -> Account | None:
        """Read a user's account."""
        ...

    def accounts(self) -> Iterator[Account]:
        """Read all accounts, by user."""
        ...

    def set_password(self, user: str, password_hash: str) -> bool:
        """Replace a password; False if there is no account."""
        ...

    def set_disabled(self, user: str, disabled_time: datetime | None) -> bool:
        """Let a user not come in, or again; False if there is no account."""
        ...

    def remove_account(self, user: str) -> None:
        """Remove all that is kept of a user here: account, tokens and sign-ins."""
        ...

    def add_token(self, token: Token) -> None:
        """Keep a token."""
        ...

    def token(self, token_id: str) -> Token | None:
        """Read a token."""
        ...

    def tokens(self, user: str | None = None) -> Iterator[Token]:
        """Read the tokens of a user or of all, oldest first."""
        ...

    def token_used(self, token_id: str, at: datetime) -> None:
        """Keep when a token was used last."""
        ...

    def remove_token(self, token_id: str, user: str | None = None) -> bool:
        """Remove a token, of that user alone where one is named; False if there was none."""
        ...

    def add_sign_in(self, sign_in: SignIn) -> None:
        """Keep that someone signed in."""
        ...

    def sign_in(self, sign_in_id: str) -> SignIn | None:
        """Read a sign-in."""
        ...

    def renew_sign_in(self, sign_in_id: str, old: str, new: str, expire_time: datetime) -> bool:
        """Put another refresh token's hash in the place of `old`, in one step; False if that is not the one now."""
        ...

    def remove_sign_in(self, sign_in_id: str) -> bool:
        """Forget a sign-in; False if there was none."""
        ...

    def remove_sign_ins(self, user: str) -> None:
        """Forget everywhere that a user has signed in."""
        ...

    def add_revocation(self, key: str) -> None:
        """Count that something ended, so that other processes hear of it; `key` stands for what it was."""
        ...

    def revocations(self) -> Revocations:
        """Tell what ended, in one small read."""
        ...
