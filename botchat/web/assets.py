"""The page's style sheet and script, and the widgets that depend on them: copy buttons and the theme selector."""

import base64
import hashlib
import uuid
from pathlib import Path

import streamlit as st
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

_STATIC = Path(__file__).with_name("static")
_STYLE = (_STATIC / "page.css").read_text(encoding="utf-8")
_SCRIPTS = (
    "base",
    "drafts",
    "copying",
    "connection",
    "theme",
    "sidebar",
    "rows",
    "composer",
    "scrolling",
    "shortcuts",
    "messages",
    "search",
    "main",
)
"""The files of `static/scripts`, in the order in which they run, as one script in one scope."""


def _bundle() -> bytes:
    # Streamlit runs the script again whenever it redraws its element, so the second time it does nothing.
    files = "\n".join((_STATIC / "scripts" / f"{name}.js").read_text(encoding="utf-8") for name in _SCRIPTS)
    return f'"use strict";\nif (!window.botchat) {{\nwindow.botchat = true;\n{files}}}\n'.encode()


_SCRIPT = _bundle()
_VERSION = hashlib.sha256(_SCRIPT).hexdigest()[:12]
_THEMES = ("System", "Light", "Dark")


def apply() -> None:
    """Add the style sheet and the script to the page; call this once per run."""
    st.html(f"<style>{_STYLE}</style>")
    with st.container(key="script"):
        st.html(f'<script src="botchat.js?{_VERSION}"></script>', unsafe_allow_javascript=True)
        st.markdown("$x$")  # loads the formula renderer now: a streaming reply would disappear while it loads
    if text := st.session_state.pop("to copy", None):
        encoded = base64.b64encode(text.encode("utf-8", "replace")).decode()
        st.html(f'<span data-copy="{uuid.uuid4()}" data-text="{encoded}"></span>')


def copy_button(text: str, key: str) -> None:
    """Show a button that copies a text. The text is sent to the browser only after a click."""
    icon = ":material/content_copy:"
    st.button("Copy", type="tertiary", icon=icon, key=f"copy {key}", on_click=copy_to_clipboard, args=(text,))


def copy_to_clipboard(text: str) -> None:
    """Copy a text to the user's clipboard in the next run, with the page's script."""
    st.session_state["to copy"] = text


def theme_selector() -> None:
    """Show the theme selector. The browser stores the selected theme."""
    choices = "".join(f'<label><input type="radio" name="theme" value="{name}"> {name}</label>' for name in _THEMES)
    st.html(f'<fieldset class="botchat-theme"><legend>Theme</legend>{choices}</fieldset>')


def _script(_request: Request) -> Response:
    # The URL in the page contains the version, so browsers can cache the script.
    return Response(
        _SCRIPT, media_type="text/javascript", headers={"Cache-Control": "public, max-age=31536000, immutable"}
    )


SCRIPT_ROUTE = Route("/{below:path}botchat.js", _script)
"""The route of the script, also below Streamlit's base path."""
