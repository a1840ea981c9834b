"""Reads standard input for a question, as text or an image; a pipe without data is not awaited without a limit.

The only module that decides what piped bytes are.
"""

import codecs
import os
import queue
import sys
import threading
from collections.abc import Mapping

from botchat.core.errors import InvalidInput, SessionTooLarge
from botchat.core.models import File, read_file

TIMEOUT_VARIABLE = "BOTCHAT_INPUT_TIMEOUT"
"""The environment variable with the seconds that a question on the command line waits for piped input."""

NOTICE_SECONDS = 1.0
"""Seconds without input until a notice says that the command waits for it."""

MAX_INPUT_BYTES = 15 * 1024 * 1024

_DEFAULT_TIMEOUT = 30.0
_BLOCK_BYTES = 65_536

# The longer mark first: that of UTF-32 (little-endian) begins with that of UTF-16.
_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def input_timeout(environment: Mapping[str, str] = os.environ) -> float:
    """Return the seconds that a question on the command line waits for the first byte of piped input.

    Raises:
        InvalidInput: the environment variable isn't a number of seconds.
    """
    text = environment.get(TIMEOUT_VARIABLE)
    try:
        seconds = _DEFAULT_TIMEOUT if text is None else float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= threading.TIMEOUT_MAX:
        raise InvalidInput(f"{TIMEOUT_VARIABLE} must be a number of seconds, such as 30.")
    return seconds


def read_input(descriptor: int, *, timeout: float | None) -> bytes:
    """Read a file or a pipe to its end. After a second without any data, a notice says so.

    Args:
        descriptor: the file descriptor to read.
        timeout: seconds until a pipe without any data counts as empty; None waits until it is closed.

    Raises:
        SessionTooLarge: there is more than a message can hold.
    """
    from botchat.commands.support.options import print_notice

    blocks: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    threading.Thread(target=_read_blocks, args=(descriptor, blocks), daemon=True).start()
    notice_seconds = NOTICE_SECONDS if timeout is None else min(NOTICE_SECONDS, timeout)
    try:
        block = blocks.get(timeout=notice_seconds)
    except queue.Empty:
        print_notice("Waiting for input on standard input (Ctrl+D to end)…")
        try:
            block = blocks.get(timeout=None if timeout is None else timeout - notice_seconds)
        except queue.Empty:
            print_notice(
                f"No input on standard input after {timeout:g} s: asking without it. To wait for it, add - to the "
                "question; to skip it, add </dev/null."
            )
            return b""
    data = bytearray()
    while block:
        data += block
        if len(data) > MAX_INPUT_BYTES:
            raise SessionTooLarge
        block = blocks.get()
    return bytes(data)


def _read_blocks(descriptor: int, blocks: "queue.SimpleQueue[bytes]") -> None:
    """Read until the end, in a daemon thread: a read that never returns keeps no process alive."""
    block = b"?"
    while block:
        try:
            block = os.read(descriptor, _BLOCK_BYTES)
        except OSError:  # closed, or a folder: there is nothing to read
            block = b""
        blocks.put(block)


def is_piped(*, explicit: bool) -> bool:
    """Return whether there is input to read: stdin is not a terminal, or `-` requests it."""
    return sys.stdin is not None and (explicit or not sys.stdin.isatty())


def text_or_image(data: bytes, name: str = "stdin") -> str | File:
    """Return piped bytes as text, decoded by their byte order mark or as UTF-8, or as an attached image.

    Raises:
        InvalidInput: they are neither.
    """
    for mark, encoding in _BYTE_ORDER_MARKS:
        if data.startswith(mark):
            return _decoded(data, encoding, f"starts as {encoding.removesuffix('-sig').upper()} but isn't valid")
    if (kind := _image_kind(data)) is not None:
        return read_file(f"{name}.{kind}", data)
    if b"\0" in data:
        raise InvalidInput("Standard input isn't text or an image. Pipe in UTF-8 text, or a PNG, JPEG, GIF or WebP.")
    return _decoded(data, "utf-8", "isn't UTF-8 text")


def _decoded(data: bytes, encoding: str, problem: str) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        raise InvalidInput(
            f"Standard input {problem} (byte {error.start + 1:,}). Convert it first, for example: "
            "iconv -f LATIN1 -t UTF-8"
        ) from error


def _image_kind(data: bytes) -> str | None:
    from botchat.core.models import image_type

    kind = image_type(data)
    return kind and kind.removeprefix("image/").replace("jpeg", "jpg")
