"""The storage key of a session: what a user and a session id become in a store, which needs one key for all users.

An id that botchat generated (a version 4 UUID) is unguessable and is its own key. An id that somebody chose belongs to
its user alone: its key is `ID@user-DIGEST`, so that each user can have the same id and nobody learns of another's.
Stores of earlier versions have every session under its plain id, and an id that botchat generated may be imported by a
second user. So each of a user's ids has two possible keys, and a record counts only if it is this user's.
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
    """Tell whether an id has the form of the ids that botchat generates."""
    return _GENERATED.fullmatch(session_id) is not None


def keys_of(user: str, session_id: str) -> tuple[str, ...]:
    """Return the keys that a user's session of this id can have; the first is the one for a new session."""
    if not isinstance(user, str) or not isinstance(session_id, str) or not session_id:
        return (session_id,)  # which no store takes
    suffix = suffix_of(user)
    own = session_id + suffix
    if session_id.endswith(suffix):  # as a key, it is another session of this user
        return (own,)
    return (session_id, own) if is_generated(session_id) else (own, session_id)


def id_of(user: str, key: str) -> str:
    """Return the session id of a key of this user's; a damaged record may have anything for a user."""
    return key.removesuffix(suffix_of(user)) if isinstance(user, str) else key


def range_of(session_id: str) -> tuple[str, str]:
    """Return where the keys begin and end (exclusive) that users have for an id that they chose."""
    begin = session_id + _MARK
    return begin, begin + "g"  # behind every hexadecimal digit


def owners_of(session_id: str, found: Iterable[tuple[object, str]]) -> list[str]:
    """Return the users, by name, of those keys that stand for this id; a damaged record has no user."""
    return sorted({user for user, key in found if isinstance(user, str) and id_of(user, key) == session_id})


@lru_cache(10_000)
def suffix_of(user: str) -> str:
    """Return what stands behind the id in this user's keys."""
    digest = blake2b(user.encode(errors="surrogatepass"), digest_size=_DIGEST_BYTES)
    return _MARK + digest.hexdigest()
