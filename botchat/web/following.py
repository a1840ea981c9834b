"""The reply that is coming, followed on the page as it comes."""

import time

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from botchat.core.chat import Reply
from botchat.core.errors import BotchatError
from botchat.core.models import Message, Session
from botchat.web import cached
from botchat.web.text import bot_markdown, plain

_BURST_SECONDS = 0.9
_REDRAW_SECONDS = 0.125

_ENDINGS = {
    "stopped": "Stopped. What came until then is kept.",
    "interrupted": "Interrupted: the program that received this reply ended before the reply did.",
}


@st.fragment(run_every=1.0)
def follow(user: str, session_id: str) -> None:
    """Show a reply as it comes: each run redraws it for most of a second, then the next run takes over.

    The reply runs elsewhere. What happens to this run, or to the tab, does not touch it.
    """
    try:
        reply = cached.connection().reply(user, session_id)
        if reply is None:
            _follow_elsewhere(user, session_id)
        else:
            _follow_here(reply)
    except BotchatError as error:
        st.warning(plain(str(error)))


def _follow_here(reply: Reply) -> None:
    if reply.ended and reply.settled and reply.save_failure is None:
        st.rerun()
    with st.chat_message("assistant"):
        box = st.empty()
        footer = st.container()
    if not reply.ended:
        footer.button("Stop", icon=":material/stop_circle:", on_click=reply.stop, key="stop")
    if reply.save_failure:
        footer.warning(f"Not saved: {plain(str(reply.save_failure))}", icon=":material/cloud_off:")
    _draw(box, reply.message)
    if st.session_state.pop("first look", False):
        return  # the page itself is not kept waiting
    until = time.monotonic() + _BURST_SECONDS
    while not reply.ended and (left := until - time.monotonic()) > 0:
        reply.wait_for_news(left)
        time.sleep(_REDRAW_SECONDS)  # eight pictures a second at most, however fast the pieces come
        _draw(box, reply.message)
    if reply.wait(0) and reply.save_failure is None:
        st.rerun()


def _draw(box: DeltaGenerator, message: Message) -> None:
    with box.container():
        show_reasoning(message, folded=bool(message.content))
        if message.content:
            st.markdown(bot_markdown(message.content))
        elif not message.reasoning_content:
            st.caption("Waiting for the bot …")
        if message.status != "streaming":
            show_ending(message)


def written_elsewhere(session: Session) -> str | None:
    """Return the id of the message that another process is writing into this session."""
    return next((message.id for message in session.messages if message.status == "streaming"), None)


def _follow_elsewhere(user: str, session_id: str) -> None:
    session = cached.connection().open(user, session_id)
    coming = written_elsewhere(session)
    if coming is None:
        st.rerun()
    with st.chat_message("assistant"):
        _draw(st.empty(), next(message for message in session.messages if message.id == coming))
        st.caption("Another program is receiving this reply.")


def show_reasoning(message: Message, *, folded: bool) -> None:
    if message.reasoning_content:
        with st.expander("Reasoning", type="compact", expanded=not folded):
            st.markdown(bot_markdown(message.reasoning_content))


def show_ending(message: Message) -> None:
    if message.status == "failed":
        st.error(plain(message.error or "The bot failed."), icon=":material/error:")
    elif message.status == "truncated":
        st.warning(plain(message.error or "The reply was cut off."), icon=":material/content_cut:")
    elif message.status in _ENDINGS:
        st.caption(_ENDINGS[message.status])
