"""Functions that are told of changes before and after they are stored."""

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
    """What is to change, or has changed, in a session of a user."""

    user: str
    session_id: str


@dataclass(frozen=True, kw_only=True)
class MessageAppended(Change):
    """A message is added."""

    message: Message


@dataclass(frozen=True, kw_only=True)
class MessageRedacted(Change):
    """A message loses its words, and gets others in their place."""

    message_id: str
    content: str


@dataclass(frozen=True, kw_only=True)
class MetadataChanged(Change):
    """Some fields of the metadata are set, and some go."""

    values: dict[str, Any]
    deleted: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class FeedbackGiven(Change):
    """Somebody said what they think: of a message, or with None of the session."""

    rating: Literal["up", "down"] | None
    comment: str
    message_id: str | None


C = TypeVar("C", bound=Change)
Before = Callable[[C], C | Coroutine[Any, Any, C | None] | None]
After = Callable[[C], Coroutine[Any, Any, None] | None]


class HookFailed(BotchatError):  # noqa: N818
    """Is raised when something was stored, and a function that was told of it failed: `errors` has all that did.

    The change is in the store: it is not to be made again.
    """

    def __init__(self, change: Change, errors: list[Exception]) -> None:
        super().__init__(
            f"{type(change).__name__}: it is stored, but a function that was told of it failed: {errors[0]!r}"
        )
        self.change = change
        self.errors = errors


class Hooks:
    """The functions of one store, in the order in which they came. They may be sync or async."""

    def __init__(self) -> None:
        self._before: list[tuple[type[Change], Callable[[Any], Any]]] = []
        self._after: list[tuple[type[Change], Callable[[Any], Any]]] = []

    def before(self, kind: type[C], function: Before[C]) -> None:
        """Call a function before each change of a kind is stored.

        What it returns is stored in the place of the change; None leaves it. An exception refuses it: nothing is
        stored, and the exception reaches whoever wanted the change.
        """
        self._before.append((kind, function))

    def after(self, kind: type[C], function: After[C]) -> None:
        """Call a function after each change of a kind is stored. If it fails: HookFailed, when all were told."""
        self._after.append((kind, function))

    def prepared(self, change: C) -> C:
        """Let the functions refuse or change what is to be stored.

        Raises:
            InvalidInput: one of them returned something else than a change of that kind, or of another session.
        """
        for kind, function in self._before:
            if isinstance(change, kind):
                answer = _finished(function(change))
                change = change if answer is None else _checked(change, answer)
        return change

    def tell(self, change: Change) -> None:
        """Tell what was stored.

        Raises:
            HookFailed: a function failed; the others were told.
        """
        errors = []
        for kind, function in self._after:
            if isinstance(change, kind):
                try:
                    _finished(function(change))
                except Exception as error:  # noqa: BLE001  (whatever it is, it is raised when all were told)
                    errors.append(error)
        if errors:
            raise HookFailed(change, errors) from ExceptionGroup("Functions that were told failed", errors)


def _checked(change: C, answer: Any) -> C:
    if type(answer) is not type(change):
        raise InvalidInput(f"A function before {type(change).__name__} must return one, or None: not {answer!r}.")
    if replace(answer, user=change.user, session_id=change.session_id) != answer:
        raise InvalidInput(f"A function before {type(change).__name__} can't move it to another session.")
    return answer


def _finished(answer: Any) -> Any:
    """Wait for an async function, in a thread with a loop of its own: this one's may be running."""
    if not inspect.isawaitable(answer):
        return answer

    async def wait() -> Any:
        return await answer

    with ThreadPoolExecutor(1) as thread:
        return thread.submit(contextvars.copy_context().run, asyncio.run, wait()).result()
