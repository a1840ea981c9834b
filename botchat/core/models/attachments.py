"""Attachments: which files are allowed, and which a bot accepts."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import PurePosixPath

from botchat.core.errors import InvalidInput
from botchat.core.models.bot import BotInfo
from botchat.core.models.display import format_size, one_line
from botchat.core.models.documents import document_text, document_type, is_old_office
from botchat.core.models.message import File

MAX_FILE_BYTES = 10_000_000
MAX_FILES = 10
"""Attachments per message."""

_NAME_LENGTH = 200

# Types that a browser would execute (HTML, SVG, scripts) are plain text here, whatever their names.
_TEXT_TYPES = {
    ".csv": "text/csv",
    ".json": "application/json",
    ".markdown": "text/markdown",
    ".md": "text/markdown",
    ".toml": "application/toml",
    ".tsv": "text/tab-separated-values",
    ".yaml": "application/yaml",
    ".yml": "application/yaml",
}

# https://mimesniff.spec.whatwg.org/#matching-an-image-type-pattern
_IMAGE_SIGNATURES = {
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"GIF87a": "image/gif",
    b"GIF89a": "image/gif",
}


def read_file(name: str, data: bytes) -> File:
    """Return an attachment with the given data; its type is recognized by its content, never by its name.

    Raises:
        InvalidInput: it is empty, too large, or neither UTF-8 text nor an image nor a readable document with text.
    """
    name = _safe_name(name)
    if not data:
        raise InvalidInput(f"{name} is empty. Choose another file.")
    if len(data) > MAX_FILE_BYTES:
        raise InvalidInput(
            f"{name} is too large ({format_size(len(data))}). The limit is {format_size(MAX_FILE_BYTES)} per file."
        )
    if is_old_office(data):
        raise InvalidInput(
            f"{name} is protected with a password or in an old Office format. Save it as an unprotected .docx file."
        )
    kind = file_type(name, data)
    if kind is None:
        raise InvalidInput(
            f"Unsupported file type: {name}. You can attach text files (UTF-8), PDF and Word (.docx) files, and "
            "PNG, JPEG, GIF or WebP images."
        )
    file = File(name=name, type=kind, size=len(data), data=data)
    return replace(file, text_size=len(document_text(name, kind, data).encode())) if file.is_document else file


def file_type(name: str, data: bytes) -> str | None:
    """Return the MIME type of a file as an attachment, without reading its text; None if it is not supported."""
    return image_type(data) or document_type(data) or _text_type(name, data)


def file_text(file: File, data: bytes) -> str:
    """Return the text that bots are sent for a text file or a document.

    Raises:
        InvalidInput: it is a document that can't be read.
    """
    if file.is_document:
        return document_text(one_line(file.name), file.type, data)
    return data.decode("utf-8-sig", "replace")


def check_files(files: Sequence[File], bot: BotInfo) -> None:
    """Check that attachments can be sent with a message to this bot.

    Raises:
        InvalidInput: there are too many, one has no data or too much, or is an image that the bot doesn't accept.
    """
    if len(files) > MAX_FILES:
        raise InvalidInput(f"Too many files ({len(files)}). You can attach up to {MAX_FILES} per message.")
    if len({file.id for file in files}) < len(files):
        raise InvalidInput("Two of the files have the same ID.")
    for file in files:
        if not file.data or len(file.data) != file.size or file.size > MAX_FILE_BYTES:
            raise InvalidInput(f"{file.name} has no data, or its size is wrong. Create attachments with `read_file`.")
        if file.is_image and not bot.images:
            raise InvalidInput(
                f"Can't send {file.name} to {bot.bot_id!r}: this model doesn't accept images. Pick another, or set "
                "`images = true` for it in the config."
            )


def _safe_name(name: str) -> str:
    """Return a file's name on one line and without its path; of a long name, the end with the extension."""
    last = one_line(name.replace("\\", "/").rstrip("/").rpartition("/")[2]) or "file"
    return last if len(last) <= _NAME_LENGTH else f"…{last[1 - _NAME_LENGTH :]}"


def image_type(data: bytes) -> str | None:
    """Return the MIME type of an image by its first bytes; None if it isn't one that can be attached."""
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    return next((kind for signature, kind in _IMAGE_SIGNATURES.items() if data.startswith(signature)), None)


def _text_type(name: str, data: bytes) -> str | None:
    if b"\0" in data:
        return None
    try:
        data.decode()
    except UnicodeDecodeError:
        return None
    return _TEXT_TYPES.get(PurePosixPath(name).suffix.lower(), "text/plain")
