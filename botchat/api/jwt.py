"""Access tokens of signed-in users. The only module that uses JSON Web Tokens."""

from datetime import timedelta
from typing import NamedTuple

import jwt
from jwt.types import Options

from botchat.core.errors import ConfigError, NotSignedIn
from botchat.core.models import now

LIFETIME = timedelta(minutes=15)

KEY_VARIABLE = "BOTCHAT_SIGNING_KEY"
MIN_KEY_BYTES = 32
"""RFC 7518, 3.2 requires a key as long as the hash. PyJWT only warns."""

_ISSUER, _AUDIENCE = "botchat", "botchat-api"


class Claims(NamedTuple):
    """The claims of an access token: the user and the sign-in."""

    user: str
    sign_in_id: str


class JwtSigner:
    """Signs and verifies access tokens (HS256)."""

    def __init__(self, key: str) -> None:
        """Set the signing key.

        Raises:
            ConfigError: it has fewer than 32 bytes.
        """
        if len(key.encode()) < MIN_KEY_BYTES:
            raise ConfigError(
                f"{KEY_VARIABLE} must have at least {MIN_KEY_BYTES} bytes. Generate one with `openssl rand -base64 32`."
            )
        self._key = key

    def sign(self, claims: Claims) -> str:
        """Return a token that is valid for 15 minutes, as long as its sign-in is."""
        at = now()
        payload = {"sub": claims.user, "sid": claims.sign_in_id, "iat": at, "exp": at + LIFETIME}
        return jwt.encode(payload | {"iss": _ISSUER, "aud": _AUDIENCE}, self._key, algorithm="HS256")

    def verify(self, token: str) -> Claims:
        """Verify a token and return its claims.

        Raises:
            NotSignedIn: its signature is invalid, or it has expired.
        """
        # `iat` is not verified: after a clock was set back, or with another server's clock, it may be in the future.
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
            raise NotSignedIn("The access token is invalid or expired. Refresh it, or sign in again.") from error
        return Claims(str(payload["sub"]), str(payload["sid"]))
