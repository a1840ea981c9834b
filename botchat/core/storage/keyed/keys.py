"""The storage key of a session, made from its user and its ID, because a store needs one key across all users.

An ID that botchat generated (a version 4 UUID) is unguessable and is its own key. An ID that a user chose belongs to
that user: its key is `ID@user-DIGEST`, so that two users can have the same ID and neither learns of the other's.
Earlier versions stored every session under its plain ID, and a second user can import a session with a generated ID.
So each of a user's IDs has two possible keys, and a record counts only if it belongs to this user.
"""

import re
from collections.abc import Iterable
from functools import lru_cache
from hashlib import blake2b

_MARK = "@user-"
_DIGEST_BYTES = 16
"""128 bits: no two users of a store have the same digest by chance."""

_GENERATED = re.compile("[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
"""A version 4 UUID as `uuid.uuid4` writes it: https://www.rfc-editor.org/rfc/rfc9562#section-5.4"""


def is_generated(session_id: str) -> bool:
    """Return whether an ID has the form of the IDs that botchat generates."""
    return _GENERATED.fullmatch(session_id) is not None


def keys_of(user: str, session_id: str) -> tuple[str, ...]:
    """Return the keys that a user's session with this ID can have; the first is the one for a new session."""
    if not isinstance(user, str) or not isinstance(session_id, str) or not session_id:
        return (session_id,)  # no store accepts it
    suffix = suffix_of(user)
    own = session_id + suffix
    if session_id.endswith(suffix):  # as a key, it is another session of this user
        return (own,)
    return (session_id, own) if is_generated(session_id) else (own, session_id)


def id_of(user: str, key: str) -> str:
    """Return the session ID of one of this user's keys; in a damaged record, the user can be of any type."""
    return key.removesuffix(suffix_of(user)) if isinstance(user, str) else key


def range_of(session_id: str) -> tuple[str, str]:
    """Return the range (end exclusive) of the keys of all users for an ID that they chose."""
    begin = session_id + _MARK
    return begin, begin + "g"  # behind every hexadecimal digit


def owners_of(session_id: str, found: Iterable[tuple[object, str]]) -> list[str]:
    """Return the users, by name, of those keys that belong to this ID; a damaged record can lack a user."""
    return sorted({user for user, key in found if isinstance(user, str) and id_of(user, key) == session_id})


@lru_cache(10_000)
def suffix_of(user: str) -> str:
    """Return the suffix of this user's keys."""
    digest = blake2b(user.encode(errors="surrogatepass"), digest_size=_DIGEST_BYTES)
    return _MARK + digest.hexdigest()
