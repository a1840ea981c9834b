"""A chat that is opened at one of its messages: `?session=ID&message=ID`."""

import json
import uuid
from html import escape as escape_html

import streamlit as st

from botchat.core.chat import Chat, branch_of
from botchat.core.errors import MessageNotFound
from botchat.core.models import Message, Session, newest_leaf
from botchat.web import callbacks
from botchat.web.components import message_window

_OTHER_VERSION = "You're viewing another version of this chat. New messages continue the current one."


def open_message(session_id: str, message_id: str | None) -> None:
    """Open a session at one of its messages in the next run; at its end if None."""
    wanted = {"session": session_id} | ({"message": message_id} if message_id else {})
    message_window.reset()
    st.query_params.from_dict(wanted)
    for left in ("editing", "rating", "moved", "notice"):
        st.session_state.pop(left, None)


def locate(chat: Chat, user: str, session_id: str) -> None:
    """Place the window of messages around the message of the URL, if it isn't yet.

    Raises:
        SessionNotFound: the user has no such session.
    """
    wanted = st.query_params.get("message")
    opened = st.session_state.get("at")
    if opened and (opened["session"], opened["message"]) == (session_id, wanted):
        return
    if opened:
        message_window.leave_message()
    if wanted is None:
        return
    total = chat.open(user, session_id, last=1).message_count
    try:
        position = chat.position(user, session_id, wanted)
    except MessageNotFound:
        st.session_state.notice = "This message is no longer in the chat."
        position = None
    if position is not None:
        message_window.place(position, total)
    words = str(st.session_state.get("search") or "").split()
    st.session_state.at = {"session": session_id, "message": wanted, "number": uuid.uuid4().hex, "words": words}


def shown_branch(session: Session, end: str | None) -> tuple[list[Message], bool]:
    """Return the branch that ends with `end`, or the one with the message of the URL; and whether it is another one."""
    current = branch_of(session.messages, end)
    opened = st.session_state.get("at")
    if opened is None or opened["session"] != session.id:
        return current, False
    wanted = opened["message"]
    if any(message.id == wanted for message in current) or all(message.id != wanted for message in session.messages):
        return current, False
    return branch_of(session.messages, newest_leaf(session.messages, wanted)), True


def other_version_notice(session: Session) -> None:
    """Say that another version is on view, and offer to switch."""
    with st.container(key="other version", horizontal=True, vertical_alignment="center"):
        st.caption(_OTHER_VERSION)
        st.button("Switch to this version", key="switch version", on_click=_switch, args=(session,))
        st.button("Show current version", key="show current", type="tertiary", on_click=message_window.reset)


def mark(message: Message) -> None:
    """If this is the message of the URL, tell the page's script to scroll to it and to mark the words."""
    opened = st.session_state.get("at")
    if opened and opened["message"] == message.id:
        words = escape_html(json.dumps(opened["words"]))
        st.html(f'<span data-hit="{opened["number"]}" data-words="{words}"></span>')


def _switch(session: Session) -> None:
    wanted = st.session_state.at["message"]
    callbacks.attempt(lambda chat: chat.show_branch(session.user, session, wanted))
