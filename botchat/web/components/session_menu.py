"""The header of the open session, and its menu: rename, pin, tags, bot, export, archive, delete."""

from collections.abc import Callable, Mapping

import streamlit as st

from botchat.core.chat import Chat, context_usage
from botchat.core.errors import BotchatError, UnknownBot
from botchat.core.models import NAME_LIMIT, Session
from botchat.web import cache, callbacks
from botchat.web.components.bulk_actions import move_sessions
from botchat.web.components.new_chat import system_prompt_input
from botchat.web.components.transfer import session_export_links
from botchat.web.markdown.escape import escape, session_label

_RENAME, _TAGS, _BOT, _EXPORT, _DELETE = "Rename", "Tags", "Bot and system prompt", "Export", "Delete"


def session_header(chat: Chat, session: Session) -> None:
    """Show a session's name, menu, bot, tags and state, and the dialog that was chosen."""
    with st.container(key="head", horizontal=True, vertical_alignment="center"):
        st.subheader(session_label(session.name), anchor=False)
        _menu(session)
    tags = "".join(f" · {tag}" for tag in session.tags)
    usage = context_usage(session)
    sent = f" · {usage.text}" if usage else ""
    st.caption(f"Bot: {escape(_bot(chat, session) + tags + sent)}")
    if session.state == "archived":
        st.info("This session is in the archive.")
    elif session.state == "trash":
        _trash_notice(session)
    if dialog := st.session_state.pop("dialog", None):
        _DIALOGS[dialog](session)


def reopen_dialog(session: Session, texts: Mapping[str, str]) -> None:
    """Open the dialog again that a tab had open before a restart of the server; `texts` are its fields."""
    if "new name" in texts:
        st.session_state.dialog = _RENAME
    elif any(key.startswith(f"system of {session.id} ") for key in texts):
        st.session_state.dialog = _BOT


def _menu(session: Session) -> None:
    pin = "Unpin" if session.pinned else "Pin"
    to_archive = {"active": ["Archive"], "archived": ["Move to chats"]}.get(session.state, [])
    delete = [] if session.state == "trash" else [_DELETE]
    options = [_RENAME, pin, _TAGS, _BOT, _EXPORT, *to_archive, *delete]
    key = "session menu"
    st.menu_button("Session", options, key=key, type="tertiary", on_click=_chosen, args=(session, key))


def _chosen(session: Session, key: str) -> None:
    user, session_id = session.user, session.id
    match st.session_state[key]:
        case "Pin" | "Unpin":
            callbacks.attempt(lambda chat: chat.update(user, session_id, pinned=not session.pinned))
        case "Archive":
            move_sessions(user, [session_id], session.state, "archived")
        case "Move to chats":
            move_sessions(user, [session_id], session.state, "active")
        case "Delete":
            callbacks.open_session(None)
            move_sessions(user, [session_id], session.state, "trash")
        case dialog:
            st.session_state.dialog = dialog
            for left in ("new name", "new tags"):
                st.session_state.pop(left, None)


def _bot(chat: Chat, session: Session) -> str:
    try:
        return f"{session.bot_id} ({chat.bot_of(session).label})"
    except UnknownBot:
        return f"{session.bot_id} (not in the config: it can't answer here)"


def _trash_notice(session: Session) -> None:
    until = f" until {session.expire_time:%d %B %Y}" if session.expire_time else ""
    st.warning(f"This session is in the trash{until}, then it goes for ever.")
    with st.container(horizontal=True):
        st.button(
            "Restore", key="restore", on_click=move_sessions, args=(session.user, [session.id], "trash", "active")
        )
        st.button("Delete for ever", key="delete for ever", on_click=_request_purge)


def _request_purge() -> None:
    st.session_state.dialog = "Delete for ever"


@st.dialog("Rename")
def _rename_dialog(session: Session) -> None:
    st.text_input("Name", session.name, key="new name", max_chars=NAME_LIMIT)
    _show_problem()
    st.button("Save", key="save name", type="primary", on_click=_save, args=(session, _set_name))


def _set_name(chat: Chat, session: Session) -> None:
    chat.update(session.user, session.id, name=st.session_state["new name"])


@st.dialog("Tags")
def _tags_dialog(session: Session) -> None:
    st.multiselect(
        "Tags",
        _known_tags(session),
        default=session.tags,
        accept_new_options=True,
        key="new tags",
        placeholder="Choose, or write a new one",
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


@st.dialog("Bot and system prompt")
def _bot_dialog(session: Session) -> None:
    chat = cache.connection()
    names = list(chat.bots)
    index = names.index(session.bot_id) if session.bot_id in names else None
    bot_id = st.selectbox(
        "Bot",
        names,
        index=index,
        format_func=lambda bot: f"{bot} ({chat.bots[bot].label})",
        help="It answers from the next message on.",
        key="new bot",
    )
    system = system_prompt_input(session, chat.bots[bot_id]) if bot_id else session.system

    def change(chat: Chat, session: Session) -> None:
        if bot_id and bot_id != session.bot_id:
            chat.change_bot(session.user, session, bot_id)
        if system != session.system:
            chat.update(session.user, session.id, system=system)

    _show_problem()
    st.button("Save", key="save bot", type="primary", on_click=_save, args=(session, change))


@st.dialog("Export")
def _export_dialog(session: Session) -> None:
    session_export_links(session)


@st.dialog("Delete for ever?")
def _purge_dialog(session: Session) -> None:
    st.markdown(f"{session_label(session.name)} and its {session.message_count:,} messages can't be brought back then.")
    _show_problem()
    with st.container(horizontal=True):
        st.button("Delete for ever", key="purge", type="primary", on_click=_save, args=(session, _purge))
        st.button("Keep it", key="keep it", on_click=st.rerun)


def _purge(chat: Chat, session: Session) -> None:
    chat.purge(session.user, session.id)
    callbacks.open_session(None)


def _save(session: Session, change: Callable[[Chat, Session], None]) -> None:
    """Apply the change of a dialog and close it. On failure it stays open with its input, and shows the error."""
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
    _EXPORT: _export_dialog,
    "Delete for ever": _purge_dialog,
}
