"""Reads the text of a Word file (.docx): its paragraphs and tables, in their order."""

import io
import zipfile
from collections.abc import Iterator
from typing import TYPE_CHECKING

from botchat.core.errors import InvalidInput

if TYPE_CHECKING:
    from docx.document import Document
    from docx.table import Table, _Cell

MAX_EXPANDED_BYTES = 100_000_000
"""Bytes of all parts of a Word file once they are decompressed: a small file can expand to gigabytes."""

_MAX_PARTS = 5_000
_MAIN_PART = "word/document.xml"


def is_docx(data: bytes) -> bool:
    """Return whether these are the data of a Word file."""
    if not data.startswith(b"PK\x03\x04"):
        return False
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return _MAIN_PART in archive.namelist()
    except (zipfile.BadZipFile, NotImplementedError, ValueError):
        return False


def read_docx(name: str, data: bytes) -> str:
    """Return the text of a Word file, a row of a table as one line; `name` is for the error.

    Raises:
        InvalidInput: it is damaged, or expands to too much.
    """
    with zipfile.ZipFile(io.BytesIO(data)) as archive:  # it reads no more of a part than this size
        parts = archive.infolist()
        if len(parts) > _MAX_PARTS or sum(part.file_size for part in parts) > MAX_EXPANDED_BYTES:
            size = MAX_EXPANDED_BYTES // 1_000_000
            raise InvalidInput(f"{name} is too large when it is decompressed. The limit is {size} MB per file.")
    from docx import Document

    try:
        return "\n".join(_lines(Document(io.BytesIO(data))))
    except Exception as error:  # python-docx, lxml and zipfile raise many kinds for a damaged file
        raise InvalidInput(f"{name} is damaged and can't be read as a Word file. Save it again.") from error


def _lines(content: "Document | _Cell") -> Iterator[str]:
    from docx.table import Table

    for block in content.iter_inner_content():
        if isinstance(block, Table):
            yield from _rows(block)
        else:
            yield block.text


def _rows(table: "Table") -> Iterator[str]:
    for row in table.rows:
        cells = {id(cell._tc): cell for cell in row.cells}  # noqa: SLF001  (a merged cell is repeated)
        yield " | ".join(" ".join(_lines(cell)) for cell in cells.values())
