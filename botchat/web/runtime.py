"""What the launcher and the page share in their process: the connection, the replies, and the current user."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import unquote

import streamlit as st
from starlette.requests import Request

from botchat.core.chat import Chat, Reply
from botchat.core.models.import_limits import ImportLimits, UploadLimits


class Replies(Protocol):
    """The running replies of this process, which are known without the store."""

    @property
    def running_count(self) -> int:
        """The number of running replies of all users."""
        ...

    def active_reply(self, user: str, session_id: str) -> Reply | None:
        """Return the user's reply in a session that is streaming or not yet stored, None if there is none."""
        ...


@dataclass(frozen=True, slots=True)
class Runtime:
    """What the launcher passes to the page.

    Attributes:
        user: the user of the page; None if users sign in and each sees their own sessions.
        connect: opens a new connection to the store and checks it. Running replies belong to the process.
        replies: the running replies.
        admins: users who may see the usage of all users.
        can_sign_out: whether the page itself signs users in, and so can sign them out.
        after_run: called after each run of the page.
        import_limits: limits of a file that is uploaded for an import.
    """

    user: str | None
    connect: Callable[[], Chat]
    replies: Replies
    admins: tuple[str, ...] = ()
    can_sign_out: bool = False
    after_run: Callable[[], None] = lambda: None
    import_limits: ImportLimits = field(default_factory=UploadLimits)

    def is_admin(self, user: str) -> bool:
        """Return whether a user may see the usage of all users."""
        return user in self.admins


_installed: list[Runtime] = []


def install(runtime: Runtime) -> None:
    """Set the runtime that the page uses from now on."""
    _installed[:] = [runtime]


def current() -> Runtime:
    """Return the runtime that was installed last."""
    return _installed[0]


def user() -> str:
    """Return the user of this run of the page: the launcher's or the one who is signed in, never one from the URL."""
    return current().user or unquote(str(st.user["user"]))


def user_of(request: Request) -> str:
    """Return the user of a request to one of the routes next to the page."""
    return current().user or str(request.state.sign_in.user)
