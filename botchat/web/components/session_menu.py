"""The header of the open session, and its menu: rename, pin, tags, model, export, archive, delete."""

from collections.abc import Callable, Mapping

import streamlit as st

from botchat.core.chat import Chat, context_usage
from botchat.core.errors import BotchatError
from botchat.core.models import NAME_LIMIT, Session
from botchat.web import cache, callbacks
from botchat.web.components.bulk_actions import move_sessions
from botchat.web.components.dialogs.shared_links import SHARE, reset_dialog, share_dialog
from botchat.web.components.model_picker import choice_label
from botchat.web.components.new_chat import system_prompt_input
from botchat.web.components.transfer import session_export_links
from botchat.web.markdown.escape import escape, session_label
from botchat.web.timezone import format_date

_RENAME, _TAGS, _BOT, _EXPORT, _DELETE = "Rename", "Tags", "System prompt", "Export", "Delete"
_PURGE = "Delete permanently"
_OPTIONS = "Chat options"


def session_header(chat: Chat, session: Session) -> None:
    """Show a session's name, menu, model, tags and state, and the dialog that the user opened."""
    with st.container(key="head", horizontal=True, vertical_alignment="center"):
        st.subheader(session_label(session.name), anchor=False)
        _menu(session)
    tags = "".join(f" · {tag}" for tag in session.tags)
    usage = context_usage(session)
    sent = f" · {usage.text}" if usage else ""
    st.caption(escape(_model(chat, session) + tags + sent))
    _withdrawn_notice(chat, session)
    if session.state == "archived":
        st.info("This chat is archived.")
    elif session.state == "trash":
        _trash_notice(session)
    if dialog := st.session_state.pop("dialog", None):
        show_dialog(session, dialog)


def reset_fields() -> None:
    """Forget what the fields of the dialogs showed before."""
    reset_dialog()
    for left in ("new name", "new tags"):
        st.session_state.pop(left, None)


def show_dialog(session: Session, dialog: str) -> None:
    """Show a dialog of a session's menu, by its title."""
    _DIALOGS[dialog](session)


def reopen_dialog(session: Session, texts: Mapping[str, str]) -> None:
    """Reopen the dialog that a tab had open before the server restarted; `texts` are the tab's fields."""
    if "new name" in texts:
        st.session_state.dialog = _RENAME
    elif any(key.startswith(f"system of {session.id} ") for key in texts):
        st.session_state.dialog = _BOT


def _menu(session: Session) -> None:
    pin = "Unpin" if session.pinned else "Pin"
    to_archive = {"active": ["Archive"], "archived": ["Unarchive"]}.get(session.state, [])
    delete = [] if session.state == "trash" else [_DELETE]
    share = [] if session.state == "trash" else [SHARE]
    options = [_RENAME, pin, _TAGS, _BOT, *share, _EXPORT, *to_archive, *delete]
    key = "session menu"
    st.menu_button(
        _OPTIONS,
        options,
        icon=":material/more_horiz:",
        key=key,
        type="tertiary",
        help=_OPTIONS,
        on_click=_chosen,
        args=(session, key),
    )


def _chosen(session: Session, key: str) -> None:
    user, session_id = session.user, session.id
    match st.session_state[key]:
        case "Pin" | "Unpin":
            callbacks.attempt(lambda chat: chat.update(user, session_id, pinned=not session.pinned))
        case "Archive":
            move_sessions(user, [session_id], session.state, "archived")
        case "Unarchive":
            move_sessions(user, [session_id], session.state, "active")
        case "Delete":
            callbacks.open_session(None)
            move_sessions(user, [session_id], session.state, "trash")
        case dialog:
            st.session_state.dialog = dialog
            reset_fields()


def _model(chat: Chat, session: Session) -> str:
    bots = chat.bots_for(session.user)
    if session.bot_id in bots:
        return choice_label((session.bot_id, session.bot_model), bots)
    return f"{session.bot_id} (no longer available)"


def _withdrawn_notice(chat: Chat, session: Session) -> None:
    """Say why a session can't be continued: its bot was removed, or its user may no longer use it."""
    if session.bot_id not in ("agent", *chat.bots_for(session.user)):
        st.info(
            f"The model {escape(session.bot_id)} is no longer available to you. To continue this chat, choose another "
            "one below the composer.",
            icon=":material/info:",
        )


def _trash_notice(session: Session) -> None:
    end = f" Will be permanently deleted on {format_date(session.expire_time)}." if session.expire_time else ""
    st.warning(f"In trash.{end}")
    with st.container(horizontal=True):
        st.button(
            "Restore", key="restore", on_click=move_sessions, args=(session.user, [session.id], "trash", "active")
        )
        st.button(_PURGE, key="delete permanently", on_click=_request_purge)


def _request_purge() -> None:
    st.session_state.dialog = _PURGE


@st.dialog(_RENAME)
def _rename_dialog(session: Session) -> None:
    st.text_input("Name", session.name, key="new name", max_chars=NAME_LIMIT)
    _show_problem()
    st.button("Save", key="save name", type="primary", on_click=_save, args=(session, _set_name))


def _set_name(chat: Chat, session: Session) -> None:
    chat.update(session.user, session.id, name=st.session_state["new name"])


@st.dialog(_TAGS)
def _tags_dialog(session: Session) -> None:
    st.multiselect(
        "Tags",
        _known_tags(session),
        default=session.tags,
        accept_new_options=True,
        key="new tags",
        placeholder="Select or create tags",
    )
    _show_problem()
    st.button("Save", key="save tags", type="primary", on_click=_save, args=(session, _set_tags))


def _known_tags(session: Session) -> list[str]:
    try:
        return sorted({*session.tags, *cache.tags(session.user)})
    except BotchatError as error:
        st.error(escape(str(error)), icon=":material/cloud_off:")
        return session.tags


def _set_tags(chat: Chat, session: Session) -> None:
    chat.update(session.user, session.id, tags=list(st.session_state["new tags"]))


@st.dialog(_BOT)
def _bot_dialog(session: Session) -> None:
    chat = cache.connection()
    bots = chat.bots_for(session.user)
    if session.bot_id not in bots:
        st.info(f"{escape(session.bot_id)} is no longer available. Choose another model first.")
        return
    system = system_prompt_input(session, bots[session.bot_id])

    def change(chat: Chat, session: Session) -> None:
        if system != session.system:
            chat.update(session.user, session.id, system=system)

    _show_problem()
    st.button("Save", key="save bot", type="primary", on_click=_save, args=(session, change))


@st.dialog(_EXPORT)
def _export_dialog(session: Session) -> None:
    session_export_links(session)


@st.dialog("Delete permanently?")
def _purge_dialog(session: Session) -> None:
    count = session.message_count
    messages = "its message" if count == 1 else f"its {count:,} messages"
    st.markdown(f"This permanently deletes “{session_label(session.name)}” and {messages}. This can't be undone.")
    _show_problem()
    with st.container(horizontal=True):
        st.button(_PURGE, key="purge", type="primary", on_click=_save, args=(session, _purge))
        st.button("Cancel", key="cancel purge", on_click=st.rerun)


def _purge(chat: Chat, session: Session) -> None:
    chat.purge(session.user, session.id)
    if st.query_params.get("session") == session.id:
        callbacks.open_session(None)


def _save(session: Session, change: Callable[[Chat, Session], None]) -> None:
    """Apply the change of a dialog and close it. On failure, keep it open with its input and show the error."""
    try:
        change(cache.connection(), session)
    except BotchatError as error:
        st.session_state["dialog problem"] = str(error)
    else:
        st.rerun()


def _show_problem() -> None:
    if problem := st.session_state.pop("dialog problem", None):
        st.error(escape(problem), icon=":material/error:")


_DIALOGS = {
    _RENAME: _rename_dialog,
    _TAGS: _tags_dialog,
    _BOT: _bot_dialog,
    SHARE: share_dialog,
    _EXPORT: _export_dialog,
    _PURGE: _purge_dialog,
}
