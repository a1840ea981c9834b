"""Unsupported content: kept raw in a message's `payload`, and named in every front end."""

import json
from collections.abc import Iterable
from typing import Any, NamedTuple

_PREFIX = '{"unsupported": '


class Unsupported(NamedTuple):
    """A piece of content without plain text, as received.

    Attributes:
        kind: a short description for users: "image", "tool call: search".
        raw: its complete JSON.
        key: identifies it in its message, so that a later state of the same piece replaces an earlier one.
    """

    kind: str
    raw: Any
    key: str = ""


def pack(pieces: Iterable[Unsupported]) -> str | None:
    """Return the payload of a message with these pieces; None if there are none."""
    kept = [{"kind": piece.kind, "raw": piece.raw} for piece in pieces]
    return json.dumps({"unsupported": kept}) if kept else None


def unpack(payload: str | None) -> list[Unsupported]:
    """Return the pieces of a payload; [] if it has none, or is another program's."""
    if payload is None or not is_packed(payload):
        return []
    try:
        kept = json.loads(payload)["unsupported"]
        return [Unsupported(str(piece["kind"]), piece["raw"]) for piece in kept]
    except (ValueError, LookupError, TypeError, RecursionError):  # another program's that only starts like ours
        return []


def is_packed(payload: str) -> bool:
    """Return whether a payload starts as `pack` writes it."""
    return payload.startswith(_PREFIX)


def unsupported_notices(payload: str | None) -> list[str]:
    """Return a notice for each piece of a payload: "Unsupported content: image"."""
    return [f"Unsupported content: {' '.join(piece.kind.split())}" for piece in unpack(payload)]
