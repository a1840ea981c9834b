"""One session on the page: its messages, and the reply that is coming."""

import streamlit as st

from botchat.core.chat import Chat, branch_of, is_unanswered
from botchat.core.errors import BotchatError
from botchat.core.export import printable
from botchat.core.models import Message, Session
from botchat.web import cached
from botchat.web.following import follow, show_ending, show_reasoning, written_elsewhere
from botchat.web.text import bot_markdown

SHOWN_AT_FIRST = 30
SHOWN_MORE = 50


def conversation(chat: Chat, session: Session) -> None:
    """Show a session's messages, and follow the reply that is coming."""
    reply = chat.reply(session.user, session.id)
    coming = reply.message.id if reply else written_elsewhere(session)
    if session.first:
        st.button(f"Show earlier ({session.first} more)", on_click=_show_earlier, key="show earlier")
    for message in branch_of(session.messages, session.head):
        if message.id != coming:
            show_message(message)
    if coming:
        follow(session.user, session.id)
    elif is_unanswered(session):
        st.button("Try again", icon=":material/refresh:", on_click=_retry, args=(session,), key="retry")


def show_message(message: Message) -> None:
    """Show one message: a person's as it was typed, a bot's as the Markdown that it is."""
    if message.role == "user":
        with st.chat_message("user"):
            st.text(printable(message.content))
        return
    with st.chat_message("assistant"):
        show_reasoning(message, folded=True)
        if message.content:
            st.markdown(bot_markdown(message.content))
        show_ending(message)


def _show_earlier() -> None:
    st.session_state.depth = st.session_state.get("depth", SHOWN_AT_FIRST) + SHOWN_MORE


def _retry(session: Session) -> None:
    try:
        cached.connection().retry(session.user, session)
    except BotchatError as error:
        st.session_state.notice = str(error)
