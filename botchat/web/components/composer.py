"""The composer: the message input, and a message that couldn't be saved and stays on the screen."""

from collections.abc import Sequence
from typing import Any

import streamlit as st

from botchat.core.errors import BotchatError, InvalidInput, ReplyRunning
from botchat.core.models import MAX_FILE_BYTES, Message, Session, read_file
from botchat.web import cache
from botchat.web.components import message_window
from botchat.web.components.message import show_message
from botchat.web.markdown.escape import escape, session_label
from botchat.web.streamlit_internals import Submission, keep_submissions

_KEPT = "kept submissions"


def keep_submitted() -> None:
    """Keep a message that was sent before this process had drawn the input, for which Streamlit calls no callback.

    It is the first step of every run, because a run that another one replaces would drop it.
    """
    keep_submissions("prompt", _KEPT)


def send_kept(session: Session | None, why: str | None) -> bool:
    """Send the messages that were kept; return whether there were any. Without a session they return to the input."""
    kept: list[Submission] = st.session_state.get(_KEPT, [])
    if not kept:
        return False
    place = st.query_params.get("session")
    while kept:
        typed = kept.pop(0)  # in place: another run of this tab has the same list, and sends nothing twice
        files = bool(typed.files) or typed.files_lost
        if session is None:
            _restore_input(typed.text, why or "Your message wasn't sent.", files=files)
        elif typed.place != place:
            _restore_input(typed.text, "Your message to another session wasn't sent.", files=files)
        elif typed.files_lost:
            _restore_input(typed.text, "The server was restarted: your message wasn't sent.", files=True)
        else:
            _submit_to(session, typed.text, typed.files)
    return True


def message_input(session: Session | None) -> None:
    """Show the message input of a session; without one it is disabled."""
    if "restored" in st.session_state:
        st.session_state.prompt = st.session_state.restored
    st.chat_input(
        "Your message",
        key="prompt",
        on_submit=_submit,
        disabled=session is None,
        accept_file="multiple",
        max_upload_size=MAX_FILE_BYTES // 1_000_000,
    )
    st.session_state.pop("restored", None)  # not before, because another run may replace this one


def send_text(session: Session, text: str) -> None:
    """Send a text that was chosen, not typed."""
    _send(session, Message(role="user", content=text))


def unsent_message(shown: Session | None) -> None:
    """Show a message that couldn't be saved. It stays, in every view, until it is saved or moved back to the input."""
    if "unsent" not in st.session_state:
        return
    with st.container(key="unsent"):  # page.js reads it here, to keep it over a reload
        _show_unsent(shown)


def _show_unsent(shown: Session | None) -> None:
    session, message, why = st.session_state.unsent
    if shown is None or session.id != shown.id:
        st.caption(f"Your message to {session_label(session.name) if session.name else 'a new session'}:")
    show_message(message)
    st.error(f"Not saved, and not sent: {escape(why)}", icon=":material/cloud_off:")
    send, drop = st.columns(2)
    send.button("Send it again", on_click=_retry, key="send again", width="stretch")
    drop.button("Put it back into the line", on_click=_move_to_input, args=(message,), key="take back", width="stretch")


def _submit() -> None:
    """Send the typed message. The input is empty by now, so a message that can't be sent is kept and shown."""
    typed = st.session_state.prompt
    _submit_to(st.session_state.shown, typed.text, typed.files)


def _submit_to(session: Session, text: str, uploaded: Sequence[Any]) -> None:
    if not text.strip() and not uploaded:
        return
    if "unsent" in st.session_state:
        _restore_input(
            text,
            "Another message is not saved yet: send it again first, or put it back into the line.",
            files=bool(uploaded),
        )
        st.session_state.refused = st.session_state.restored
        return
    try:
        files = [read_file(file.name, file.getvalue()) for file in uploaded]
    except InvalidInput as error:
        _restore_input(text, str(error), files=bool(uploaded))
    else:
        _send(session, Message(role="user", content=text, files=files))


def _restore_input(text: str, why: str, *, files: bool = False) -> None:
    """Put a text back into the input, below one that already waits for it. Files can't be put back."""
    waiting = st.session_state.get("restored")
    st.session_state.restored = f"{waiting}\n\n{text}" if waiting else text
    st.session_state.notice = f"{why} Then add the files again." if files else why


def _send(session: Session, message: Message) -> None:
    try:
        cache.connection().send(session.user, session, message)
    except BotchatError as error:
        if isinstance(error, ReplyRunning | InvalidInput) and not message.files:
            _restore_input(message.content, str(error))
        else:
            st.session_state.unsent = (session, message, str(error))
    else:
        st.query_params["session"] = session.id
        st.session_state.pop("new", None)
        message_window.shrink()


def _retry() -> None:
    if waiting := st.session_state.pop("unsent", None):  # missing at the second click of a double click
        st.session_state.pop("refused", None)
        _send(*waiting[:2])


def _move_to_input(message: Message) -> None:
    if st.session_state.pop("unsent", None):
        refused = st.session_state.pop("refused", None)  # it is in the input, and must not be replaced
        st.session_state.restored = f"{message.content}\n\n{refused}" if refused else message.content
