"""A page with every kind of element, for the style tests: `python look_page.py PORT`."""

import sys

import streamlit as st
from starlette.middleware import Middleware

from botchat.settings import Settings
from botchat.web import assets
from botchat.web.components.message_text import show_bot_text
from botchat.web.components.session_rows import rows_html
from botchat.web.launcher import _streamlit_options
from botchat.web.server.security_headers import SecurityHeaders

GREETING = "Grüße 👋\r\n  two spaces, \ttab,\n\n"
SESSIONS = [
    ("Today", {"1": "a name that is much too long for the width of the list", "2": "the second"}),
    ("Yesterday", {"3": "the third", "4": "the fourth"}),
]
LONG = "0123456789abcde\n" * 65_536


@st.dialog("Settings")
def settings() -> None:
    assets.theme_selector()
    st.button("Save", type="primary")


def page() -> None:
    st.set_page_config(page_title="The look")
    assets.apply()
    with st.sidebar:
        st.button("New chat", icon=":material/edit_square:", width="stretch", key="new chat")
        st.text_input("Search", key="search", label_visibility="collapsed", placeholder="Search")
        with st.container(key="sessions"):
            st.html(rows_html(SESSIONS, st.query_params.get("session", "1"), (), "active"))
    with st.chat_message("user"):
        st.text("Hello\nthere")
    with st.chat_message("assistant"):
        with st.expander("Thought for 2.3 s", type="compact"):
            st.markdown("Let me see.")
        st.markdown("`code` [a link](https://example.org)\n\n```python\nprint(1)\n```\n\n| a | b |\n|-|-|\n| 1 | 2 |")
        with st.container(key="actions 1", horizontal=True):
            assets.copy_button(GREETING, "greeting")
            st.button("Edit", icon=":material/edit:", type="tertiary")
            st.feedback(key="feedback")
    with st.chat_message("assistant"):
        show_bot_text(LONG, "long")
        with st.container(key="actions 2", horizontal=True):
            assets.copy_button(LONG, "long")
    if st.button("Settings"):
        settings()
    st.error("An error")
    st.warning("A warning")
    st.caption("A caption")
    st.chat_input("Message botchat…", key="prompt")


if st.runtime.exists():
    page()
elif __name__ == "__main__":
    options = _streamlit_options(Settings(), int(sys.argv[1]))
    st.App(__file__, routes=[assets.SCRIPT_ROUTE], middleware=[Middleware(SecurityHeaders)]).run(config=options)
