"""The progress line of a long command, on stderr."""

import sys
import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

_Item = TypeVar("_Item")

_UPDATE_SECONDS = 0.2


def with_progress(items: Iterable[_Item], total: int, things: str) -> Iterator[_Item]:
    """Yield the items, and show how many there were on a line that is cleared at the end.

    Nothing is shown if stderr is not a terminal.
    """
    if not sys.stderr.isatty():
        yield from items
        return
    start = last = time.monotonic()
    try:
        for number, item in enumerate(items, 1):
            yield item
            if (at := time.monotonic()) - last >= _UPDATE_SECONDS:
                last = at
                sys.stderr.write(f"\r\x1b[K{number:,}/{total:,} {things}  {number / (at - start):,.0f}/s")
                sys.stderr.flush()
    finally:
        sys.stderr.write("\r\x1b[K")
        sys.stderr.flush()
