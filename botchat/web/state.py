"""Whom this process serves. The launcher and the page are one process: both import this module and mean the same."""

from collections.abc import Callable
from dataclasses import dataclass

from botchat.core.chat import Chat


@dataclass(frozen=True, slots=True)
class Served:
    """What the launcher hands to the page.

    Attributes:
        user: whose sessions the page shows.
        connect: opens the store anew and checks that it answers; replies under way stay with the process.
        admins: who may see the figures about everybody.
    """

    user: str
    connect: Callable[[], Chat]
    admins: tuple[str, ...] = ()

    def is_admin(self, user: str) -> bool:
        """Tell whether a user may see the figures about everybody."""
        return user in self.admins


_served: list[Served] = []


def serve(served: Served) -> None:
    """Set what the page serves from now on."""
    _served[:] = [served]


def served() -> Served:
    """Return what the page serves."""
    return _served[0]


def user() -> str:
    """Tell whose sessions this run of the page shows: the launcher's user, never a parameter's."""
    return served().user
