"""Reads the text of a PDF file, page by page."""

import io
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from botchat.core.errors import InvalidInput

if TYPE_CHECKING:
    from pypdf import PdfReader

MAX_PAGES = 1_000
"""Pages of a PDF file."""

_MAX_SECONDS = 30


def read_pdf(name: str, data: bytes) -> str:
    """Return the text of a PDF file, its pages separated by empty lines; `name` is for the error.

    Raises:
        InvalidInput: it is damaged or protected, has too many pages, or takes too long.
    """
    import logging

    from pypdf import PdfReader

    logging.getLogger("pypdf").setLevel(logging.CRITICAL)  # it warns of every irregularity that it repairs
    try:
        return "\n\n".join(filter(None, _page_texts(name, PdfReader(io.BytesIO(data)))))
    except InvalidInput:
        raise
    except Exception as error:  # pypdf raises many kinds of errors for a damaged file
        raise InvalidInput(f"{name} is damaged and can't be read as a PDF file. Save it again.") from error


def _page_texts(name: str, reader: "PdfReader") -> Iterator[str]:
    if reader.is_encrypted and not _opens_without_password(reader):
        raise InvalidInput(f"{name} is protected with a password. Remove the protection, then attach it again.")
    count = len(reader.pages)
    if count > MAX_PAGES:
        raise InvalidInput(f"{name} has too many pages ({count:,}). The limit is {MAX_PAGES:,} pages per file.")
    end = time.monotonic() + _MAX_SECONDS
    for page in reader.pages:
        yield page.extract_text().strip()
        if time.monotonic() > end:
            raise InvalidInput(f"{name} takes too long to read. Split it, then attach the parts that you need.")


def _opens_without_password(reader: "PdfReader") -> bool:
    from pypdf.errors import DependencyError

    try:
        return bool(reader.decrypt(""))
    except DependencyError:  # AES needs the package cryptography, which not every installation has
        return False
