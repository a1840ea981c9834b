"""Bulk actions on selected sessions: archive, delete, restore and tag, with undo of the last move."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import streamlit as st

from botchat.core.chat import Chat
from botchat.core.models import State
from botchat.web import callbacks
from botchat.web.markdown.escape import session_label

_MOVES: dict[State, dict[str, State]] = {
    "active": {"Archive": "archived", "Delete": "trash"},
    "archived": {"Unarchive": "active", "Delete": "trash"},
    "trash": {"Restore": "active"},
}


@dataclass(frozen=True, slots=True)
class LastMove:
    """The last move of sessions, for undo.

    Attributes:
        notice: the sentence next to the Undo button.
        ids: the IDs of the sessions.
        before: their state before the move.
    """

    notice: str
    ids: tuple[str, ...]
    before: State


def move_sessions(user: str, ids: Sequence[str], before: State, to: State) -> None:
    """Change the state of sessions one by one. Stop at the first failure and show its error on the page."""
    done: list[str] = []
    for session_id in ids:
        if not callbacks.attempt(partial(_set_state, user=user, session_id=session_id, to=to)):
            break
        done.append(session_id)
    if done:
        chats = "Chat" if len(done) == 1 else f"{len(done)} chats"
        st.session_state.moved = LastMove(f"{chats} {_moved(before, to)}.", tuple(done), before)


def undo_button(user: str) -> None:
    """Show the last move, if there was one, and a button that undoes it."""
    moved: LastMove | None = st.session_state.get("moved")
    if moved is None:
        return
    with st.container(key="undo", horizontal=True, vertical_alignment="center"):
        st.caption(moved.notice)
        st.button("Undo", on_click=_undo, args=(user,), key="undo move", type="tertiary")


def bulk_selection(user: str, names: Mapping[str, str], state: State) -> None:
    """Show sessions with checkboxes and the bulk actions; `names` has the names by session ID."""
    ticked = [session_id for session_id in names if st.session_state.get(f"tick {session_id}")]
    st.caption(f"{len(ticked)} selected")
    with st.container(key="selected actions", horizontal=True):
        for name, to in _MOVES[state].items():
            st.button(name, disabled=not ticked, on_click=_move, args=(user, ticked, state, to), key=f"all {to}")
    if state != "trash":
        st.text_input(
            "Add tag…",
            key="tag them",
            placeholder="Add tag…",
            label_visibility="collapsed",
            disabled=not ticked,
            on_change=_tag,
            args=(user, ticked),
        )
    for session_id, name in names.items():
        st.checkbox(session_label(name), key=f"tick {session_id}")


def _moved(before: State, to: State) -> str:
    if to == "active":
        return "restored" if before == "trash" else "unarchived"
    return "archived" if to == "archived" else "moved to trash"


def _set_state(chat: Chat, user: str, session_id: str, to: State) -> None:
    if to == "trash":
        chat.delete(user, session_id)
    else:
        chat.update(user, session_id, state=to)


def _move(user: str, ids: Sequence[str], before: State, to: State) -> None:
    move_sessions(user, ids, before, to)
    st.session_state.selecting = False
    st.rerun()


def _undo(user: str) -> None:
    moved: LastMove | None = st.session_state.pop("moved", None)
    if moved:
        for session_id in moved.ids:
            callbacks.attempt(partial(_set_state, user=user, session_id=session_id, to=moved.before))
    st.rerun()


def _tag(user: str, ids: Sequence[str]) -> None:
    tag = st.session_state["tag them"].strip()
    st.session_state["tag them"] = ""
    if not tag:
        return
    for session_id in ids:
        callbacks.attempt(partial(_add_tag, user=user, session_id=session_id, tag=tag))
    st.rerun()


def _add_tag(chat: Chat, user: str, session_id: str, tag: str) -> None:
    tags = chat.open(user, session_id, last=1).tags
    if tag not in tags:
        chat.update(user, session_id, tags=[*tags, tag])
