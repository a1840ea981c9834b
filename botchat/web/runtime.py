"""Shared by the launcher and the page in one process: the connection, the replies and the current user."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import unquote

import streamlit as st
from starlette.requests import Request

from botchat.core.chat import Chat, Reply
from botchat.core.models.import_limits import ImportLimits, UploadLimits
from botchat.web.bot_editor import BotEditor


class Replies(Protocol):
    """The running replies of this process, which are available without the store."""

    @property
    def running_count(self) -> int:
        """The number of running replies of all users."""
        ...

    def active_reply(self, user: str, session_id: str) -> Reply | None:
        """Return the user's reply in a session that is streaming or not stored yet, or None."""
        ...


@dataclass(frozen=True, slots=True)
class Runtime:
    """The launcher's configuration of the page.

    Attributes:
        user: the only user of the page; None if users sign in.
        connect: opens and checks a new connection to the store. It shares the running replies of the process.
        replies: the running replies.
        admins: the users with access to the usage of all users.
        can_sign_out: whether the page itself signs users in and out.
        after_run: called after each run of the page.
        import_limits: the limits on an uploaded import file.
        bots: changes the bots; None if they can't be changed.
    """

    user: str | None
    connect: Callable[[], Chat]
    replies: Replies
    admins: tuple[str, ...] = ()
    can_sign_out: bool = False
    after_run: Callable[[], None] = lambda: None
    import_limits: ImportLimits = field(default_factory=UploadLimits)
    bots: BotEditor | None = None

    def is_admin(self, user: str) -> bool:
        """Return whether a user may see the usage of all users."""
        return user in self.admins


_installed: list[Runtime] = []


def install(runtime: Runtime) -> None:
    """Set the runtime of the page."""
    _installed[:] = [runtime]


def current() -> Runtime:
    """Return the installed runtime."""
    return _installed[0]


def user() -> str:
    """Return the user of this run of the page: the launcher's or the signed-in one, never one from the URL."""
    return current().user or unquote(str(st.user["user"]))


def user_of(request: Request) -> str:
    """Return the user of a request to one of the download routes."""
    return current().user or str(request.state.sign_in.user)
