"""Opens files that are imported as streams of UTF-8, out of a .zip too, within the limits of an import."""

import codecs
import io
import re
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import IO, Any, BinaryIO

from botchat.core.errors import InvalidInput
from botchat.core.models.import_limits import ImportLimits

CHUNK = 64 * 1024
"""Bytes that are read at once."""

_CONVERSATIONS = re.compile(r"(^|/)conversations[^/]*\.json$")
_SMALL = 10_000_000
"""Bytes; a file that unpacks to no more may be packed as well as it likes."""

_ENTRY_BYTES = 500
"""Bytes of an entry in the directory of a .zip, at most in the mean: 46, and its name."""

_SPOILT = (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError)
"""The errors of a .zip that is damaged, has a password, or is packed in a way that isn't supported."""


class _Stream(io.RawIOBase):
    """A stream of bytes that are read or made when they are asked for."""

    def __init__(self) -> None:
        self._left = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._left or self._next(len(buffer))
        size = min(len(data), len(buffer))
        buffer[:size] = data[:size]
        self._left = data[size:]
        return size

    def _next(self, size: int) -> bytes:
        raise NotImplementedError


class _Rejoined(_Stream):
    def __init__(self, beginning: bytes, file: BinaryIO) -> None:
        super().__init__()
        self._beginning = io.BytesIO(beginning)
        self._file = file

    def _next(self, size: int) -> bytes:
        return self._beginning.read(size) or self._file.read(size)


class _Decoded(_Stream):
    def __init__(self, file: BinaryIO, encoding: str) -> None:
        super().__init__()
        self._file = file
        self._encoding = encoding
        self._decoder = codecs.getincrementaldecoder(encoding)()

    def _next(self, size: int) -> bytes:
        try:
            while data := self._file.read(size):
                if text := self._decoder.decode(data):
                    return text.encode()
            return self._decoder.decode(b"", final=True).encode()
        except UnicodeDecodeError as error:
            name = self._encoding.upper()
            raise InvalidInput(
                f"That file looks like {name} text but isn't valid: {error.reason}. Save it as UTF-8."
            ) from error


class _Unpacked(_Stream):
    """A file in a .zip; `total` has the bytes that were unpacked of all its files."""

    def __init__(self, file: IO[bytes], packed: int, total: list[int], limits: ImportLimits) -> None:
        super().__init__()
        self._file = file
        self._most = max(_SMALL, packed * limits.zip_ratio)
        self._size = 0
        self._total = total
        self._limits = limits

    def _next(self, size: int) -> bytes:
        with _spoilt_is_told():
            data = self._file.read(min(size, CHUNK))
        self._size += len(data)
        self._total[0] += len(data)
        if self._total[0] > self._limits.zip_bytes:
            raise self._limits.exceeded("zip_bytes", "That .zip unpacks to more bytes")
        if self._size > self._most:
            raise self._limits.exceeded("zip_ratio", "That .zip is packed more tightly")
        return data


class _Directory:
    """A .zip file of which no more than `most` bytes are read at once: its directory is, before it is known."""

    def __init__(self, file: BinaryIO, limits: ImportLimits) -> None:
        self._file = file
        self._limits = limits
        self._most = max(CHUNK, limits.zip_entries * _ENTRY_BYTES) + 66_000  # and the comment at the end

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(self._most + 1 if size < 0 else min(size, self._most + 1))
        if len(data) > self._most:
            raise self._limits.exceeded("zip_entries", "That .zip has more files")
        return data

    def seek(self, place: int, whence: int = 0) -> int:
        return self._file.seek(place, whence)

    def tell(self) -> int:
        return self._file.tell()

    def seekable(self) -> bool:
        return True


def rejoined(beginning: bytes, file: BinaryIO) -> BinaryIO:
    """Return a file with what was read of it put back."""
    return io.BufferedReader(_Rejoined(beginning, file), CHUNK)


def in_utf_8(file: BinaryIO, encoding: str) -> BinaryIO:
    """Return a file of text in another encoding as UTF-8; reading raises InvalidInput where it is no such text."""
    return io.BufferedReader(_Decoded(file, encoding), CHUNK)


def conversations_in(file: BinaryIO, known: str, limits: ImportLimits) -> Iterator[BinaryIO]:
    """Open each conversations.json in a .zip, in the order of their names; one is closed when the next is asked for.

    Args:
        file: the .zip, at its beginning; one that can't seek is copied into a temporary file.
        known: the kinds of files that can be imported, for the error.
        limits: of the import.

    Raises:
        InvalidInput: there is none, a limit is exceeded, or the .zip can't be read. Reading raises it too.
    """
    total = [0]
    with _spoilt_is_told(), _seekable(file, limits) as packed, closing(_archive(packed, limits)) as archive:
        names = sorted(filter(_CONVERSATIONS.search, set(archive.namelist())))
        if not names:
            raise InvalidInput(f"There is no conversations.json in that .zip: botchat reads {known}.")
        for name in names:
            with archive.open(name) as unpacked:
                stream = _Unpacked(unpacked, archive.getinfo(name).compress_size, total, limits)
                yield io.BufferedReader(stream, CHUNK)


@contextmanager
def _spoilt_is_told() -> Iterator[None]:
    try:
        yield
    except _SPOILT as error:
        raise InvalidInput(f"That .zip can't be read: {error}.") from error


def _archive(file: BinaryIO, limits: ImportLimits) -> zipfile.ZipFile:
    archive = zipfile.ZipFile(_Directory(file, limits))
    if len(archive.filelist) > limits.zip_entries:
        raise limits.exceeded("zip_entries", "That .zip has more files")
    return archive


@contextmanager
def _seekable(file: BinaryIO, limits: ImportLimits) -> Iterator[BinaryIO]:
    if file.seekable():
        yield file
        return
    with tempfile.TemporaryFile() as copy:
        while data := file.read(CHUNK):
            copy.write(data)
            if copy.tell() > limits.zip_bytes:  # packed it is no larger than it may be unpacked
                raise limits.exceeded("zip_bytes", "That .zip has more bytes")
        copy.seek(0)
        yield copy
