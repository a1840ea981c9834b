"""What the command line writes: to stdout, and to files that are whole or not there."""

import errno
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from botchat.core.errors import BotchatError, InvalidInput

_FAILURES = {errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EFBIG}


class ReaderGoneError(Exception):
    """Whoever read stdout has gone. Not an OSError, which Typer would end with exit code 1."""


def write(parts: Iterable[str]) -> None:
    """Write to stdout as UTF-8, whatever the terminal's locale says."""
    try:
        for part in parts:
            sys.stdout.buffer.write(part.encode("utf-8", "replace"))
            sys.stdout.buffer.flush()
    except BrokenPipeError as error:
        raise ReaderGoneError from error


def write_file(path: Path, parts: Iterable[str]) -> None:
    """Write a file that is whole or not there: it has its name only when it is complete.

    Raises:
        InvalidInput: it can't be written.
    """
    with writing_file(path) as file:
        file.writelines(parts)


@contextmanager
def writing_file(path: Path, *, resumable: bool = False, go_on: bool = False) -> Iterator[TextIO]:
    """Lend FILE.part to write to, at its end if it is to go on; it gets its name when all went well.

    If not, a resumable one stays as FILE.part.

    Raises:
        InvalidInput: it can't be written there.
        BotchatError: the disk is full, or failed.
    """
    unfinished = part_of(path)
    try:
        # Only its owner may read what people said.
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | (os.O_APPEND if go_on else os.O_TRUNC), 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="replace", newline="") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    except OSError as error:
        kind = BotchatError if error.errno in _FAILURES else InvalidInput
        raise kind(f"{path} can't be written: {error.strerror}.") from error
    finally:
        if not resumable:
            unfinished.unlink(missing_ok=True)


def part_of(path: Path) -> Path:
    """Tell where a file is until it is complete."""
    return path.with_name(f"{path.name}.part")
