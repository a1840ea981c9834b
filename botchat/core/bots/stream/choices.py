"""Separates the choices of a response: one of them is the reply, the others (`n` of 2 or more) are kept raw."""

from typing import Any

from botchat.core.bots.stream.content_parts import has_text
from botchat.core.bots.stream.tool_calls import merge_pieces
from botchat.core.models import Unsupported

_CONTENT_FIELDS = ("delta", "message", "text")
_STATE_FIELDS = ("index", "finish_reason")
_ROLE_FIELDS = ("role", "name")


class ChoiceSplitter:
    """Determines which choice is the reply, and merges the pieces of the others.

    The reply is the first choice with content, even if its index isn't 0. A choice without an index belongs to the
    reply if it is the first of its chunk; otherwise its position is its index.
    """

    def __init__(self) -> None:
        self._reply: int | None = None
        self._raw: dict[int, dict[str, Any]] = {}

    def split(self, choices: list[Any]) -> tuple[list[Any], list[Unsupported]]:
        """Return the choices of a chunk that belong to the reply, and the current state of the others."""
        if len(choices) == 1 and type(choices[0]) is dict and choices[0].get("index") == self._reply is not None:
            return choices, []  # almost every chunk
        own, others = [], []
        for position, choice in enumerate(choices):
            if not isinstance(choice, dict):
                continue
            index = self._index(choice, position)
            if self._reply is None and _has_content(choice):
                self._reply = index
            if self._reply in {None, index}:
                own.append(choice)
            elif other := self._add(index, choice):
                others.append(other)
        return own, others

    def _add(self, index: int, choice: dict[str, Any]) -> Unsupported | None:
        """Merge the next piece of another choice; return the choice so far, None if it has no content."""
        before = self._raw.get(index, {})
        if not (before or _has_content(choice)):
            return None
        piece = {name: _without_roles(value) for name, value in choice.items() if name not in _STATE_FIELDS}
        states = {name: value for name in _STATE_FIELDS if (value := choice.get(name)) is not None}
        self._raw[index] = merge_pieces(before, piece) | states
        return Unsupported(f"choice {index}", self._raw[index], f"choice {index}")

    def _index(self, choice: dict[str, Any], position: int) -> int:
        index = choice.get("index")
        return index if type(index) is int else position or self._reply or 0


def _has_content(choice: dict[str, Any]) -> bool:
    return any(has_text(_without_roles(choice.get(name))) for name in _CONTENT_FIELDS)


def _without_roles(value: Any) -> Any:
    """Return a value without the fields that servers repeat in every piece."""
    return (
        {name: each for name, each in value.items() if name not in _ROLE_FIELDS} if isinstance(value, dict) else value
    )
