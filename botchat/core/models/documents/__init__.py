"""Documents: recognizes PDF and Word files, and reads their text for bots. The file itself is never changed."""

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable

from botchat.core.errors import InvalidInput
from botchat.core.models.documents.docx import is_docx, read_docx
from botchat.core.models.documents.pdf import read_pdf
from botchat.core.models.primitives import valid_text

PDF_TYPE = "application/pdf"
DOCX_TYPE = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
MAX_TEXT_BYTES = 10_000_000
"""Bytes of the text of a document, in UTF-8."""

_READERS: dict[str, Callable[[str, bytes], str]] = {PDF_TYPE: read_pdf, DOCX_TYPE: read_docx}
_OLE_SIGNATURE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_CACHED_TEXTS = 16


class _TextCache:
    """The texts of the last documents, because a document is sent again with every message of its session."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._texts = OrderedDict[bytes, str]()

    def get(self, key: bytes, read: Callable[[], str]) -> str:
        with self._lock:
            if key in self._texts:
                self._texts.move_to_end(key)
                return self._texts[key]
        text = read()
        with self._lock:
            self._texts[key] = text
            while len(self._texts) > _CACHED_TEXTS:
                self._texts.popitem(last=False)
        return text


_cache = _TextCache()


def document_type(data: bytes) -> str | None:
    """Return the MIME type of a document, by its content; None for another file."""
    if data[:100].lstrip().startswith(b"%PDF-"):
        return PDF_TYPE
    return DOCX_TYPE if is_docx(data) else None


def is_old_office(data: bytes) -> bool:
    """Return whether these are the data of an Office file that is protected or in the old format."""
    return data.startswith(_OLE_SIGNATURE)


def document_text(name: str, kind: str, data: bytes) -> str:
    """Return the text of a document of this MIME type; `name` is for the error.

    Raises:
        InvalidInput: it is damaged, protected, too large, or has no text.
    """
    return _cache.get(hashlib.sha256(data).digest(), lambda: _read(name, kind, data))


def _read(name: str, kind: str, data: bytes) -> str:
    text = valid_text(_READERS[kind](name, data)).replace("\0", "\ufffd")
    if not text.strip():
        raise InvalidInput(f"{name} has no text, only images or scanned pages. Attach its pages as images instead.")
    if len(text.encode()) > MAX_TEXT_BYTES:
        raise InvalidInput(f"{name} has too much text. The limit is {MAX_TEXT_BYTES // 1_000_000} MB of text per file.")
    return text
