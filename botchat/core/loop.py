"""The event loop on which replies run."""

import asyncio


def new_loop() -> asyncio.AbstractEventLoop:
    """Make a loop: uvloop's, where it is installed (`botchat[web]` has it), for it reads a hundred streams at less cost."""
    try:
        from uvloop import new_event_loop
    except ModuleNotFoundError:  # Windows has none, and a terminal with its one reply needs none
        return asyncio.new_event_loop()
    return new_event_loop()
