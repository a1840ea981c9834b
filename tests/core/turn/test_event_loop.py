"""The event loop of the replies: what starts on it ends with it."""

import gc
import warnings

import pytest

from botchat.core.turn.event_loop import LoopThread


async def nothing() -> None:
    pass


def test_a_coroutine_that_comes_after_the_end_is_closed_and_python_does_not_warn() -> None:
    loop = LoopThread(nothing)
    loop.run(nothing())
    loop.stop()
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        late = nothing()
        with pytest.raises(RuntimeError):
            loop.run(late)
        del late
        gc.collect()
    assert [str(warning.message) for warning in seen] == []
