"""Content that botchat doesn't understand: kept raw in a message's `payload`, and named in every front end."""

import json
from collections.abc import Iterable
from typing import Any, NamedTuple

_BEGINNING = '{"unsupported": '


class Unsupported(NamedTuple):
    """A piece of content that has no plain text, as its sender wrote it.

    Attributes:
        kind: what it is, in a few words for a person: "image", "tool call: search".
        raw: its JSON, whole.
        key: what it is called in its message, so that a later state of the same piece replaces an earlier one.
    """

    kind: str
    raw: Any
    key: str = ""


def pack(pieces: Iterable[Unsupported]) -> str | None:
    """Write pieces as the payload of a message; None where there are none."""
    kept = [{"kind": piece.kind, "raw": piece.raw} for piece in pieces]
    return json.dumps({"unsupported": kept}) if kept else None


def unpack(payload: str | None) -> list[Unsupported]:
    """Read the pieces of a payload; [] where it has none, or is another program's."""
    if payload is None or not is_packed(payload):
        return []
    try:
        kept = json.loads(payload)["unsupported"]
        return [Unsupported(str(piece["kind"]), piece["raw"]) for piece in kept]
    except (ValueError, LookupError, TypeError, RecursionError):  # another program's, and only begins like ours
        return []


def is_packed(payload: str) -> bool:
    """Tell whether a payload begins as `pack` writes it."""
    return payload.startswith(_BEGINNING)


def unsupported_notices(payload: str | None) -> list[str]:
    """Return a line for each piece that can't be shown: "Unsupported content: image"."""
    return [f"Unsupported content: {' '.join(piece.kind.split())}" for piece in unpack(payload)]
