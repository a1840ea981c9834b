"""Password hashing with argon2id, with limited concurrency. The only module that imports argon2."""

import threading

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from botchat.core.errors import InvalidInput

MIN_LENGTH, MAX_LENGTH = 8, 1024
"""Characters of a password. The minimum is from NIST: https://pages.nist.gov/800-63-4/sp800-63b.html."""

_MAX_CONCURRENT = 2  # each takes 64 MiB, and 0.2 s on four cores


class Passwords:
    """Hashes and verifies passwords. Both are expensive: at most two run at a time in a process."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        """Use a hasher; by default, argon2id with the second recommendation of RFC 9106 (64 MiB, 3 passes, 4 lanes)."""
        self._hasher = hasher or PasswordHasher()
        self._slots = threading.BoundedSemaphore(_MAX_CONCURRENT)
        self._dummy_hash = ""

    def hash(self, password: str) -> str:
        """Return the hash of a password.

        Raises:
            InvalidInput: it is too short, too long, or not valid Unicode.
        """
        if not MIN_LENGTH <= len(password) <= MAX_LENGTH:
            raise InvalidInput(f"Passwords must have {MIN_LENGTH} to {MAX_LENGTH:,} characters.")
        try:
            with self._slots:
                return self._hasher.hash(password)
        except UnicodeEncodeError as error:
            raise InvalidInput(
                "The password contains an invalid character (a lone surrogate), which can't be typed again."
            ) from error

    def verify(self, password: str, password_hash: str | None) -> bool:
        """Return whether a password matches its hash; without a hash (None), False takes the same time."""
        if len(password) > MAX_LENGTH:
            return False
        with self._slots:
            if not self._dummy_hash:
                self._dummy_hash = self._hasher.hash("a dummy password")
            try:
                return self._hasher.verify(password_hash or self._dummy_hash, password) and password_hash is not None
            except (VerificationError, InvalidHashError, UnicodeEncodeError):
                return False

    def needs_rehash(self, password_hash: str) -> bool:
        """Return whether a hash was made with other parameters than the current ones."""
        return self._hasher.check_needs_rehash(password_hash)
