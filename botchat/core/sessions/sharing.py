"""Read-only links to sessions: a link refers to messages and holds none, so a deletion or redaction reaches it."""

import secrets
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from hashlib import sha256
from typing import NamedTuple

from botchat.core.errors import (
    DamagedRecord,
    FileNotFound,
    InvalidInput,
    LinkNotFound,
    MessageNotFound,
    SessionNotFound,
)
from botchat.core.models import File, Message, Session, branch_of, check_name, new_id, now
from botchat.core.sessions.queries import SessionQueries
from botchat.core.storage import SharedLink

DEFAULT_LIFETIME = timedelta(days=30)
_SECRET_BYTES = 24  # 192 bits


class NewLink(NamedTuple):
    """A new link with its secret, which is shown once."""

    link: SharedLink
    secret: str

    @property
    def path(self) -> str:
        """The path of the link on the page's server."""
        return f"/share/{self.secret}"


class Sharing(SessionQueries):
    """Makes, lists, revokes and follows shared links."""

    def share(
        self,
        user: str,
        session_id: str,
        *,
        until: str | None = None,
        lifetime: timedelta | None = DEFAULT_LIFETIME,
        is_live: bool = False,
    ) -> NewLink:
        """Make a link to a session, or up to the message `until`; a `lifetime` of None never ends.

        Raises:
            SessionNotFound: the user has no such session, or it is in the trash.
            MessageNotFound: `until` isn't on the shown branch.
            InvalidInput: nothing can be shared, the lifetime is zero, or a live link has an `until`.
        """
        if is_live and until:
            raise InvalidInput("A live link shows the whole chat. Share it up to a message, or share it live.")
        at = now()
        expire_time = _end(at, lifetime)
        session = self.open(user, session_id)
        if session.state == "trash":
            raise SessionNotFound(session_id)
        shown = [m for m in branch_of(list(self.history(session)), session.head) if _is_finished(m)]
        if not shown:
            raise InvalidInput("Nothing to share yet. Send a message first.")
        if until is not None and all(message.id != until for message in shown):
            raise MessageNotFound(until)
        secret = secrets.token_urlsafe(_SECRET_BYTES)
        link = SharedLink(
            user=check_name("The user", user),
            session_id=session.id,
            message_id=until or shown[-1].id,
            hash=_hash(secret),
            is_live=is_live,
            create_time=at,
            expire_time=expire_time,
        )
        self._repository.links().add(link)
        return NewLink(link, secret)

    def shared_links(self, user: str, session_id: str | None = None) -> Sequence[SharedLink]:
        """Return the user's links that haven't ended, or those to one session, newest first."""
        return self._repository.links().of(user, session_id)

    def revoke_link(self, user: str, link_id: str) -> None:
        """Revoke a link: it leads nowhere from now on.

        Raises:
            LinkNotFound: the user has no such link.
        """
        if not self._repository.links().remove(user, link_id):
            raise LinkNotFound

    def revoke_links(self, user: str) -> None:
        """Revoke all links of a user."""
        self._repository.links().remove_all(user)

    def shared(self, secret: str) -> Session:
        """Return what a link shows: the name and the messages, without anything else of the session.

        Raises:
            LinkNotFound: there is no such link, or its session or its last message is gone.
        """
        link = self._repository.links().by_hash(_hash(secret))
        if link is None:
            raise LinkNotFound
        try:
            session = self._repository.get(link.user, link.session_id)
        except (SessionNotFound, DamagedRecord) as error:
            raise LinkNotFound from error
        if session.state == "trash" or (session.expire_time is not None and session.expire_time <= now()):
            raise LinkNotFound
        messages = list(self.history(session))
        if all(message.id != link.message_id for message in messages):  # another session with the same ID
            raise LinkNotFound
        branch = branch_of(messages, session.head if link.is_live else link.message_id)
        shown = [self._shown(session, message) for message in branch if _is_shown(message)]
        return Session(
            id="shared",
            user="shared",
            name=session.name,
            create_time=session.create_time,
            bot_id=session.bot_id,
            messages=shown,
            message_count=len(shown),
        )

    def continue_shared(self, user: str, secret: str, bot_id: str) -> Session:
        """Copy what a link shows into a new session of this user; return it.

        Raises:
            LinkNotFound: as for `shared`.
        """
        shown = self.shared(secret)
        copied = [
            replace(message, id=new_id(), status="interrupted" if message.status == "streaming" else message.status)
            for message in shown.messages
        ]
        new = Session(user=check_name("The user", user), bot_id=bot_id, name=shown.name, messages=copied)
        new.expire_time = self._turns.retention_enforcer.retention.expire_time(new, now())
        self._repository.save(new)
        self._turns.bump_revision(user)
        return new

    def _shown(self, session: Session, message: Message) -> Message:
        """Return a message with only the fields that a link shows; of its files, the images."""
        return Message(
            id=message.id,
            role=message.role,
            content=message.content,
            create_time=message.create_time,
            status=message.status,
            files=list(self._images(session, message)),
        )

    def _images(self, session: Session, message: Message) -> Iterator[File]:
        for file in message.files:
            if file.is_image:
                with suppress(FileNotFound):  # its data are lost, and a file that isn't shown isn't named either
                    data = file.data if file.data is not None else self.file(session.user, session.id, file.id)
                    yield File(id=new_id(), name=file.name, type=file.type, size=file.size, data=data)


def _is_shown(message: Message) -> bool:
    """Return whether a link shows a message: what a user or a bot said, not a redacted one, a prompt or a tool's."""
    return message.role in {"user", "assistant"} and message.redacted_time is None


def _is_finished(message: Message) -> bool:
    """Return whether nothing will be added to a message: a retry writes into an empty reply."""
    return _is_shown(message) and message.status != "streaming" and bool(message.content or message.files)


def _end(at: datetime, lifetime: timedelta | None) -> datetime | None:
    if lifetime is None:
        return None
    if lifetime <= timedelta():
        raise InvalidInput("The lifetime is zero. Use a duration such as 30d.")
    try:
        return at + lifetime
    except OverflowError as error:
        raise InvalidInput("The lifetime is too long. Choose a shorter one, or none.") from error


def _hash(secret: str) -> str:
    return sha256(secret.encode(errors="surrogatepass")).hexdigest()
