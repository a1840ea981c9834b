"""Accounts, passwords, API tokens and sign-ins: who a request comes from, and what they may do."""

from botchat.core.auth.credentials import hash_of
from botchat.core.auth.devices import KNOWN_FOR, Devices
from botchat.core.auth.grant_cache import HEARD_SECONDS
from botchat.core.auth.service import Access, Signed
from botchat.core.auth.usernames import refused_names

__all__ = ["HEARD_SECONDS", "KNOWN_FOR", "Access", "Devices", "Signed", "hash_of", "refused_names"]
