"""Hooks: functions that are called before and after a change is stored, and the changes that they receive."""

import asyncio
import contextvars
import inspect
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeVar

from botchat.core.errors import BotchatError, InvalidInput
from botchat.core.models import Message


@dataclass(frozen=True, kw_only=True)
class Change:
    """A change of a user's session, before or after it is stored."""

    user: str
    session_id: str


@dataclass(frozen=True, kw_only=True)
class MessageAppended(Change):
    """A message is appended."""

    message: Message


@dataclass(frozen=True, kw_only=True)
class MessageRedacted(Change):
    """The text of a message is replaced by `content`."""

    message_id: str
    content: str


@dataclass(frozen=True, kw_only=True)
class MetadataChanged(Change):
    """Fields of the metadata are set or deleted."""

    values: dict[str, Any]
    deleted: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class FeedbackGiven(Change):
    """Someone rates a message, or the session if `message_id` is None."""

    rating: Literal["up", "down"] | None
    comment: str
    message_id: str | None


C = TypeVar("C", bound=Change)
BeforeHook = Callable[[C], C | Coroutine[Any, Any, C | None] | None]
AfterHook = Callable[[C], Coroutine[Any, Any, None] | None]


class HookFailed(BotchatError):  # noqa: N818
    """A change is stored, but hooks after it failed: `errors` has all their exceptions.

    Don't repeat the change: it is in the store.
    """

    def __init__(self, change: Change, errors: list[Exception]) -> None:
        super().__init__(f"{type(change).__name__}: the change is stored, but a hook after it failed: {errors[0]!r}")
        self.change = change
        self.errors = errors


class Hooks:
    """The hooks of one store, in the order in which they were added. They may be sync or async."""

    def __init__(self) -> None:
        self._before: list[tuple[type[Change], Callable[[Any], Any]]] = []
        self._after: list[tuple[type[Change], Callable[[Any], Any]]] = []

    def before(self, kind: type[C], function: BeforeHook[C]) -> None:
        """Call a function before each change of a kind is stored.

        A change that it returns is stored instead. An exception rejects it: nothing is stored,
        and the caller gets the exception.
        """
        self._before.append((kind, function))

    def after(self, kind: type[C], function: AfterHook[C]) -> None:
        """Call a function after each change of a kind is stored. If it fails, HookFailed is raised after all hooks."""
        self._after.append((kind, function))

    def run_before(self, change: C) -> C:
        """Run the hooks before a change, and return the change to store.

        Raises:
            InvalidInput: a hook returned something other than a change of this kind, or one of another session.
        """
        for kind, function in self._before:
            if isinstance(change, kind):
                answer = _wait_for(function(change))
                change = change if answer is None else _checked_change(change, answer)
        return change

    def run_after(self, change: Change) -> None:
        """Run the hooks after a stored change.

        Raises:
            HookFailed: a hook failed; the others have run.
        """
        errors = []
        for kind, function in self._after:
            if isinstance(change, kind):
                try:
                    _wait_for(function(change))
                except Exception as error:  # noqa: BLE001  (any error is raised after all hooks have run)
                    errors.append(error)
        if errors:
            raise HookFailed(change, errors) from ExceptionGroup("Hooks failed", errors)


def _checked_change(change: C, answer: Any) -> C:
    if type(answer) is not type(change):
        raise InvalidInput(
            f"A hook before {type(change).__name__} must return {type(change).__name__} or None, not {answer!r}."
        )
    if replace(answer, user=change.user, session_id=change.session_id) != answer:
        raise InvalidInput(f"A hook before {type(change).__name__} can't change its user or session.")
    return answer


def _wait_for(answer: Any) -> Any:
    """Wait for an async hook in a thread with its own event loop: the caller's loop may be running."""
    if not inspect.isawaitable(answer):
        return answer

    async def wait() -> Any:
        return await answer

    with ThreadPoolExecutor(1) as thread:
        return thread.submit(contextvars.copy_context().run, asyncio.run, wait()).result()
