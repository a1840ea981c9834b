"""Puts together the tool calls of a reply, which servers stream in pieces."""

from typing import Any

from botchat.core.models import Unsupported

_WHOLE = {"id", "type", "name", "index"}
"""Fields that a piece gives whole; what else is text goes on in the next piece."""


class ToolCallCollector:
    """Collects pieces of tool calls, and returns each call as received so far.

    A piece belongs to the call with its id, else to the last one with its index, else to the last one. Gemini's
    endpoint leaves the index out, Ollama gives 0 to every call, some servers repeat the name or make a new id for
    each piece: so a piece begins a new call if it names a function and no call fits it.
    """

    def __init__(self) -> None:
        self._calls: list[dict[str, Any]] = []

    def __bool__(self) -> bool:
        return bool(self._calls)

    def add(self, piece: dict[str, Any]) -> Unsupported:
        """Take a piece; return its call as it is now. Earlier states of it are not changed."""
        place = self._place(piece)
        if place is None:
            place = len(self._calls)
            self._calls.append({})
        call = self._calls[place] = merge_pieces(self._calls[place], piece)
        name = call_name(call)
        return Unsupported(f"tool call: {name}" if name else "tool call", call, f"tool call {place}")

    def _place(self, piece: dict[str, Any]) -> int | None:
        name, called, index = call_name(piece), piece.get("id"), piece.get("index")
        if called:
            known = self._last("id", called)
            if known is not None or name:
                return known if known is not None else self._unnamed(index)
        if index is not None:
            place = self._last("index", index)
            fits = place is not None and (not name or call_name(self._calls[place]) in {"", name})
            return place if fits else None
        return None if name or not self._calls else len(self._calls) - 1

    def _unnamed(self, index: Any) -> int | None:
        """Return the place of a call with this index whose id and name are still to come."""
        place = self._last("index", index) if index is not None else None
        is_bare = place is not None and not self._calls[place].get("id") and not call_name(self._calls[place])
        return place if is_bare else None

    def _last(self, field: str, value: Any) -> int | None:
        places = (i for i in range(len(self._calls) - 1, -1, -1) if self._calls[i].get(field) == value)
        return next(places, None)


def call_name(call: dict[str, Any]) -> str:
    """Return the name of the function that a tool call asks for, in any provider's shape; "" if it has none yet."""
    for field in ("function", "custom", "functionCall", "function_call"):
        if isinstance(call.get(field), dict):
            return call_name(call[field])
    name = call.get("name")
    return name if isinstance(name, str) else ""


def merge_pieces(before: Any, piece: Any, field: str = "") -> Any:
    """Return a value with the next piece of it: text goes on, lists get longer, what says nothing changes nothing."""
    if piece is None or piece == "" or (before == piece and not isinstance(piece, str)):
        return before if before is not None else piece
    if isinstance(before, dict) and isinstance(piece, dict):
        names = [*before, *(name for name in piece if name not in before)]
        return {name: merge_pieces(before.get(name), piece.get(name), name) for name in names}
    if isinstance(before, list) and isinstance(piece, list):
        return [*before, *(item for item in piece if item not in before)]
    if before in (None, "", [], {}) or field in _WHOLE:
        return piece
    if isinstance(before, str) and isinstance(piece, str):
        return before + piece
    return [*before, piece] if isinstance(before, list) else [before, piece]
