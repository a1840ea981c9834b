"""Shows one message: its text, files, details and actions, or its editor."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from datetime import tzinfo

import streamlit as st

from botchat.core.exporting import file_line, one_line, speaker
from botchat.core.models import Message, Session
from botchat.web import callbacks
from botchat.web.components.live_reply import finished_reply, show_ending, show_notices, show_reasoning
from botchat.web.components.message_actions import ActiveMessages, OfferedActions, show_actions
from botchat.web.components.message_text import show_bot_text, show_user_text
from botchat.web.components.search import hit
from botchat.web.markdown.escape import escape
from botchat.web.routes.files import file_url
from botchat.web.timezone import format_date, local_now


def show_message(message: Message) -> None:
    """Show a message without actions; of its files, show only the names."""
    with _frame(message):
        _content(message)
        for file in message.files:
            st.text(file_line(file))


def show_session_message(session: Session, message: Message, actions: OfferedActions, active: ActiveMessages) -> None:
    """Show a message of a session with its files and actions."""
    with _frame(message):
        if message.id == active.editing:
            _editor(session, message)
            return
        _content(message)
        hit.mark(message)
        _files(session, message)
        show_actions(session, message, actions)
        if message.id in active.details:
            st.caption(_details(message, local_now().tzinfo))


def _frame(message: Message) -> AbstractContextManager[object]:
    return st.chat_message("user") if message.role == "user" else finished_reply()


def _details(message: Message, zone: tzinfo | None) -> str:
    """Return the time, model, token usage, latency and speed of a message."""
    time = message.create_time.astimezone(zone)
    facts = [f"{format_date(time)}, {time:%H:%M:%S}"]
    if message.model:
        facts.append(message.model)
    for name, unit in (("prompt_tokens", "input tokens"), ("completion_tokens", "output tokens")):
        if message.usage and name in message.usage:
            facts.append(f"{message.usage[name]:,} {unit}")
    if message.first_token_ms is not None:
        facts.append(f"first token {message.first_token_ms / 1000:.1f} s")
    if message.latency_ms is not None:
        facts.append(f"total {message.latency_ms / 1000:.1f} s")
    return escape(" · ".join([*facts, *_speed(message)]))


def _speed(message: Message) -> list[str]:
    """Return the output tokens per second after the first token; empty if the message doesn't have the figures."""
    tokens = (message.usage or {}).get("completion_tokens")
    if not tokens or message.latency_ms is None or message.first_token_ms is None:
        return []
    milliseconds = message.latency_ms - message.first_token_ms
    return [f"{tokens * 1000 / milliseconds:,.0f} tok/s"] if milliseconds > 0 else []


def _content(message: Message) -> None:
    if message.agent_id:
        st.caption(escape(one_line(speaker(message, message.agent_id))))
    if message.role == "user":
        if message.content:
            show_user_text(message.content, message.id)
        show_notices(message)
        return
    show_reasoning(message, collapsed=True)
    if message.content:
        show_bot_text(message.content, message.id)
    show_notices(message)
    show_ending(message)


def _files(session: Session, message: Message) -> None:
    for file in message.files:
        address = file_url(session, file)
        if file.is_image:
            st.markdown(f"![{escape(one_line(file.name))}]({address})")
        else:
            st.link_button(escape(file_line(file)), address)


def reopen_editor(texts: Mapping[str, str]) -> None:
    """Reopen the editor that a tab had open before the server restarted; `texts` are the tab's fields."""
    for key in texts:
        if key.startswith("edited "):
            st.session_state.editing = key.removeprefix("edited ")


def _editor(session: Session, message: Message) -> None:
    st.text_area("Edit message", message.content, key=f"edited {message.id}", label_visibility="collapsed")
    with st.container(horizontal=True):
        st.button("Send", key="send edited", type="primary", on_click=_edit, args=(session, message))
        st.button("Cancel", key="cancel edit", on_click=_stop_editing)
    st.caption("The original is kept as another version.")


def _edit(session: Session, message: Message) -> None:
    text = st.session_state[f"edited {message.id}"]
    if callbacks.attempt(lambda chat: chat.edit(session.user, session, message.id, text)):
        _stop_editing()


def _stop_editing() -> None:
    st.session_state.pop("editing", None)
