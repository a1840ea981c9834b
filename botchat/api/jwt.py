"""Short-lived tokens of people who are signed in. The only module that knows JSON Web Tokens."""

from datetime import timedelta
from typing import NamedTuple

import jwt
from jwt.types import Options

from botchat.core.errors import ConfigError, NotSignedIn
from botchat.core.models import now

LIFETIME = timedelta(minutes=15)

KEY_VARIABLE = "BOTCHAT_SIGNING_KEY"
MIN_KEY_BYTES = 32
"""Bytes: RFC 7518, 3.2 asks for a key as long as the hash. PyJWT only warns."""

_ISSUER, _AUDIENCE = "botchat", "botchat-api"


class Claims(NamedTuple):
    """What a token says: who it is, and by which sign-in."""

    user: str
    sign_in_id: str


class JwtSigner:
    """Makes tokens and reads them (HS256)."""

    def __init__(self, key: str) -> None:
        """Take the key.

        Raises:
            ConfigError: it is too short to be one.
        """
        if len(key.encode()) < MIN_KEY_BYTES:
            raise ConfigError(
                f"{KEY_VARIABLE} must have at least {MIN_KEY_BYTES} bytes: `openssl rand -base64 32` makes one."
            )
        self._key = key

    def sign(self, claims: Claims) -> str:
        """Make a token that is good for 15 minutes, if its sign-in is."""
        at = now()
        payload = {"sub": claims.user, "sid": claims.sign_in_id, "iat": at, "exp": at + LIFETIME}
        return jwt.encode(payload | {"iss": _ISSUER, "aud": _AUDIENCE}, self._key, algorithm="HS256")

    def verify(self, token: str) -> Claims:
        """Read a token.

        Raises:
            NotSignedIn: it is none of this key's, or its time is over.
        """
        # Not when it was made: a clock that was set back since, or another server's, would refuse who just signed in.
        options: Options = {"require": ["sub", "sid", "exp", "iss", "aud"], "verify_iat": False}
        try:
            payload = jwt.decode(
                token,
                self._key,
                algorithms=["HS256"],
                issuer=_ISSUER,
                audience=_AUDIENCE,
                options=options,
            )
        except (jwt.PyJWTError, UnicodeError) as error:
            raise NotSignedIn("This token is not good, or not any more: refresh it, or sign in.") from error
        return Claims(str(payload["sub"]), str(payload["sid"]))
