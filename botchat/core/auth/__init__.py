"""Authentication: accounts, passwords, API tokens and sign-ins."""

from botchat.core.auth.credentials import IssuedSignIn, hash_secret
from botchat.core.auth.devices import DEVICE_LIFETIME, Devices
from botchat.core.auth.grant_cache import REVOCATION_POLL_SECONDS
from botchat.core.auth.service import AuthService
from botchat.core.auth.usernames import invalid_usernames

__all__ = [
    "DEVICE_LIFETIME",
    "REVOCATION_POLL_SECONDS",
    "AuthService",
    "Devices",
    "IssuedSignIn",
    "hash_secret",
    "invalid_usernames",
]
