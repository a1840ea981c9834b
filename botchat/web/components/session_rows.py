"""The rows of the session list: links with a menu, made by `static/scripts/rows.js`, and the actions that they send.

All rows are one element and one hidden field, because 500 widgets would slow down every run.
"""

import json
from collections.abc import Collection, Iterable, Mapping
from html import escape as escape_html
from typing import Any

import streamlit as st

from botchat.core.errors import BotchatError
from botchat.core.models import NAME_LIMIT, State
from botchat.web import cache, callbacks
from botchat.web.components import session_menu
from botchat.web.components.bulk_actions import move_sessions
from botchat.web.components.dialogs.shared_links import SHARE
from botchat.web.markdown.escape import escape

ROW_ACTIONS: dict[State, dict[str, str]] = {
    "active": {
        "rename": "Rename",
        "pin": "Pin",
        "tags": "Tags",
        "share": "Share",
        "export": "Export",
        "archive": "Archive",
        "delete": "Delete",
    },
    "archived": {
        "rename": "Rename",
        "pin": "Pin",
        "tags": "Tags",
        "share": "Share",
        "export": "Export",
        "restore": "Unarchive",
        "delete": "Delete",
    },
    "trash": {"restore": "Restore", "export": "Export", "purge": "Delete permanently"},
}
"""The menu of a row by the state of its session: labels by action. A pinned row has "Unpin" instead of "Pin"."""

_DIALOGS = {"tags": "Tags", "share": SHARE, "export": "Export", "purge": "Delete permanently"}
_MOVES: dict[str, State] = {"archive": "archived", "restore": "active", "delete": "trash"}
_KEY = "row action"


def session_rows(
    user: str,
    groups: Iterable[tuple[str, Mapping[str, str]]],
    opened: str | None,
    pinned: Collection[str],
    state: State,
) -> None:
    """Show the sessions of groups by day; `groups` has the names by session ID, `opened` the ID of the open one."""
    st.html(rows_html(groups, opened, pinned, state))
    st.text_input("Action on a chat", key=_KEY, label_visibility="collapsed", on_change=_act, args=(user, state))


def rows_html(
    groups: Iterable[tuple[str, Mapping[str, str]]], opened: str | None, pinned: Collection[str], state: State
) -> str:
    """Return the HTML of the rows. Names are text, whatever they contain."""
    actions = escape_html(json.dumps(ROW_ACTIONS[state]))
    lists = "".join(
        f'<h2 class="botchat-day">{escape_html(day)}</h2><ul>'
        + "".join(_row(session_id, name, session_id == opened, session_id in pinned) for session_id, name in of.items())
        + "</ul>"
        for day, of in groups
    )
    limit = f'data-name-limit="{NAME_LIMIT}"'
    return f'<nav class="botchat-rows" aria-label="Chats" {limit} data-actions="{actions}">{lists}</nav>'


def _row(session_id: str, name: str, is_open: bool, is_pinned: bool) -> str:  # noqa: FBT001
    current = ' aria-current="page"' if is_open else ""
    pin = " data-pinned" if is_pinned else ""
    id_ = escape_html(session_id)
    return (
        f'<li class="botchat-row" data-id="{id_}"{pin}><a href="?session={id_}"{current}>{escape_html(name)}</a>'
        '<button type="button" aria-haspopup="menu" aria-expanded="false" aria-label="Options">⋯</button></li>'
    )


def row_dialog(user: str) -> None:
    """Show the dialog that was chosen in the menu of a row, in a run of the whole page."""
    chosen: tuple[str, str] | None = st.session_state.pop("row dialog", None)
    if chosen is None:
        return
    session_id, dialog = chosen
    try:
        session = cache.connection().open(user, session_id, last=1)
    except BotchatError as error:
        st.error(escape(str(error)), icon=":material/error:")
    else:
        session_menu.show_dialog(session, dialog)


def _act(user: str, state: State) -> None:
    """Carry out an action that the script wrote into the field, as JSON: `do`, `id` and, for a new name, `name`."""
    if not (text := st.session_state[_KEY]):
        return
    sent: dict[str, Any] = json.loads(text)
    action, session_id = sent["do"], sent["id"]
    match action:
        case "open":
            callbacks.open_session(session_id)
        case "rename":
            callbacks.attempt(lambda chat: chat.update(user, session_id, name=sent["name"]))
        case "pin" | "unpin":
            callbacks.attempt(lambda chat: chat.update(user, session_id, pinned=action == "pin"))
        case "archive" | "restore" | "delete":
            if action == "delete" and st.query_params.get("session") == session_id:
                callbacks.open_session(None)
            move_sessions(user, [session_id], state, _MOVES[action])
        case _:
            session_menu.reset_fields()
            st.session_state["row dialog"] = (session_id, _DIALOGS[action])
    st.rerun()
