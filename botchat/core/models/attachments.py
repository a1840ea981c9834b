"""Attachments: which files are allowed, and which a bot accepts."""

from collections.abc import Sequence
from pathlib import PurePosixPath

from botchat.core.errors import InvalidInput
from botchat.core.models.bot import BotInfo
from botchat.core.models.display import format_size, one_line
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
    """Return an attachment with the given data; images are recognized by their first bytes, never by their name.

    Raises:
        InvalidInput: it is empty, too large, or neither UTF-8 text nor an image.
    """
    name = _safe_name(name)
    if not data:
        raise InvalidInput(f"{name} is empty. Choose another file.")
    if len(data) > MAX_FILE_BYTES:
        raise InvalidInput(
            f"{name} is too large ({format_size(len(data))}). The limit is {format_size(MAX_FILE_BYTES)} per file."
        )
    kind = _image_type(data) or _text_type(name, data)
    if kind is None:
        raise InvalidInput(
            f"Unsupported file type: {name}. You can attach text files (UTF-8) and PNG, JPEG, GIF or WebP images."
        )
    return File(name=name, type=kind, size=len(data), data=data)


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
    check_images(files, bot)


def check_images(files: Sequence[File], bot: BotInfo) -> None:
    """Check that this bot accepts the images among the attachments.

    Raises:
        InvalidInput: it doesn't.
    """
    for file in files:
        if file.is_image and not bot.images:
            raise InvalidInput(
                f"Can't send {file.name} to {bot.bot_id!r}: this model doesn't accept images. Pick another, or set "
                "`images = true` for it in the config."
            )


def _safe_name(name: str) -> str:
    """Return a file's name on one line and without its path; of a long name, the end with the extension."""
    last = one_line(name.replace("\\", "/").rstrip("/").rpartition("/")[2]) or "file"
    return last if len(last) <= _NAME_LENGTH else f"…{last[1 - _NAME_LENGTH :]}"


def _image_type(data: bytes) -> str | None:
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
