"""Passwords: argon2id, a few at a time. The only module that knows argon2."""

import threading

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from botchat.core.errors import InvalidInput

SHORTEST, LONGEST = 8, 1024
"""Characters of a password. At least 8: https://pages.nist.gov/800-63-4/sp800-63b.html."""

_AT_ONCE = 2  # each takes 64 MiB and 0.2 s of four cores


class Passwords:
    """Hashes passwords and checks them. Both take time and memory: no more than two are at it in a process."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        """Take a hasher; without one, argon2id with the second choice of RFC 9106 (64 MiB, 3 passes, 4 lanes)."""
        self._hasher = hasher or PasswordHasher()
        self._places = threading.BoundedSemaphore(_AT_ONCE)
        self._of_nobody = ""

    def hash(self, password: str) -> str:
        """Make of a password what may be stored.

        Raises:
            InvalidInput: it is too short, too long, or no text.
        """
        if not SHORTEST <= len(password) <= LONGEST:
            raise InvalidInput(f"A password has {SHORTEST} to {LONGEST:,} characters.")
        try:
            with self._places:
                return self._hasher.hash(password)
        except UnicodeEncodeError as error:
            raise InvalidInput("That password holds half of a character and can't be typed again.") from error

    def fits(self, password: str, password_hash: str | None) -> bool:
        """Tell whether this is the password; of nobody's (None) it takes as long to say no."""
        if len(password) > LONGEST:
            return False
        with self._places:
            if not self._of_nobody:
                self._of_nobody = self._hasher.hash("nobody's password")
            try:
                return self._hasher.verify(password_hash or self._of_nobody, password) and password_hash is not None
            except (VerificationError, InvalidHashError, UnicodeEncodeError):
                return False

    def is_outdated(self, password_hash: str) -> bool:
        """Tell whether a hash was made with less effort than this one takes."""
        return self._hasher.check_needs_rehash(password_hash)
