"""Shows a reply while it streams, from this process or another one, and how it ended."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from botchat.core.chat import Reply
from botchat.core.errors import BotchatError
from botchat.core.exporting import content_notices
from botchat.core.models import Message, Session
from botchat.web import cache, runtime
from botchat.web.callbacks import attempt
from botchat.web.components.message_text import show_streaming_text
from botchat.web.markdown.escape import escape
from botchat.web.streamlit_internals import is_click_pending, set_rerun_interval

_FIRST_TEXT_SECONDS = 0.25
"""How long a run of the whole page waits for the first text: about the delay that users accept after a click."""

_RUN_SECONDS = 60.0
"""The longest run of the fragment. Runs are long because starting one is the expensive part; a click ends it early."""

_WATCH_SECONDS = 10.0
"""The timer's interval while a run is active. It is long because each tick takes a lock that every run needs."""

_STOP = ":material/stop_circle:"
_THINKING = '<p class="botchat-thinking" role="status">Thinking…</p>'
_ENDINGS = {
    "stopped": "Stopped.",
    "interrupted": "Interrupted: botchat closed before this reply finished.",
}


class _Pace(NamedTuple):
    """How often a reply is drawn, in seconds: `pause` between two updates, `tick` of the timer."""

    pause: float
    tick: float


def _pace() -> _Pace:
    """Return the pace for the current number of running replies (measured: docs/contribute/performance.md)."""
    load = runtime.current().replies.running_count / 100
    return _Pace(pause=max(1 / 20, load), tick=max(1 / 4, load))


def follow_reply(user: str, session_id: str) -> None:
    """Show a streaming reply in a fragment that redraws it.

    The reply runs in another thread, independent of this run and of the tab.
    """
    st.session_state["first look"] = True
    st.fragment(_follow, run_every=_pace().tick)(user, session_id)


def _follow(user: str, session_id: str) -> None:
    reply = runtime.current().replies.active_reply(user, session_id)
    if reply is None:
        _follow_external(user, session_id)
    else:
        _follow_local(reply)


def _follow_local(reply: Reply) -> None:
    is_first_look = st.session_state.pop("first look", False)
    if is_first_look:
        reply.wait_for_first_delta(_FIRST_TEXT_SECONDS)
    elif reply.settled and reply.save_failure is None:
        st.rerun()
    with st.chat_message("assistant"):
        view = _MessageView(reply.message)
        if not reply.ended:
            st.button("Stop", icon=_STOP, on_click=reply.stop, key="stop")
        if reply.save_failure:
            st.warning(f"Couldn't save this reply: {escape(str(reply.save_failure))}", icon=":material/cloud_off:")
    if is_first_look:
        return  # a run of the whole page doesn't wait
    if not reply.ended:
        set_rerun_interval(_WATCH_SECONDS)
        _redraw(view, reply)
        if not is_click_pending():  # a click is handled after this run; the timer then starts another run
            st.rerun(scope="fragment")  # continues in the same thread
    elif reply.wait(0) and reply.save_failure is None:
        st.rerun()
    set_rerun_interval(_pace().tick)


def _redraw(view: "_MessageView", reply: Reply) -> None:
    """Draw new text until the layout or the save state changes, the user clicks, or the run's time is over."""
    until, failure = time.monotonic() + _RUN_SECONDS, reply.save_failure
    while not reply.ended and reply.save_failure is failure and time.monotonic() < until and not is_click_pending():
        pace = _pace()
        reply.wait_for_update(pace.tick)
        time.sleep(pace.pause)
        if not view.update(reply.message):
            return


class _MessageView:
    """A message on the page. Its texts are updated in place, so that nothing disappears between two updates."""

    def __init__(self, message: Message) -> None:
        self._message = message
        self._reasoning = show_reasoning(message, collapsed=bool(message.content))
        if message.content:
            self._content = show_streaming_text(message.content)
        elif not message.reasoning_content and not content_notices(message):
            st.html(_THINKING)
        show_notices(message)
        if message.status != "streaming":
            show_ending(message)

    def update(self, message: Message) -> bool:
        """Draw the new text of the message; return False if its layout changes."""
        before, self._message = self._message, message
        if message.status != "streaming" or _layout(message) != _layout(before):
            return False
        if self._reasoning and message.reasoning_content != before.reasoning_content:
            show_streaming_text(message.reasoning_content, self._reasoning)
        if message.content != before.content:
            show_streaming_text(message.content, self._content)
        return True


def _layout(message: Message) -> tuple[bool, bool, list[str]]:
    return bool(message.reasoning_content), bool(message.content), content_notices(message)


def external_reply_id(session: Session) -> str | None:
    """Return the ID of the reply that another process is writing in this session, or None.

    A reply without text has no ID yet; the ID of the turn's holder is returned then.
    """
    streaming = (message.id for message in session.messages if message.status == "streaming")
    return next(streaming, session.turn.holder if session.turn else None)


def _follow_external(user: str, session_id: str) -> None:
    try:
        session = cache.connection().open(user, session_id)
    except BotchatError as error:
        if last_seen := _last_seen_external(session_id):  # keep it on the screen
            with st.chat_message("assistant"):
                _MessageView(last_seen)
        st.warning(escape(str(error)))
        return
    reply_id = external_reply_id(session)
    if reply_id is None:
        st.session_state.pop("seen elsewhere", None)
        st.rerun()
    waiting = Message(role="assistant", status="streaming", to_stop=bool(session.turn and session.turn.to_stop))
    message = next((message for message in session.messages if message.id == reply_id), waiting)
    st.session_state["seen elsewhere"] = session_id, message
    with st.chat_message("assistant"):
        _MessageView(message)
        if message.to_stop:
            st.caption("Stopping…")
        else:
            st.button("Stop", icon=_STOP, on_click=_stop_external, args=(user, session_id), key="stop")
            st.caption("Streaming in another window or program.")


def _last_seen_external(session_id: str) -> Message | None:
    """Return the external reply as this tab showed it last, or None if it showed none in this session."""
    seen_in, message = st.session_state.get("seen elsewhere", (None, None))
    return message if seen_in == session_id else None


def _stop_external(user: str, session_id: str) -> None:
    attempt(lambda chat: chat.stop(user, session_id))


@contextmanager
def finished_reply() -> Iterator[None]:
    """Open the block of a finished reply, nested as deeply as the fragment nests a streaming one.

    A fragment draws in its own container. In the browser, Streamlit keeps the content of a block only if the next run
    draws a block of the same type at the same position. Any other block starts empty, so its text disappears until it
    arrives again.
    """
    with st.container(), st.chat_message("assistant"):
        yield


def show_reasoning(message: Message, *, collapsed: bool) -> DeltaGenerator | None:
    """Show the reasoning of a message; return its element, or None without reasoning."""
    if not message.reasoning_content:
        return None
    is_open = not collapsed or st.session_state.get("reasoning shown", False)
    with st.expander(_reasoning_label(message), type="compact", expanded=is_open):
        return show_streaming_text(message.reasoning_content)


def _reasoning_label(message: Message) -> str:
    if message.reasoning_ms is not None:
        return f"Thought for {message.reasoning_ms / 1000:.1f} s"
    return "Thinking…" if message.status == "streaming" and not message.content else "Reasoning"


def show_notices(message: Message) -> None:
    """Name the content of a message that can't be shown, or note that the message is empty."""
    for notice in content_notices(message):
        st.caption(escape(notice))


def show_ending(message: Message) -> None:
    """Show why a reply isn't complete: failed, truncated, stopped or interrupted."""
    if message.status == "failed":
        st.error(escape(message.error or "Something went wrong."), icon=":material/error:")
    elif message.status == "truncated":
        st.warning(escape(message.error or "The reply was cut short."), icon=":material/content_cut:")
    elif message.status in _ENDINGS:
        st.caption(_ENDINGS[message.status])
