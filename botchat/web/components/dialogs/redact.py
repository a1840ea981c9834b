"""The dialog that redacts a message and, optionally, the messages that quote it."""

import streamlit as st

from botchat.core.chat import Quote
from botchat.core.errors import BotchatError
from botchat.core.models import Session
from botchat.web import cache, callbacks
from botchat.web.markdown.escape import escape

_KEY, _WITH_QUOTES = "redacting", "redact quotes"


def request_redaction(message_id: str) -> None:
    """Open the dialog in the next run of the page."""
    st.session_state[_KEY] = message_id


def redact_dialog(session: Session) -> None:
    """Show the dialog if it was requested in the previous run."""
    if message_id := st.session_state.pop(_KEY, None):
        _dialog(session, message_id)


@st.dialog("Redact this message?")
def _dialog(session: Session, message_id: str) -> None:
    try:
        found = cache.connection().quotes(session.user, session.id, message_id)
    except BotchatError as error:
        st.error(escape(str(error)), icon=":material/error:")
        return
    st.markdown(
        "This permanently removes the message's text, reasoning, files and feedback, and any title or summary "
        "generated from it. This can't be undone. Existing backups aren't changed."
    )
    if found:
        _show_quotes(session, found)
    with st.container(horizontal=True):
        st.button("Redact", key="redact", type="primary", on_click=_redact, args=(session, message_id))
        st.button("Cancel", key="cancel redact", on_click=st.rerun)


def _show_quotes(session: Session, found: list[Quote]) -> None:
    """List the messages that quote it, with a checkbox to redact them too."""
    here = [quote for quote in found if quote.session_id == session.id]
    places = [f"message {quote.number} ({quote.role})" for quote in here]
    if len(found) > len(here):
        places.append(f"{len(found) - len(here):,} in copies of this chat")
    st.markdown(escape(f"Quoted in: {', '.join(places)}."))
    st.checkbox("Redact these messages too", key=_WITH_QUOTES)


def _redact(session: Session, message_id: str) -> None:
    """Redact the message and close the dialog; show an error on the page."""
    with_quotes = bool(st.session_state.get(_WITH_QUOTES))
    callbacks.attempt(lambda chat: chat.redact(session.user, session.id, message_id, with_quotes=with_quotes))
    st.rerun()
