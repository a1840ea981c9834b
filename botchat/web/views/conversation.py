"""Shows one session: its messages, dividers and streaming reply."""

from dataclasses import replace

import streamlit as st

from botchat.core.chat import Chat, Reply, alternatives, branch_of, is_unanswered
from botchat.core.errors import BotchatError
from botchat.core.models import Message, Session
from botchat.web import cache, callbacks, runtime
from botchat.web.components import message_window
from botchat.web.components.dialogs.redact import redact_dialog
from botchat.web.components.dialogs.regenerate import regenerate_dialog
from botchat.web.components.dividers import Dividers
from botchat.web.components.live_reply import external_reply_id, follow_reply
from botchat.web.components.message import show_message, show_session_message
from botchat.web.components.message_actions import active_messages, offered_actions
from botchat.web.components.search import hit

_POLL_SECONDS = 3.0
_BROKEN = {"failed", "truncated", "interrupted"}
"""How a reply ends that isn't complete, other than by its user's wish."""


def show_conversation(chat: Chat, session: Session) -> None:
    """Show a session's messages, and follow its streaming reply."""
    reply = chat.reply(session.user, session.id)
    if reply is None and session.rev:
        session = _reread_if_changed(chat, session)
    reply_id = reply.message.id if reply else external_reply_id(session)
    messages, is_other = hit.shown_branch(session, _end_of_branch(session, reply))
    later = max(0, len(messages) - message_window.shown())
    if is_other:
        hit.other_version_notice(session)
    if session.first:
        st.button(
            f"Load earlier messages ({session.first:,})", on_click=message_window.show_earlier, key="show earlier"
        )
    dividers, active = Dividers(session, messages), active_messages()
    offered = offered_actions(messages, alternatives(session.messages), active)
    for message, actions in zip(messages[: message_window.shown()], offered, strict=False):
        dividers.draw_above(message.id)
        if message.id != reply_id:
            show_session_message(session, message, actions, active)
    redact_dialog(session)
    regenerate_dialog(session)
    if later:
        _show_later(later)
    if reply_id:
        follow_reply(session.user, session.id)
    elif not later:
        _offer_retry(session, messages)
    if session.rev and not reply_id:
        _poll_changes(session.user, session.id, session.rev)


def _offer_retry(session: Session, messages: list[Message]) -> None:
    """Offer to request the missing reply, or another one in place of an interrupted reply."""
    if is_unanswered(session):
        st.button("Retry", icon=":material/refresh:", on_click=_retry, args=(session,), key="retry")
    elif messages and messages[-1].status in _BROKEN:
        args = (session, messages[-1].id)
        st.button("Try again", icon=":material/refresh:", on_click=_try_again, args=args, key="retry")


def _show_later(count: int) -> None:
    """Say how many newer messages aren't shown, and offer to load them."""
    st.caption(f"{count:,} newer message{'s aren' if count > 1 else ' isn'}'t shown.")
    st.button("Load later messages", on_click=message_window.show_later, key="show later")
    st.button("Jump to latest", on_click=message_window.reset, key="show newest")


def _reread_if_changed(chat: Chat, session: Session) -> Session:
    """Return the session, read again if it may have changed since: a short reply can end while the page is drawn."""
    revision = chat.revision(session.user)
    if revision == st.session_state.get("seen"):
        return session
    try:
        latest = chat.open(session.user, session.id, message_window.size())
    except BotchatError:
        return session  # the next run shows the error
    st.session_state.seen, st.session_state.shown = revision, latest
    return latest


def _end_of_branch(session: Session, reply: Reply | None) -> str | None:
    # A regenerated reply starts a branch, which is stored with its first text. Even before that, it replaces the
    # previous reply on the page.
    if reply and any(message.id == reply.message.parent for message in session.messages):
        return reply.message.parent
    return session.head


def show_last_read(session: Session) -> None:
    """Show a session as it was read last while the store is unreachable, and follow its streaming reply."""
    reply = runtime.current().replies.active_reply(session.user, session.id)
    reply_id = reply.message_id if reply else external_reply_id(session)
    for message in branch_of(session.messages, session.head):
        if message.id != reply_id:
            show_message(message)
    if reply_id:
        follow_reply(session.user, session.id)


def session_with_reply(known: Session | None, reply: Reply) -> Session | None:
    """Return the session as it was read last, or as the reply knows it if that is newer, including the reply."""
    asked = reply.session
    ids = {message.id for message in known.messages} if known else set()
    base = known if known and not (asked and {message.id for message in asked.messages[-1:]} - ids) else asked
    if base is None:
        return None
    others = [message for message in base.messages if message.id != reply.message_id]
    return replace(base, messages=[*others, reply.message], head=None)


@st.fragment(run_every=_POLL_SECONDS)
def _poll_changes(user: str, session_id: str, rev: int) -> None:
    """Rerun the page if another tab changed this session. The store is read only if this process has written to it."""
    try:
        chat = cache.connection()
        revision = chat.revision(user)
        is_new = chat.reply(user, session_id) is not None
        if not is_new and revision != st.session_state.get("seen"):
            st.session_state.seen = revision
            is_new = chat.open(user, session_id, last=1).rev != rev
    except BotchatError:
        is_new = True  # a run of the whole page shows the error
    if is_new:
        st.rerun()


def _retry(session: Session) -> None:
    callbacks.attempt(lambda chat: chat.retry(session.user, session))


def _try_again(session: Session, message_id: str) -> None:
    callbacks.attempt(lambda chat: chat.regenerate(session.user, session, message_id))
