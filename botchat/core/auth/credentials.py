"""Token texts of the form `bc_ID_SECRET`: shown once, and stored as a hash of the secret."""

import re
import secrets
from hashlib import sha256
from typing import NamedTuple

from botchat.core.errors import NotSignedIn
from botchat.core.storage import SignIn

_SECRET_BYTES = 32
_PATTERN = re.compile(r"(bc|br)_([0-9a-f-]{8,36})_([\w-]{43})", re.ASCII)


class IssuedSignIn(NamedTuple):
    """A sign-in with its current refresh token, which is returned to the client and not stored."""

    sign_in: SignIn
    refresh_token: str


def new_secret() -> str:
    """Return a new random secret of 256 bits."""
    return secrets.token_urlsafe(_SECRET_BYTES)


def split_credential(text: str, kind: str, refusal: str) -> tuple[str, str]:
    """Split the text of a token into its ID and its secret.

    Raises:
        NotSignedIn: it isn't a token of that kind; `refusal` is the message.
    """
    found = _PATTERN.fullmatch(text)
    if found is None or found[1] != kind:
        raise NotSignedIn(refusal)
    return found[2], found[3]


def hash_secret(secret: str) -> str:
    """Return the SHA-256 of a secret, which is stored in its place."""
    return sha256(secret.encode(errors="surrogatepass")).hexdigest()
