"""Limits of an imported file, which bound the memory and the time of one import."""

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from annotated_types import Gt

from botchat.core.errors import InvalidInput

_Count = Annotated[int, Gt(0)]


@dataclass(kw_only=True, slots=True, frozen=True)
class ImportLimits:
    """Limits of one file. A file is read in chunks, so its size isn't limited; one session at a time is in memory.

    The defaults are for the command line: the largest session of the benchmarks (100,000 messages) has 260 MB as JSON.

    Attributes:
        sessions: sessions in a file.
        session_bytes: bytes of one session as JSON.
        session_values: JSON values in one session; an empty list takes 3 bytes in a file and about 60 in memory.
        depth: nesting levels. Python's own parser reads about 990.
        zip_entries: files in a .zip.
        zip_bytes: unpacked bytes of all conversations in a .zip.
        zip_ratio: compression ratio of a file in a .zip, once it is over 10 MB. Deflate reaches about 10 for text, and
            1,032 (https://www.zlib.net/zlib_tech.html) only for one repeated byte.
    """

    # The settings validate this class with pydantic: an unknown name in the file is an error.
    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid"}

    sessions: _Count = 10_000_000
    session_bytes: _Count = 500_000_000
    session_values: _Count = 5_000_000
    depth: _Count = 900
    zip_entries: _Count = 100_000
    zip_bytes: _Count = 10_000_000_000
    zip_ratio: _Count = 200

    @property
    def table(self) -> str:
        """The name of the config file's table with these limits."""
        return "imports"

    def exceeded(self, name: str, subject: str) -> InvalidInput:
        """Return the error of an exceeded limit; `subject` starts its sentence: "It has more JSON values"."""
        return InvalidInput(
            f"{subject} than the limit of {getattr(self, name):,}. To allow more, raise {name} in "
            f"[{self.table}] of the config."
        )


@dataclass(kw_only=True, slots=True, frozen=True)
class UploadLimits(ImportLimits):
    """Limits of a file that is uploaded to the page, where all users share the memory of one process."""

    sessions: _Count = 100_000
    session_bytes: _Count = 64_000_000
    session_values: _Count = 500_000
    zip_entries: _Count = 20_000
    zip_bytes: _Count = 1_000_000_000
    zip_ratio: _Count = 100

    @property
    def table(self) -> str:
        """The name of the config file's table with these limits."""
        return "web.imports"
