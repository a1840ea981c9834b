"""The composer: the message input, and an unsent message that stays on the screen."""

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
    """Keep a message that was sent before this process drew the input: Streamlit calls no callback for it.

    Call this first in every run, because a run that is replaced by another one would lose the message.
    """
    keep_submissions("prompt", _KEPT)


def send_kept(session: Session | None, why: str | None) -> bool:
    """Send the kept messages; return whether there were any. Without a session, put them back into the input."""
    kept: list[Submission] = st.session_state.get(_KEPT, [])
    if not kept:
        return False
    place = st.query_params.get("session")
    while kept:
        typed = kept.pop(0)  # in place: another run of this tab has the same list and must not send it again
        files = bool(typed.files) or typed.files_lost
        if session is None:
            _restore_input(typed.text, why or "Your message wasn't sent.", files=files)
        elif typed.place != place:
            _restore_input(typed.text, "Your message to another chat wasn't sent.", files=files)
        elif typed.files_lost:
            _restore_input(typed.text, "Your message wasn't sent because the server restarted.", files=True)
        else:
            _submit_to(session, typed.text, typed.files)
    return True


def message_input(session: Session | None) -> None:
    """Show the message input of a session; it is disabled without one."""
    if "restored" in st.session_state:
        st.session_state.prompt = st.session_state.restored
    st.chat_input(
        "Message botchat…",
        key="prompt",
        on_submit=_submit,
        disabled=session is None,
        accept_file="multiple",
        max_upload_size=MAX_FILE_BYTES // 1_000_000,
    )
    st.session_state.pop("restored", None)  # only now, because another run may replace this one


def send_text(session: Session, text: str) -> None:
    """Send a suggested prompt."""
    _send(session, Message(role="user", content=text))


def unsent_message(shown: Session | None) -> None:
    """Show the unsent message, if there is one, until it is sent or moved back to the composer."""
    if "unsent" not in st.session_state:
        return
    with st.container(key="unsent"):  # the script reads it here to keep it across a reload
        _show_unsent(shown)


def _show_unsent(shown: Session | None) -> None:
    session, message, why = st.session_state.unsent
    if shown is None or session.id != shown.id:
        st.caption(f"Unsent message ({session_label(session.name) if session.name else 'new chat'}):")
    show_message(message)
    st.error(f"Couldn't send: {escape(why)}", icon=":material/cloud_off:")
    retry, edit = st.columns(2)
    retry.button("Retry", on_click=_retry, key="send again", width="stretch")
    edit.button(
        "Edit", on_click=_move_to_input, args=(message,), key="take back", width="stretch", help="Move back to composer"
    )


def _submit() -> None:
    """Send the typed message. The input is already empty, so a message that can't be sent is kept and shown."""
    typed = st.session_state.prompt
    _submit_to(st.session_state.shown, typed.text, typed.files)


def _submit_to(session: Session, text: str, uploaded: Sequence[Any]) -> None:
    if not text.strip() and not uploaded:
        return
    if "unsent" in st.session_state:
        _restore_input(
            text,
            "Another message is still unsent. Retry or edit it first.",
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
    """Put a text back into the input, below any text that is already waiting for it. Files can't be put back."""
    waiting = st.session_state.get("restored")
    st.session_state.restored = f"{waiting}\n\n{text}" if waiting else text
    st.session_state.notice = f"{why} Please re-attach your files." if files else why


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
        st.session_state.pop("notice", None)
        message_window.shrink()


def _retry() -> None:
    if waiting := st.session_state.pop("unsent", None):  # missing on the second click of a double click
        st.session_state.pop("refused", None)
        _send(*waiting[:2])


def _move_to_input(message: Message) -> None:
    if st.session_state.pop("unsent", None):
        refused = st.session_state.pop("refused", None)  # it is already in the input and must be kept
        st.session_state.restored = f"{message.content}\n\n{refused}" if refused else message.content
