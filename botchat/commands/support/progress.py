"""The progress line of a long command, on stderr."""

import sys
import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

_Item = TypeVar("_Item")

_UPDATE_SECONDS = 0.2


def with_progress(items: Iterable[_Item], total: int, things: str, *, hidden: bool = False) -> Iterator[_Item]:
    """Yield the items, and show how many there were on a line that is cleared at the end: rate and time left too.

    Nothing is shown if stderr is not a terminal, or if `hidden`, such as when the items are printed on it too.
    """
    if hidden or not sys.stderr.isatty():
        yield from items
        return
    start = last = time.monotonic()
    try:
        for number, item in enumerate(items, 1):
            yield item
            if (at := time.monotonic()) - last >= _UPDATE_SECONDS:
                last = at
                sys.stderr.write(f"\r\x1b[K{progress_line(number, total, things, at - start)}")
                sys.stderr.flush()
    finally:
        sys.stderr.write("\r\x1b[K")
        sys.stderr.flush()


def progress_line(number: int, total: int, things: str, seconds: float) -> str:
    """Return the progress after some seconds: 1,200/5,000 sessions  400/s  0:10 left."""
    rate = number / seconds
    left = round(max(0, total - number) / rate)
    minutes, rest = divmod(left, 60)
    hours, minutes = divmod(minutes, 60)
    time_left = f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
    return f"{number:,}/{total:,} {things}  {rate:,.0f}/s  {time_left} left"
