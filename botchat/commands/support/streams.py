"""Writes to stdout, and writes files atomically or resumably."""

import errno
import os
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from botchat.core.errors import BotchatError, InvalidInput

_DISK_ERRORS = {errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EFBIG}
_CREATE_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)
_APPEND_FLAGS = os.O_WRONLY | os.O_APPEND | getattr(os, "O_NOFOLLOW", 0)
_OWNER_ONLY = 0o600  # the files contain people's messages


class OutputClosedError(Exception):
    """The reader of stdout has gone. Not an OSError, because Typer would turn that into exit code 1."""


def write_stdout(parts: Iterable[str]) -> None:
    """Write to stdout as UTF-8, whatever the locale.

    Raises:
        OutputClosedError: the reader has gone.
        BotchatError: stdout can't be written, such as a file on a full disk.
    """
    for part in parts:
        try:
            sys.stdout.buffer.write(part.encode("utf-8", "replace"))
            sys.stdout.buffer.flush()
        except BrokenPipeError as error:
            raise OutputClosedError from error
        except OSError as error:
            discard_output()
            raise BotchatError(f"Can't write the output: {error.strerror}.") from error


def discard_output() -> None:
    """Redirect stdout to the null device: flushing it at exit would print another error."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def write_file(path: Path, parts: Iterable[str]) -> None:
    """Write a file atomically: it gets its name when it is complete.

    Raises:
        InvalidInput: the file can't be written.
        BotchatError: the disk is full or failed.
    """
    with translate_os_errors(path):
        if path.exists() and not path.is_file():  # write to a device or a pipe instead of replacing it
            with path.open("w", encoding="utf-8", errors="replace", newline="") as file:
                file.writelines(parts)
            return
        target = path.resolve()  # keeps a symbolic link
        descriptor, unfinished = tempfile.mkstemp(prefix=f".{target.name[:100]}.", dir=target.parent)
        try:
            _write_and_sync(descriptor, parts)
            Path(unfinished).replace(target)
        finally:
            Path(unfinished).unlink(missing_ok=True)


def write_resumable(path: Path, parts: Iterable[str], *, resume: bool = False) -> None:
    """Write a file as FILE.part, which remains if the command is interrupted, and rename it at the end.

    With `resume` the parts are appended to FILE.part.

    Raises:
        InvalidInput: the file can't be written, or FILE.part exists and is not to be resumed.
        BotchatError: the disk is full or failed.
    """
    unfinished = partial_path(path)
    with translate_os_errors(path):
        try:
            descriptor = os.open(unfinished, _APPEND_FLAGS if resume else _CREATE_FLAGS, _OWNER_ONLY)
        except FileExistsError as error:
            raise InvalidInput(
                f"{unfinished} exists: an export is incomplete or still running. "
                "Continue it with --resume, or delete the file."
            ) from error
        _write_and_sync(descriptor, parts)
        unfinished.replace(path.resolve())


def partial_path(path: Path) -> Path:
    """Return the path of a file while it is incomplete."""
    return path.with_name(f"{path.name}.part")


@contextmanager
def translate_os_errors(path: Path) -> Iterator[None]:
    """Translate OSErrors about a file into botchat's errors.

    Raises:
        InvalidInput: the file can't be written.
        BotchatError: the disk is full or failed.
    """
    try:
        yield
    except OSError as error:
        kind = BotchatError if error.errno in _DISK_ERRORS else InvalidInput
        raise kind(f"Can't write {path}: {error.strerror}.") from error


def _write_and_sync(descriptor: int, parts: Iterable[str]) -> None:
    with os.fdopen(descriptor, "w", encoding="utf-8", errors="replace", newline="") as file:
        file.writelines(parts)
        file.flush()
        os.fsync(file.fileno())
