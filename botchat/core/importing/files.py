"""Opens files for import, also in a .zip, as streams of UTF-8 within the limits of an import."""

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
"""Bytes per read."""

_CONVERSATIONS = re.compile(r"(^|/)conversations[^/]*\.json$")
_UNLIMITED_RATIO_BYTES = 10_000_000
"""Bytes; the compression ratio of a file that unpacks to no more is not limited."""

_ENTRY_BYTES = 500
"""Maximum mean size in bytes of an entry in the directory of a .zip: 46, and its name."""

_ZIP_ERRORS = (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError)
"""The errors of a .zip that is damaged, has a password, or uses an unsupported compression."""


class _Stream(io.RawIOBase):
    """A stream whose bytes are produced on demand by `_next`."""

    def __init__(self) -> None:
        self._buffered = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._buffered or self._next(len(buffer))
        size = min(len(data), len(buffer))
        buffer[:size] = data[:size]
        self._buffered = data[size:]
        return size

    def _next(self, size: int) -> bytes:
        raise NotImplementedError


class _Prepended(_Stream):
    def __init__(self, beginning: bytes, file: BinaryIO) -> None:
        super().__init__()
        self._beginning = io.BytesIO(beginning)
        self._file = file

    def _next(self, size: int) -> bytes:
        return self._beginning.read(size) or self._file.read(size)


class _Transcoded(_Stream):
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
                f"The file looks like {name} text but isn't valid: {error.reason}. Save it as UTF-8."
            ) from error


class _Unpacked(_Stream):
    """A file in a .zip; `total` counts the unpacked bytes of all its files."""

    def __init__(self, file: IO[bytes], packed: int, total: list[int], limits: ImportLimits) -> None:
        super().__init__()
        self._file = file
        self._limit = max(_UNLIMITED_RATIO_BYTES, packed * limits.zip_ratio)
        self._size = 0
        self._total = total
        self._limits = limits

    def _next(self, size: int) -> bytes:
        with _zip_errors():
            data = self._file.read(min(size, CHUNK))
        self._size += len(data)
        self._total[0] += len(data)
        if self._total[0] > self._limits.zip_bytes:
            raise self._limits.exceeded("zip_bytes", "The .zip unpacks to more bytes")
        if self._size > self._limit:
            raise self._limits.exceeded("zip_ratio", "The .zip has a higher compression ratio")
        return data


class _Directory:
    """A .zip file that limits a single read: zipfile reads the whole directory before its size is known."""

    def __init__(self, file: BinaryIO, limits: ImportLimits) -> None:
        self._file = file
        self._limits = limits
        self._limit = max(CHUNK, limits.zip_entries * _ENTRY_BYTES) + 66_000  # and the comment at the end

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(self._limit + 1 if size < 0 else min(size, self._limit + 1))
        if len(data) > self._limit:
            raise self._limits.exceeded("zip_entries", "The .zip has more files")
        return data

    def seek(self, place: int, whence: int = 0) -> int:
        return self._file.seek(place, whence)

    def tell(self) -> int:
        return self._file.tell()

    def seekable(self) -> bool:
        return True


def prepend(beginning: bytes, file: BinaryIO) -> BinaryIO:
    """Return a file with bytes that were read from it put back at its start."""
    return io.BufferedReader(_Prepended(beginning, file), CHUNK)


def transcode(file: BinaryIO, encoding: str) -> BinaryIO:
    """Return a text file in another encoding as UTF-8; reading raises InvalidInput for invalid bytes."""
    return io.BufferedReader(_Transcoded(file, encoding), CHUNK)


def open_conversations(file: BinaryIO, known: str, limits: ImportLimits) -> Iterator[BinaryIO]:
    """Yield each conversations.json in a .zip, ordered by name; one is closed before the next is opened.

    Args:
        file: the .zip, at its start; one that isn't seekable is copied to a temporary file.
        known: the formats that can be imported, for the error message.
        limits: of the import.

    Raises:
        InvalidInput: there is none, a limit is exceeded, or the .zip can't be read; reads raise it too.
    """
    total = [0]
    with _zip_errors(), _seekable(file, limits) as packed, closing(_archive(packed, limits)) as archive:
        names = sorted(filter(_CONVERSATIONS.search, set(archive.namelist())))
        if not names:
            raise InvalidInput(f"No conversations.json found in the .zip. Supported formats: {known}.")
        for name in names:
            with archive.open(name) as unpacked:
                stream = _Unpacked(unpacked, archive.getinfo(name).compress_size, total, limits)
                yield io.BufferedReader(stream, CHUNK)


@contextmanager
def _zip_errors() -> Iterator[None]:
    try:
        yield
    except _ZIP_ERRORS as error:
        raise InvalidInput(f"Can't read the .zip: {error}.") from error


def _archive(file: BinaryIO, limits: ImportLimits) -> zipfile.ZipFile:
    archive = zipfile.ZipFile(_Directory(file, limits))
    if len(archive.filelist) > limits.zip_entries:
        raise limits.exceeded("zip_entries", "The .zip has more files")
    return archive


@contextmanager
def _seekable(file: BinaryIO, limits: ImportLimits) -> Iterator[BinaryIO]:
    if file.seekable():
        yield file
        return
    with tempfile.TemporaryFile() as copy:
        while data := file.read(CHUNK):
            copy.write(data)
            if copy.tell() > limits.zip_bytes:  # the limit of the unpacked size also limits the packed one
                raise limits.exceeded("zip_bytes", "The .zip has more bytes")
        copy.seek(0)
        yield copy
