"""Creates and checks accounts, passwords, tokens and sign-ins. `core/storage/accounts.py` stores them."""

import hmac
import secrets
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta

from botchat.core.auth.credentials import IssuedSignIn, hash_secret, new_secret, split_credential
from botchat.core.auth.grant_cache import GrantCache
from botchat.core.auth.passwords import Passwords
from botchat.core.auth.usernames import check_new_username, normalize_username, to_nfc
from botchat.core.errors import AccountNotFound, InvalidInput, NotSignedIn, TokenNotFound
from botchat.core.models import check_name, now
from botchat.core.storage import DEFAULT_SCOPES, SCOPES, Account, AccountRepository, Scope, SignIn, Token

SIGN_IN_LIFETIME = timedelta(days=7)
"""How long a sign-in is valid after the last use of its refresh token."""

_LAST_USED_STEP = timedelta(minutes=1)
_RENEWAL_STEP = timedelta(days=1)
_NAME_LENGTH = 100
_NO_TOKEN = "Invalid or expired API token. Request a new one."  # noqa: S105
_NO_REFRESH = "Your sign-in has expired. Sign in again."
_NO_PASSWORD = "Incorrect username or password."  # noqa: S105


class AuthService:
    """Authenticates users. A process has one, because it caches valid tokens and sign-ins.

    They are cached for 30 s, or until another process revokes them, which takes effect within a second.
    Every method may raise StoreError.
    """

    def __init__(
        self,
        accounts: AccountRepository,
        passwords: Passwords | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._accounts = accounts
        self._passwords = passwords or Passwords()
        self._grants = GrantCache(accounts, clock)

    def add_account(self, user: str, password: str | None = None) -> str:
        """Create an account, with a password or for tokens alone; return the username in NFKC.

        Raises:
            InvalidInput: the account exists, or the username or the password is invalid.
        """
        password_hash = None if password is None else self._passwords.hash(password)
        if self._accounts.account(check_name("The user", user)) is None:
            user = normalize_username(user, self._users())
        if not self._accounts.add_account(Account(user=user, password_hash=password_hash)):
            raise InvalidInput(f"{user} already has an account. To change the password, run `botchat users passwd`.")
        return user

    def accounts(self) -> Iterator[Account]:
        """Yield all accounts, ordered by user."""
        return self._accounts.accounts()

    def set_password(self, user: str, password: str) -> None:
        """Change a password, and sign the user out everywhere; tokens stay valid.

        Raises:
            AccountNotFound: the user has no account.
            InvalidInput: the password is invalid.
        """
        if not self._accounts.set_password(user, self._passwords.hash(password)):
            raise AccountNotFound(user)
        self.sign_out_everywhere(user)

    def disable(self, user: str) -> None:
        """Disable an account, its tokens and its sign-ins. The user's sessions stay.

        Raises:
            AccountNotFound: the user has no account.
        """
        if not self._accounts.set_disabled(user, now()):
            raise AccountNotFound(user)
        self.sign_out_everywhere(user)

    def enable(self, user: str) -> None:
        """Enable a disabled account, with the same password and tokens.

        Raises:
            AccountNotFound: the user has no account.
        """
        if not self._accounts.set_disabled(user, None):
            raise AccountNotFound(user)

    def remove_account(self, user: str) -> None:
        """Delete a user's account, tokens and sign-ins, if there are any."""
        self._accounts.remove_account(user)
        self._grants.revoke(user)

    def create_token(
        self,
        user: str,
        name: str = "",
        *,
        scopes: tuple[Scope, ...] = DEFAULT_SCOPES,
        lifetime: timedelta | None = None,
    ) -> tuple[Token, str]:
        """Create a token, and an account without a password if the user has none; the text can't be read again.

        Raises:
            InvalidInput: a scope is unknown, the token's name is too long, or the username is invalid.
        """
        check_name("The user", user)
        if not scopes or set(scopes) - set(SCOPES):
            raise InvalidInput(f"A token needs one or more of these scopes: {', '.join(SCOPES)}.")
        if len(name) > _NAME_LENGTH:
            raise InvalidInput(f"Token names can have at most {_NAME_LENGTH} characters.")
        user = self._ensure_account(user)
        secret = new_secret()
        token_id, expires = secrets.token_hex(8), None if lifetime is None else now() + lifetime
        token = Token(id=token_id, user=user, name=name, hash=hash_secret(secret), scopes=scopes, expire_time=expires)
        self._accounts.add_token(token)
        return token, f"bc_{token.id}_{secret}"

    def tokens(self, user: str | None = None) -> Iterator[Token]:
        """Yield the tokens of a user or of all users, oldest first."""
        return self._accounts.tokens(user)

    def revoke_token(self, token_id: str, user: str | None = None) -> None:
        """Revoke a token, if it is that user's; in this process at once, in others within a second.

        Raises:
            TokenNotFound: there is no such token.
        """
        if not self._accounts.remove_token(token_id, user):
            raise TokenNotFound(token_id)
        self._grants.revoke(token_id)

    def cached_token(self, text: str) -> Token | None:
        """Return the token of this text if it is cached as valid, without a read of the store."""
        return self._grants.tokens.get(hash_secret(text)) if self._grants.is_current else None

    def check_token(self, text: str) -> Token:
        """Return the valid token of this text.

        Raises:
            NotSignedIn: it is unknown, revoked or expired, or its user is disabled.
        """
        self._grants.sync()
        tokens = self._grants.tokens
        if cached := tokens.get(hash_secret(text)):
            return cached
        generation = tokens.generation
        token_id, secret = split_credential(text, "bc", _NO_TOKEN)
        token = self._accounts.token(token_id)
        if token is None or not hmac.compare_digest(token.hash, hash_secret(secret)) or not self._is_active(token.user):
            raise NotSignedIn(_NO_TOKEN)
        at = now()
        if token.last_used is None or abs(at - token.last_used) >= _LAST_USED_STEP:  # also if the clock was set back
            self._accounts.mark_token_used(token.id, at)
        tokens.put(hash_secret(text), token, generation)
        return token

    def check_password(self, user: str, password: str) -> str:
        """Return the username if the password is correct.

        Raises:
            NotSignedIn: it isn't, or the user is unknown or disabled; neither the error nor its timing says which.
        """
        account = self._accounts.account(user)
        password_hash = account.password_hash if account else None
        matches = self._passwords.verify(password, password_hash)
        if not matches or account is None or account.disabled_time:
            raise NotSignedIn(_NO_PASSWORD)
        if password_hash and self._passwords.needs_rehash(password_hash):
            self._accounts.set_password(user, self._passwords.hash(password))
        return account.user

    def sign_in(self, user: str) -> IssuedSignIn:
        """Create a sign-in of a user whose password was checked."""
        secret = new_secret()
        sign_in = SignIn(user=user, hash=hash_secret(secret), expire_time=now() + SIGN_IN_LIFETIME)
        generation = self._grants.sign_ins.generation
        self._accounts.add_sign_in(sign_in)
        self._grants.sign_ins.put(sign_in.id, sign_in, generation)
        return IssuedSignIn(sign_in, f"br_{sign_in.id}_{secret}")

    def refresh(self, refresh_token: str) -> IssuedSignIn:
        """Exchange a refresh token for the next one: each can be used once.

        A second use means that it was stolen, so it ends the sign-in for both clients.

        Raises:
            NotSignedIn: it is unknown, used, expired or signed out.
        """
        sign_in_id, secret = split_credential(refresh_token, "br", _NO_REFRESH)
        next_secret = new_secret()
        expire_time = now() + SIGN_IN_LIFETIME
        if not self._accounts.renew_sign_in(sign_in_id, hash_secret(secret), hash_secret(next_secret), expire_time):
            self.sign_out(sign_in_id)
            raise NotSignedIn(_NO_REFRESH)
        sign_in = self.active_sign_in(sign_in_id)
        return IssuedSignIn(sign_in, f"br_{sign_in_id}_{next_secret}")

    def cached_sign_in(self, sign_in_id: str) -> SignIn | None:
        """Return the sign-in if it is cached as valid, without a read of the store."""
        return self._grants.sign_ins.get(sign_in_id) if self._grants.is_current else None

    def active_sign_in(self, sign_in_id: str) -> SignIn:
        """Return the sign-in of this ID.

        Raises:
            NotSignedIn: it is signed out or expired, or its user is disabled.
        """
        self._grants.sync()
        sign_ins = self._grants.sign_ins
        if cached := sign_ins.get(sign_in_id):
            return cached
        generation = sign_ins.generation
        sign_in = self._accounts.sign_in(sign_in_id)
        if sign_in is None or not self._is_active(sign_in.user):
            raise NotSignedIn(_NO_REFRESH)
        sign_ins.put(sign_in_id, sign_in, generation)
        return sign_in

    def sign_in_of_refresh_token(self, refresh_token: str) -> SignIn:
        """Return the sign-in of a refresh token in a browser's cookie, which isn't exchanged; renew its expiry daily.

        Raises:
            NotSignedIn: it is unknown, signed out or expired, or its user is disabled.
        """
        sign_in_id, secret = split_credential(refresh_token, "br", _NO_REFRESH)
        sign_in = self.active_sign_in(sign_in_id)
        if not hmac.compare_digest(sign_in.hash, hash_secret(secret)):
            raise NotSignedIn(_NO_REFRESH)
        generation = self._grants.sign_ins.generation
        expire_time = now() + SIGN_IN_LIFETIME
        if expire_time - sign_in.expire_time >= _RENEWAL_STEP:
            if not self._accounts.renew_sign_in(sign_in_id, sign_in.hash, sign_in.hash, expire_time):
                raise NotSignedIn(_NO_REFRESH)
            sign_in = replace(sign_in, expire_time=expire_time)
            self._grants.sign_ins.put(sign_in_id, sign_in, generation)
        return sign_in

    def external_sign_in(self, user: str, *, require_account: bool = False) -> SignIn:
        """Return a sign-in, which isn't stored, of a user whom a proxy or an identity provider has authenticated.

        A new user gets an account, unless `require_account`.

        Raises:
            NotSignedIn: the account is disabled, or `require_account` and there is none.
            InvalidInput: the username is invalid for a new user.
        """
        sign_in_id = f"of {user}"
        self._grants.sync()
        sign_ins = self._grants.sign_ins
        if cached := sign_ins.get(sign_in_id):
            return cached
        generation = sign_ins.generation
        check_name("The user", user)
        user = self._stored_name(user) if require_account else self._ensure_account(user)
        if not self._is_active(user):
            raise NotSignedIn(f"{user} has no account here, or it is disabled. Ask an administrator for access.")
        sign_in = SignIn(id=sign_in_id, user=user, hash="", expire_time=now() + SIGN_IN_LIFETIME)
        sign_ins.put(sign_in_id, sign_in, generation)
        return sign_in

    def sign_out(self, sign_in_id: str) -> None:
        """End a sign-in; in this process at once, in others within a second."""
        if self._accounts.remove_sign_in(sign_in_id):
            self._grants.revoke(sign_in_id)
        else:  # other processes know of it, or it never existed
            self._grants.evict(sign_in_id)

    def sign_out_everywhere(self, user: str) -> None:
        """End all sign-ins of a user."""
        self._accounts.remove_sign_ins(user)
        self._grants.revoke(user)

    def _ensure_account(self, user: str) -> str:
        """Create an account if the user has none; return its name."""
        user = self._stored_name(user)
        if self._accounts.account(user) is None:
            check_new_username(user, self._users())
            self._accounts.add_account(Account(user=user))
        return user

    def _stored_name(self, user: str) -> str:
        """Return the stored name: in NFC, unless an account from before names were checked has another form."""
        return user if self._accounts.account(user) is not None else to_nfc(user)

    def _users(self) -> Iterator[str]:
        return (account.user for account in self._accounts.accounts())

    def _is_active(self, user: str) -> bool:
        account = self._accounts.account(user)
        return account is not None and account.disabled_time is None
