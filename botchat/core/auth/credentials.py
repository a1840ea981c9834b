"""The texts that let someone in, as `bc_ID_SECRET`: shown once, and kept as a hash of the secret."""

import re
import secrets
from hashlib import sha256

from botchat.core.errors import NotSignedIn

_SECRET_BYTES = 32
_FORM = re.compile(r"(bc|br)_([0-9a-f-]{8,36})_([\w-]{43})", re.ASCII)


def new_secret() -> str:
    """Make a secret that nobody guesses."""
    return secrets.token_urlsafe(_SECRET_BYTES)


def split_credential(text: str, kind: str, refusal: str) -> tuple[str, str]:
    """Split the text of a token into its id and its secret.

    Raises:
        NotSignedIn: it is no such token.
    """
    found = _FORM.fullmatch(text)
    if found is None or found[1] != kind:
        raise NotSignedIn(refusal)
    return found[2], found[3]


def hash_secret(secret: str) -> str:
    """Make what is kept of a secret."""
    return sha256(secret.encode(errors="surrogatepass")).hexdigest()
