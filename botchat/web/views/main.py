"""The page: selects the view, and arranges the sidebar, the open session and the composer."""

import streamlit as st

from botchat.core.chat import Chat
from botchat.core.errors import BotchatError, SessionNotFound
from botchat.core.exporting import one_line
from botchat.core.models import Session
from botchat.web import assets, cache, callbacks, runtime
from botchat.web.components import composer, message_window
from botchat.web.components.dialogs.shared_links import show_shared
from botchat.web.components.message import reopen_editor
from botchat.web.components.model_picker import choices_place, model_choices
from botchat.web.components.new_chat import new_chat, restore_choices
from botchat.web.components.search import hit
from botchat.web.components.session_menu import reopen_dialog, session_header
from botchat.web.components.session_rows import row_dialog
from botchat.web.components.sidebar import sidebar
from botchat.web.icon import ICON_URL
from botchat.web.markdown.escape import escape
from botchat.web.streamlit_internals import undrawn_texts
from botchat.web.views.admin.page import show_admin
from botchat.web.views.conversation import session_with_reply, show_conversation, show_last_read
from botchat.web.views.settings import show_settings


def show() -> None:
    """Run the page once."""
    composer.keep_submitted()
    user = runtime.user()
    view = "shared" if "shared" in st.query_params else st.query_params.get("view")
    session, problem = (None, None) if view else _current_session(user)
    if not view and composer.send_kept(session, problem):
        st.rerun()
    st.set_page_config(page_title=_title(session), page_icon=ICON_URL, layout="wide" if view == "admin" else "centered")
    assets.apply()
    if view:
        _side(user, session)
        _other_view(view, user)
    else:
        composer.message_input(session)
        place = choices_place()
        if problem:
            st.error(escape(problem), icon=":material/error:")
        if session:
            _main(session, can_read=problem is None)
    callbacks.show_notice()
    if not view:
        composer.unsent_message(session)
        _side(user, session)  # late, so that the first text of a reply doesn't wait for the session list
        if session and not problem:
            model_choices(session, place)
    runtime.current().after_run()


def _side(user: str, session: Session | None) -> None:
    st.logo(ICON_URL, size="large")
    row_dialog(user)
    with st.sidebar:
        sidebar(user, session.id if session and session.rev else None)


def _other_view(view: str, user: str) -> None:
    if view == "settings":
        show_settings(user)
    elif view == "shared":
        show_shared(user, st.query_params.get("shared", ""))
    elif view == "admin" and runtime.current().is_admin(user):
        show_admin()
    else:
        st.error("Page not found.", icon=":material/error:")


def _current_session(user: str) -> tuple[Session | None, str | None]:
    """Return the session of the page, and the error if it can't be read.

    While the store is unreachable, this is the session as it was read last, with its running reply, so that the
    conversation stays on the screen. After the server restarted, the fields that the tab has open are reopened.
    """
    wanted = st.query_params.get("session")
    remembered: Session | None = st.session_state.get("shown" if wanted else "new")
    if remembered and wanted and remembered.id != wanted:
        remembered = None
    problem = None
    texts = {} if "shown" in st.session_state else undrawn_texts()
    try:
        chat = cache.connection()
        if wanted:
            hit.locate(chat, user, wanted)
            st.session_state.seen = chat.revision(user)  # before reading: later changes are noticed by `seen`
            remembered = chat.open(user, wanted, message_window.size())
            if message_window.grow(remembered):
                remembered = chat.open(user, wanted, message_window.size())
            reopen_editor(texts)
            reopen_dialog(remembered, texts)
        else:
            if remembered is None:
                remembered = chat.new_session(user)
                restore_choices(remembered, chat.bots_for(user), texts)
            st.session_state.new = remembered
        st.session_state["reasoning shown"] = cache.preferences(user).reasoning == "shown"
    except SessionNotFound as error:
        problem, remembered = str(error), None
    except BotchatError as error:
        problem = str(error)
    if problem and wanted and (reply := runtime.current().replies.active_reply(user, wanted)):
        remembered = session_with_reply(remembered, reply)
    st.session_state.shown = remembered
    return remembered, problem


def _main(session: Session, *, can_read: bool) -> None:
    if not can_read:
        show_last_read(session)
        return
    chat: Chat = cache.connection()
    if session.rev:
        session_header(chat, session)
    else:
        new_chat(chat, session)
    show_conversation(chat, session)


def _title(session: Session | None) -> str:
    return f"{one_line(session.name)} · botchat" if session and session.name else "botchat"
