"""The icon of botchat as a URL."""

import base64
from pathlib import Path

_FILE = Path(__file__).parent / "static" / "icon.png"
ICON_URL = f"data:image/png;base64,{base64.b64encode(_FILE.read_bytes()).decode()}"
"""A data: URL. Streamlit serves an image from a file under a URL that is gone while a run replaces another one."""
