"""The composer: the message input, and a message that couldn't be saved and stays on the screen."""

from collections.abc import Sequence

import streamlit as st

from botchat.core.errors import BotchatError, InvalidInput, ReplyRunning
from botchat.core.models import MAX_FILE_BYTES, Message, Session, read_file
from botchat.web import cache
from botchat.web.components import message_window
from botchat.web.components.message import show_message
from botchat.web.markdown.escape import escape, session_label


def message_input(session: Session | None) -> None:
    """Show the message input of a session; without one it is disabled."""
    st.chat_input(
        "Your message",
        key="prompt",
        on_submit=_submit,
        disabled=session is None,
        accept_file="multiple",
        max_upload_size=MAX_FILE_BYTES // 1_000_000,
    )


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
    if not typed.text.strip() and not typed.files:
        return
    if "unsent" in st.session_state:
        st.session_state.refused = typed.text
        _restore_input(
            typed.text,
            "Another message is not saved yet: send it again first, or put it back into the line.",
            typed.files,
        )
        return
    try:
        files = [read_file(file.name, file.getvalue()) for file in typed.files]
    except InvalidInput as error:
        _restore_input(typed.text, str(error), typed.files)
    else:
        _send(st.session_state.shown, Message(role="user", content=typed.text, files=files))


def _restore_input(text: str, why: str, files: Sequence[object] = ()) -> None:
    """Put a text back into the input. Files can't be put back."""
    st.session_state.prompt = text
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
        st.session_state.prompt = f"{message.content}\n\n{refused}" if refused else message.content
