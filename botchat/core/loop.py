"""The event loop on which replies run."""

import asyncio


def new_loop() -> asyncio.AbstractEventLoop:
    """Make a loop: uvloop's, where there is one, for it reads a hundred streams at less cost."""
    try:
        from uvloop import new_event_loop
    except ModuleNotFoundError:  # on Windows, or not on CPython
        return asyncio.new_event_loop()
    return new_event_loop()
