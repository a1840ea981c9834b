"""What the command line writes: to stdout, and to files that are whole or not there."""

import errno
import os
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from botchat.core.errors import BotchatError, InvalidInput

_FAILURES = {errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EFBIG}
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)
_MORE = os.O_WRONLY | os.O_APPEND | getattr(os, "O_NOFOLLOW", 0)
_OWNER_ALONE = 0o600  # it is what people said


class ReaderGoneError(Exception):
    """Whoever read stdout has gone. Not an OSError, which Typer would end with exit code 1."""


def write(parts: Iterable[str]) -> None:
    """Write to stdout as UTF-8, whatever the terminal's locale says.

    Raises:
        BotchatError: stdout is a file on a full disk, or the like.
    """
    for part in parts:
        try:
            sys.stdout.buffer.write(part.encode("utf-8", "replace"))
            sys.stdout.buffer.flush()
        except BrokenPipeError as error:
            raise ReaderGoneError from error
        except OSError as error:
            drop_output()
            raise BotchatError(f"The output can't be written: {error.strerror}.") from error


def drop_output() -> None:
    """Point stdout at nothing: Python would complain once more when it flushes it at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def write_file(path: Path, parts: Iterable[str]) -> None:
    """Write a file that is whole or not there: it has its name only when it is complete.

    Raises:
        InvalidInput: it can't be written there.
        BotchatError: the disk is full, or failed.
    """
    with translated(path):
        if path.exists() and not path.is_file():  # a device or a pipe is written to, not replaced
            with path.open("w", encoding="utf-8", errors="replace", newline="") as file:
                file.writelines(parts)
            return
        target = path.resolve()  # a link stays one
        descriptor, unfinished = tempfile.mkstemp(prefix=f".{target.name[:100]}.", dir=target.parent)
        try:
            _finish(descriptor, parts)
            Path(unfinished).replace(target)
        finally:
            Path(unfinished).unlink(missing_ok=True)


def write_resumable(path: Path, parts: Iterable[str], *, go_on: bool = False) -> None:
    """Write a file by way of FILE.part, which stays when it is broken off; `go_on` writes on at its end.

    Raises:
        InvalidInput: it can't be written there, or FILE.part is there already and is not to be gone on with.
        BotchatError: the disk is full, or failed.
    """
    unfinished = part_of(path)
    with translated(path):
        try:
            descriptor = os.open(unfinished, _MORE if go_on else _NEW, _OWNER_ALONE)
        except FileExistsError as error:
            raise InvalidInput(
                f"{unfinished} is there: an export that was not finished, or still runs. "
                "Go on with it by --resume, or remove it."
            ) from error
        _finish(descriptor, parts)
        unfinished.replace(path.resolve())


def part_of(path: Path) -> Path:
    """Tell where a file is until it is complete."""
    return path.with_name(f"{path.name}.part")


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Raise what the file system raises as botchat's own errors."""
    try:
        yield
    except OSError as error:
        kind = BotchatError if error.errno in _FAILURES else InvalidInput
        raise kind(f"{path} can't be written: {error.strerror}.") from error


def _finish(descriptor: int, parts: Iterable[str]) -> None:
    with os.fdopen(descriptor, "w", encoding="utf-8", errors="replace", newline="") as file:
        file.writelines(parts)
        file.flush()
        os.fsync(file.fileno())
