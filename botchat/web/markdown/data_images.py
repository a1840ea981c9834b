"""Images that are in a text itself: how much a browser has to unpack for them."""

import re
from base64 import b64decode
from io import BytesIO
from urllib.parse import unquote_to_bytes

_MAX_PIXELS = 16_000_000
"""Pixels of the images in one text: 64 MB in a browser. A PNG of 30 kB can hold a thousand million."""

_DATA = re.compile(r"data:image/(?:png|jpeg|gif|webp)(?P<base64>(?:;[^;,]*)*?;base64)?(?:;[^;,]*)*,", re.IGNORECASE)
_FORMATS = ("PNG", "JPEG", "GIF", "WEBP")


class PixelBudget:
    """What the images of one text may still have together."""

    def __init__(self) -> None:
        self._left = _MAX_PIXELS

    def take(self, address: str) -> bool:
        """Tell whether an address is an image in itself that may be drawn."""
        found = _DATA.match(address)
        pixels = _pixels(address[found.end() :], is_base64=bool(found["base64"])) if found else None
        if pixels is None or pixels > self._left:
            return False
        self._left -= pixels
        return True


def _pixels(data: str, *, is_base64: bool) -> int | None:
    """Read from an image's header how many pixels it has, None for what is no image."""
    from PIL import Image

    try:
        raw = unquote_to_bytes(data)
        with Image.open(BytesIO(b64decode(raw) if is_base64 else raw), formats=_FORMATS) as image:
            return image.width * image.height
    except Exception:  # noqa: BLE001  (Pillow raises many kinds of errors for images that are wrong, or too large)
        return None
