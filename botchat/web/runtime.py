"""Whom this process serves. The launcher and the page are one process: both import this module and mean the same."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import unquote

import streamlit as st
from starlette.requests import Request

from botchat.core.chat import Chat, Reply
from botchat.core.models.import_limits import ImportLimits, UploadLimits


class Replies(Protocol):
    """The replies that this process receives. They are known without the store."""

    @property
    def running_count(self) -> int:
        """How many are under way, whoever's."""
        ...

    def running(self, user: str, session_id: str) -> Reply | None:
        """Return the user's reply in a session that is still coming, or that is not stored."""
        ...


@dataclass(frozen=True, slots=True)
class Runtime:
    """What the launcher hands to the page.

    Attributes:
        user: whose sessions the page shows; None where people sign in: each sees their own.
        connect: opens the store anew and checks that it answers; replies under way stay with the process.
        replies: those replies.
        admins: who may see the figures about everybody.
        can_sign_out: people signed in here, and so can sign out.
        after_run: is called after each run of the page.
        import_limits: of a file that someone uploads to be imported.
    """

    user: str | None
    connect: Callable[[], Chat]
    replies: Replies
    admins: tuple[str, ...] = ()
    can_sign_out: bool = False
    after_run: Callable[[], None] = lambda: None
    import_limits: ImportLimits = field(default_factory=UploadLimits)

    def is_admin(self, user: str) -> bool:
        """Tell whether a user may see the figures about everybody."""
        return user in self.admins


_installed: list[Runtime] = []


def install(runtime: Runtime) -> None:
    """Set what the page serves from now on."""
    _installed[:] = [runtime]


def current() -> Runtime:
    """Return what the page serves."""
    return _installed[0]


def user() -> str:
    """Tell whose sessions this run of the page shows: the launcher's user or who is signed in, never a parameter's."""
    return current().user or unquote(str(st.user["user"]))


def user_of(request: Request) -> str:
    """Tell who asks for one of the addresses beside the page."""
    return current().user or str(request.state.sign_in.user)
