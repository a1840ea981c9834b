"""Passwords: argon2id, a few at a time. The only module that knows argon2."""

import threading

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from botchat.core.errors import InvalidInput

MIN_LENGTH, MAX_LENGTH = 8, 1024
"""Characters of a password. At least 8: https://pages.nist.gov/800-63-4/sp800-63b.html."""

_MAX_CONCURRENT = 2  # each takes 64 MiB and 0.2 s of four cores


class Passwords:
    """Hashes passwords and checks them. Both take time and memory: no more than two are at it in a process."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        """Take a hasher; without one, argon2id with the second choice of RFC 9106 (64 MiB, 3 passes, 4 lanes)."""
        self._hasher = hasher or PasswordHasher()
        self._slots = threading.BoundedSemaphore(_MAX_CONCURRENT)
        self._dummy_hash = ""

    def hash(self, password: str) -> str:
        """Make of a password what may be stored.

        Raises:
            InvalidInput: it is too short, too long, or no text.
        """
        if not MIN_LENGTH <= len(password) <= MAX_LENGTH:
            raise InvalidInput(f"A password has {MIN_LENGTH} to {MAX_LENGTH:,} characters.")
        try:
            with self._slots:
                return self._hasher.hash(password)
        except UnicodeEncodeError as error:
            raise InvalidInput("That password holds half of a character and can't be typed again.") from error

    def verify(self, password: str, password_hash: str | None) -> bool:
        """Tell whether this is the password; of nobody's (None) it takes as long to say no."""
        if len(password) > MAX_LENGTH:
            return False
        with self._slots:
            if not self._dummy_hash:
                self._dummy_hash = self._hasher.hash("nobody's password")
            try:
                return self._hasher.verify(password_hash or self._dummy_hash, password) and password_hash is not None
            except (VerificationError, InvalidHashError, UnicodeEncodeError):
                return False

    def needs_rehash(self, password_hash: str) -> bool:
        """Tell whether a hash was made with less effort than this one takes."""
        return self._hasher.check_needs_rehash(password_hash)
