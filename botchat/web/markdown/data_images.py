"""Limits the `data:` images in a text by the number of pixels that a browser has to decode."""

import re
from base64 import b64decode
from io import BytesIO
from urllib.parse import unquote_to_bytes

_MAX_PIXELS = 16_000_000
"""The maximum number of pixels in one text, which take 64 MB in a browser. A PNG of 30 kB can have a billion."""

_DATA = re.compile(r"data:image/(?:png|jpeg|gif|webp)(?P<base64>(?:;[^;,]*)*?;base64)?(?:;[^;,]*)*,", re.IGNORECASE)
_FORMATS = ("PNG", "JPEG", "GIF", "WEBP")


class PixelBudget:
    """The remaining pixels for the images of one text."""

    def __init__(self) -> None:
        self._left = _MAX_PIXELS

    def take(self, address: str) -> bool:
        """Return whether a URL is a `data:` image that fits into the budget, and deduct its pixels if so."""
        found = _DATA.match(address)
        pixels = _pixels(address[found.end() :], is_base64=bool(found["base64"])) if found else None
        if pixels is None or pixels > self._left:
            return False
        self._left -= pixels
        return True


def _pixels(data: str, *, is_base64: bool) -> int | None:
    """Return the number of pixels according to an image's header, or None if it isn't an image."""
    from PIL import Image

    try:
        raw = unquote_to_bytes(data)
        with Image.open(BytesIO(b64decode(raw) if is_base64 else raw), formats=_FORMATS) as image:
            return image.width * image.height
    except Exception:  # noqa: BLE001  (Pillow raises many kinds of errors for images that are broken or too large)
        return None
