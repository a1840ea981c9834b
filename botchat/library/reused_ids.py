"""Frees the id of a deleted session for a new one; the deleted session stays in the trash under another id."""

from contextlib import suppress

from botchat.core.errors import DamagedRecord, SessionChanged, SessionNotFound
from botchat.core.models import SessionFilter, new_id
from botchat.core.storage import SessionRepository


def release_id(repository: SessionRepository, user: str, session_id: str) -> bool:
    """Move the user's session of that id aside if it is in the trash; True if the id is free then.

    The copy is stored before the original goes, and only an original that nobody has changed meanwhile goes, so nothing
    is lost whenever this stops. It can be restored as before, until it expires as before.

    Raises:
        DamagedRecord: the session in the trash can't be read whole.
    """
    where = SessionFilter(user=user, state="trash", ids=(session_id,))
    record = next(repository.for_admins().records(where), None)
    if isinstance(record, DamagedRecord):
        raise record
    if record is None:
        try:
            return repository.for_agents().header(user, session_id).state == "trash"
        except SessionNotFound:  # it has expired, or another process has moved it
            return True
    aside = new_id()
    repository.for_admins().put(record | {"_id": aside, "id": aside})
    try:
        repository.purge(user, session_id, unless_written_since=record["update_time"])
    except (SessionChanged, SessionNotFound):  # it was restored, or another process has moved it: this copy is one more
        with suppress(SessionNotFound):
            repository.purge(user, aside)
    return True
