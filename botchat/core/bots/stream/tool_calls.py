"""Assembles the tool calls of a reply, which servers stream in pieces."""

from typing import Any

from botchat.core.models import Unsupported

_ATOMIC_FIELDS = {"id", "type", "name", "index"}
"""Fields that a piece has completely; other text is continued in the next piece."""


class ToolCallCollector:
    """Collects the pieces of tool calls, and returns each call as received so far.

    A piece belongs to the call with its ID, else to the last one with its index, else to the last one. Gemini's
    endpoint omits the index, Ollama sends index 0 for every call, some servers repeat the name or send a new ID with
    each piece: so a piece begins a new call if it names a function and matches no call.
    """

    def __init__(self) -> None:
        self._calls: list[dict[str, Any]] = []

    def __bool__(self) -> bool:
        return bool(self._calls)

    def add(self, piece: dict[str, Any]) -> Unsupported:
        """Add a piece; return the current state of its call. Earlier states are not modified."""
        index = self._find(piece)
        if index is None:
            index = len(self._calls)
            self._calls.append({})
        call = self._calls[index] = merge_pieces(self._calls[index], piece)
        name = call_name(call)
        return Unsupported(f"tool call: {name}" if name else "tool call", call, f"tool call {index}")

    def _find(self, piece: dict[str, Any]) -> int | None:
        name, call_id, index = call_name(piece), piece.get("id"), piece.get("index")
        if call_id:
            known = self._last("id", call_id)
            if known is not None or name:
                return known if known is not None else self._unnamed(index)
        if index is not None:
            found = self._last("index", index)
            fits = found is not None and (not name or call_name(self._calls[found]) in {"", name})
            return found if fits else None
        return None if name or not self._calls else len(self._calls) - 1

    def _unnamed(self, index: Any) -> int | None:
        """Return the position of a call with this index that has no ID and name yet."""
        found = self._last("index", index) if index is not None else None
        is_bare = found is not None and not self._calls[found].get("id") and not call_name(self._calls[found])
        return found if is_bare else None

    def _last(self, field: str, value: Any) -> int | None:
        positions = (i for i in range(len(self._calls) - 1, -1, -1) if self._calls[i].get(field) == value)
        return next(positions, None)


def call_name(call: dict[str, Any]) -> str:
    """Return the name of the function in a tool call of any provider's format; "" if it has none yet."""
    for field in ("function", "custom", "functionCall", "function_call"):
        if isinstance(call.get(field), dict):
            return call_name(call[field])
    name = call.get("name")
    return name if isinstance(name, str) else ""


def merge_pieces(before: Any, piece: Any, field: str = "") -> Any:
    """Return a value with its next piece: text is appended, lists are extended, an empty piece changes nothing."""
    if piece is None or piece == "" or (before == piece and not isinstance(piece, str)):
        return before if before is not None else piece
    if isinstance(before, dict) and isinstance(piece, dict):
        names = [*before, *(name for name in piece if name not in before)]
        return {name: merge_pieces(before.get(name), piece.get(name), name) for name in names}
    if isinstance(before, list) and isinstance(piece, list):
        return [*before, *(item for item in piece if item not in before)]
    if before in (None, "", [], {}) or field in _ATOMIC_FIELDS:
        return piece
    if isinstance(before, str) and isinstance(piece, str):
        return before + piece
    return [*before, piece] if isinstance(before, list) else [before, piece]
