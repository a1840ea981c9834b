"""Limits the size of a reply, so that a server that never ends its stream takes a bounded amount of memory."""

from dataclasses import replace
from typing import Any

from botchat.core.errors import ReplyTooLarge
from botchat.core.models import Delta

MAX_REPLY_BYTES = 15 * 1024 * 1024 - 256 * 1024
"""Limit for a reply with its reasoning and other content: a message of 15 MiB, less its other fields."""

MAX_DELTAS = 1_000_000
"""Limit for the deltas of a reply. Each takes about 120 bytes besides its text; the longest replies have 128,000."""

_ESCAPE_BYTES = 6
"""Bytes of a non-ASCII UTF-16 unit in the JSON in which unsupported content is stored."""


class ReplySizeLimit:
    """Counts the size of a reply while it is received, and cuts it at the limit."""

    def __init__(self, max_bytes: int = MAX_REPLY_BYTES, max_deltas: int = MAX_DELTAS) -> None:
        self._left = max_bytes
        self._deltas_left = max_deltas
        self._unsupported: dict[str, int] = {}
        self._is_full = False

    def take(self, delta: Delta) -> Delta:
        """Count a delta; return it, cut at the limit."""
        self._deltas_left -= 1
        reasoning = self._cut(delta.reasoning_content)
        content = self._cut(delta.content)
        piece = delta.unsupported
        if piece is not None:
            size = json_size(piece.raw)
            self._left -= size - self._unsupported.get(piece.key, 0)
            self._unsupported[piece.key] = size
            if self._left < 0:
                self._is_full, piece = True, None
        self._is_full = self._is_full or self._deltas_left <= 0
        if content is delta.content and reasoning is delta.reasoning_content and piece is delta.unsupported:
            return delta
        return replace(delta, content=content, reasoning_content=reasoning, unsupported=piece)

    def check(self) -> None:
        """Check that the limit is not reached.

        Raises:
            ReplyTooLarge: the limit is reached.
        """
        if self._is_full:
            raise ReplyTooLarge

    def _cut(self, text: str) -> str:
        size = len(text) if text.isascii() else len(text.encode(errors="surrogatepass"))
        if size <= self._left:
            self._left -= size
            return text
        self._is_full = True
        kept = text.encode(errors="surrogatepass")[: max(0, self._left)].decode(errors="ignore")
        self._left = 0
        return kept


def json_size(value: Any) -> int:
    """Return an upper bound for the bytes of a value as JSON, without visiting every character."""
    size, waiting = 0, [value]
    while waiting:
        inner = waiting.pop()
        size += 8
        if isinstance(inner, str):
            size += len(inner) if inner.isascii() else 2 * _ESCAPE_BYTES * len(inner)
        elif isinstance(inner, dict):
            waiting += [*inner.keys(), *inner.values()]
        elif isinstance(inner, list):
            waiting += inner
    return size
