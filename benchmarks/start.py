"""What it takes to start the command line: the time next to an empty interpreter, and what it must not import."""

import subprocess
import sys
from collections.abc import Iterator
from functools import partial

from measure import Row, count_row, in_turn, ratio_row, seconds

_ROUNDS = 20
_HEAVY = ("openai", "pymongo", "streamlit", "textual")

_LOADED = f"""
import sys
from botchat.__main__ import main
try:
    main()
except SystemExit:
    pass
print(*(name for name in {_HEAVY} if name in sys.modules), file=sys.stderr)
"""


def rows() -> Iterator[Row]:
    floor = partial(seconds, _run, "-c", "pass")
    for option in ("--help", "--version"):
        loaded = _run("-c", _LOADED, option).split()
        yield count_row(f"botchat {option}, heavy libraries loaded", len(loaded), None, at_most=0)
        medians = in_turn(floor, partial(seconds, _run, "-m", "botchat", option), rounds=_ROUNDS)
        yield ratio_row(f"botchat {option}, time", medians)


def _run(*arguments: str) -> str:
    """Run a fresh interpreter and return what it says on stderr."""
    done = subprocess.run([sys.executable, *arguments], check=True, capture_output=True, text=True)
    return done.stderr
