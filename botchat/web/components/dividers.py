"""Dividers between messages: the start of the bot's context, and changes of topic."""

from collections.abc import Sequence

import streamlit as st

from botchat.core.chat import Chat, ContextUsage, context_usage, topic_starts
from botchat.core.models import Message, Session
from botchat.web import cache, callbacks
from botchat.web.components.message_text import show_streaming_text
from botchat.web.markdown.escape import escape


class Dividers:
    """The dividers of a session: at most one for the context, and one per change of topic."""

    def __init__(self, session: Session, messages: Sequence[Message]) -> None:
        self._session = session
        self._usage = context_usage(session)
        self._topics = topic_starts(messages) if cache.preferences(session.user).topics == "shown" else ()

    def draw_above(self, message_id: str) -> None:
        """Draw the dividers above a message, if there are any."""
        if self._usage and message_id == self._usage.first_id:
            _context_divider(self._session, self._usage)
        if message_id in self._topics:
            _topic_divider(self._session, message_id)


def clear_context(session: Session, message_id: str | None) -> None:
    """Exclude the messages above a message from the bot's context; None includes them again."""
    callbacks.attempt(lambda chat: chat.set_context_start(session.user, session, message_id))


def start_session_from(session: Session, message_id: str) -> None:
    """Copy a message and the later ones to a new session, and open it."""

    def begin(chat: Chat) -> None:
        callbacks.open_session(chat.continue_in_new_session(session.user, session, message_id).id)

    callbacks.attempt(begin)


def branch_into_session(session: Session, message_id: str) -> None:
    """Copy the conversation up to a message to a new session, and open it."""

    def begin(chat: Chat) -> None:
        position = [message.id for message in session.messages].index(message_id)
        callbacks.open_session(chat.fork(session.user, session.id, session.first + position + 1).id)

    callbacks.attempt(begin)


def _context_divider(session: Session, usage: ContextUsage) -> None:
    with st.container(key="line-shown", horizontal=True, horizontal_alignment="center", vertical_alignment="center"):
        st.caption(escape(usage.description), width="content")
        if usage.is_manual:
            st.button("Undo", key="remember", type="tertiary", on_click=clear_context, args=(session, None))
    if usage.summary:
        with st.expander("Summary of earlier messages", type="compact"):
            show_streaming_text(usage.summary)


def _topic_divider(session: Session, message_id: str) -> None:
    st.button(
        "New topic · continue in a new chat",
        key=f"line-topic-{message_id}",
        type="tertiary",
        width="stretch",
        on_click=start_session_from,
        args=(session, message_id),
    )
