"""Where the bot's part of a conversation begins, and where its topic changes: a line across the page."""

from collections.abc import Sequence

import streamlit as st

from botchat.core.chat import Chat, Shown, shown, topics_of
from botchat.core.models import Message, Session
from botchat.web import cache, callbacks
from botchat.web.components.message_text import show_streaming_text
from botchat.web.markdown.escape import escape


class Dividers:
    """The lines between the messages of a session: one element each, and none where there is nothing to say."""

    def __init__(self, session: Session, messages: Sequence[Message]) -> None:
        self._session = session
        self._shown = shown(session)
        self._topics = topics_of(messages) if cache.preferences(session.user).topics == "shown" else ()

    def draw_above(self, message_id: str) -> None:
        """Draw what stands above a message."""
        if self._shown and message_id == self._shown.first:
            _context_divider(self._session, self._shown)
        if message_id in self._topics:
            _topic_divider(self._session, message_id)


def clear_context(session: Session, message_id: str | None) -> None:
    """Let the bot forget what stands above a message; None takes that back."""
    callbacks.attempt(lambda chat: chat.forget(session.user, session, message_id))


def start_session_from(session: Session, message_id: str) -> None:
    """Begin a new session with a message and what follows it, and show it."""

    def begin(chat: Chat) -> None:
        callbacks.open_session(chat.begin_from(session.user, session, message_id).id)

    callbacks.attempt(begin)


def _context_divider(session: Session, told: Shown) -> None:
    with st.container(key="line-shown", horizontal=True, horizontal_alignment="center", vertical_alignment="center"):
        st.caption(escape(told.sentence), width="content")
        if told.by_hand:
            st.button("Take it back", key="remember", type="tertiary", on_click=clear_context, args=(session, None))
    if told.summary:
        with st.expander("The bot's summary of it", type="compact"):
            show_streaming_text(told.summary)


def _topic_divider(session: Session, message_id: str) -> None:
    st.button(
        "New topic · start a new session from here",
        key=f"line-topic-{message_id}",
        type="tertiary",
        width="stretch",
        on_click=start_session_from,
        args=(session, message_id),
    )
