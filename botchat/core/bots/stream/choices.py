"""Keeps the choices of a response apart: one of them is the reply, the others (`n` of 2 or more) are kept raw."""

from typing import Any

from botchat.core.bots.stream.content_parts import has_text
from botchat.core.bots.stream.tool_calls import merge_pieces
from botchat.core.models import Unsupported

_CONTENT = ("delta", "message", "text")
_STATES = ("index", "finish_reason")
_ROLES = ("role", "name")


class ChoiceSplitter:
    """Tells which choice is the reply, and joins the pieces of the others.

    The reply is the first choice that holds content, also where its index isn't 0. A choice without an index belongs
    to the reply where it is the first of its chunk; further back, its position is its index.
    """

    def __init__(self) -> None:
        self._reply: int | None = None
        self._raw: dict[int, dict[str, Any]] = {}

    def split(self, choices: list[Any]) -> tuple[list[Any], list[Unsupported]]:
        """Return the choices of a chunk that are the reply, and the others as far as they arrived."""
        if len(choices) == 1 and type(choices[0]) is dict and choices[0].get("index") == self._reply is not None:
            return choices, []  # almost every chunk
        own, others = [], []
        for position, choice in enumerate(choices):
            if not isinstance(choice, dict):
                continue
            index = self._index(choice, position)
            if self._reply is None and _holds_content(choice):
                self._reply = index
            if self._reply in {None, index}:
                own.append(choice)
            elif other := self._add(index, choice):
                others.append(other)
        return own, others

    def _add(self, index: int, choice: dict[str, Any]) -> Unsupported | None:
        """Take the next piece of another choice; return the choice so far, None if it holds no content."""
        before = self._raw.get(index, {})
        if not (before or _holds_content(choice)):
            return None
        news = {name: _without_roles(value) for name, value in choice.items() if name not in _STATES}
        states = {name: value for name in _STATES if (value := choice.get(name)) is not None}
        self._raw[index] = merge_pieces(before, news) | states
        return Unsupported(f"choice {index}", self._raw[index], f"choice {index}")

    def _index(self, choice: dict[str, Any], position: int) -> int:
        index = choice.get("index")
        return index if type(index) is int else position or self._reply or 0


def _holds_content(choice: dict[str, Any]) -> bool:
    return any(has_text(_without_roles(choice.get(name))) for name in _CONTENT)


def _without_roles(value: Any) -> Any:
    """Leave out what servers repeat in every piece."""
    return {name: each for name, each in value.items() if name not in _ROLES} if isinstance(value, dict) else value
