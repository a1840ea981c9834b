"""Start-up time of the command line, compared with an empty interpreter and llm, and the imports it must avoid."""

import getpass
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import sample
from measure import Row, alternate, count_row, ratio_row, seconds

from botchat.core.models import PAGE_SIZE
from botchat.core.storage.sqlite.repository import SqliteRepository

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


def rows(folder: Path) -> Iterator[Row]:
    floor = partial(seconds, _run, "-c", "pass")
    for option in ("--help", "--version"):
        loaded = _run("-c", _LOADED, option).split()
        yield count_row(f"botchat {option}, heavy libraries imported", len(loaded), None, at_most=0)
    store = _fill_store(folder / "start.db")
    for command, at_most in ((["--version"], 4), (["--help"], 8), (["sessions", "list", "--store", store], 45)):
        medians = alternate(floor, partial(seconds, _run, "-m", "botchat", *command), rounds=_ROUNDS)
        yield ratio_row(f"botchat {' '.join(command[:2])}, time vs. python -c pass", medians, at_most=at_most)
    if llm := shutil.which("llm", path=str(Path(sys.executable).parent)):
        medians = alternate(
            partial(seconds, _run, llm, "--help"), partial(seconds, _run, "-m", "botchat", "--help"), rounds=_ROUNDS
        )
        yield ratio_row("botchat --help, time vs. llm --help", medians, at_most=0.4)


def _fill_store(path: Path) -> str:
    """Create a store with more than one page of sessions; return its path."""
    repository = SqliteRepository(path)
    repository.prepare()
    for _ in range(2 * PAGE_SIZE):
        repository.save(sample.new_session(2, user=getpass.getuser()))
    repository.close()
    return str(path)


def _run(*arguments: str) -> str:
    """Run a fresh interpreter and return its stderr."""
    done = subprocess.run([sys.executable, *arguments], check=True, capture_output=True, text=True)
    return done.stderr
