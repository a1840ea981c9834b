"""The actions on messages: a row below each recent message, one menu per earlier exchange."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Literal, NamedTuple

import streamlit as st

from botchat.core.chat import Chat
from botchat.core.exporting import one_line
from botchat.core.models import Message, Session
from botchat.web import callbacks
from botchat.web.assets import copy_button, copy_to_clipboard
from botchat.web.components import dividers
from botchat.web.components.dialogs.redact import request_redaction
from botchat.web.components.dialogs.regenerate import request_regeneration
from botchat.web.components.dialogs.shared_links import share_up_to
from botchat.web.markdown.escape import escape

_SHARE, _WITH_OTHER = "Share up to here", "Regenerate with another model…"
_OF_USER = ("Edit", "Clear context above", "Copy the rest to a new chat", _SHARE, "Details", "Redact")
_OF_BOT = ("Regenerate", _WITH_OTHER, "Branch in new chat", "Feedback", _SHARE, "Details", "Redact")
_OF_BOTH = ("Copy", "Copy prompt", "Edit prompt", *_OF_BOT[:4], *_OF_USER[1:], "Redact prompt")
_RECENT = 10
"""How many of the latest messages have their actions in a row. An earlier reply and its prompt share one menu, because
a widget costs every run the same, visible or not."""

_LATEST = 2
"""The latest exchange: a prompt and its reply."""

_RATINGS: tuple[Literal["down", "up"], ...] = ("down", "up")


class ActiveMessages(NamedTuple):
    """The messages that are being edited, rated or shown with details; read once per run, which is faster."""

    editing: str | None
    rating: str | None
    details: frozenset[str]


class OfferedActions(NamedTuple):
    """The actions below a message.

    Attributes:
        kind: a row, one menu, or nothing if the menu of the reply includes the actions of its prompt.
        alternatives: the IDs of all versions of the message, in order.
        is_rated: whether the row asks for feedback.
        prompt: the prompt of the reply, if the menu is for both.
        is_latest: whether the message is in the latest exchange, whose rows have the main actions as buttons, too.
    """

    kind: Literal["row", "menu", "nothing"]
    alternatives: Sequence[str] = ()
    is_rated: bool = False
    prompt: Message | None = None
    is_latest: bool = False


def active_messages() -> ActiveMessages:
    """Return the messages that are being edited, rated or shown with details."""
    state = st.session_state
    return ActiveMessages(state.get("editing"), state.get("rating"), state.get("details", frozenset()))


def offered_actions(
    messages: Sequence[Message], alternatives: Mapping[str, Sequence[str]], active: ActiveMessages
) -> Iterator[OfferedActions]:
    """Yield the actions below each message; `alternatives` has the IDs of all versions of a message by its ID."""
    newest = len(messages) - 1
    rows: list[OfferedActions | None] = []
    for index, message in enumerate(messages):
        is_asked = index == newest or bool(message.feedback) or message.id == active.rating
        is_rated = is_asked and message.role == "assistant"
        is_row = newest - index < _RECENT or message.id in alternatives or is_rated
        is_latest = newest - index < _LATEST
        offered = OfferedActions("row", alternatives.get(message.id, ()), is_rated, is_latest=is_latest)
        rows.append(offered if is_row else None)
    for index, (message, row) in enumerate(zip(messages, rows, strict=True)):
        if row:
            yield row
        elif message.role == "user":
            is_answered = index < newest and messages[index + 1].role == "assistant" and not rows[index + 1]
            yield OfferedActions("nothing" if is_answered else "menu")
        else:
            has_prompt = index > 0 and messages[index - 1].role == "user" and not rows[index - 1]
            yield OfferedActions("menu", prompt=messages[index - 1] if has_prompt else None)


def show_actions(session: Session, message: Message, actions: OfferedActions) -> None:
    """Show the actions below a message."""
    if actions.kind == "row":
        _row(session, message, actions)
    elif actions.prompt:
        _menu(session, message, _OF_BOTH, actions.prompt)
    elif actions.kind == "menu":
        _menu(session, message, ("Copy", *(_OF_USER if message.role == "user" else _OF_BOT)), message)


def _row(session: Session, message: Message, actions: OfferedActions) -> None:
    with st.container(key=f"actions-{message.id}", horizontal=True, vertical_alignment="center", gap="small"):
        if actions.alternatives:
            _branches(session, message, actions.alternatives)
        if message.content:
            copy_button(message.content, message.id)
        if actions.is_latest:
            _main_actions(session, message)
        _menu(session, message, _OF_USER if message.role == "user" else _OF_BOT, message)
        if actions.is_rated:
            _feedback(session, message)


def _main_actions(session: Session, message: Message) -> None:
    if message.role == "user":
        _icon("Edit", "edit", "edit", message, _start_editing, message.id)
    else:
        _icon("Regenerate", "regenerate", "refresh", message, _regenerate, session, message.id)
        _icon("Branch in new chat", "branch", "call_split", message, dividers.branch_into_session, session, message.id)


def _icon(name: str, key: str, icon: str, message: Message, action: Callable[..., None], *args: object) -> None:
    icon = f":material/{icon}:"
    st.button(name, key=f"{key} {message.id}", help=name, icon=icon, type="tertiary", on_click=action, args=args)


def _start_editing(message_id: str) -> None:
    st.session_state.editing = message_id


def _regenerate(session: Session, message_id: str) -> None:
    callbacks.attempt(lambda chat: chat.regenerate(session.user, session, message_id))


def _branches(session: Session, message: Message, alternatives: Sequence[str]) -> None:
    index = alternatives.index(message.id)
    _version("before", message, session, alternatives[index - 1] if index else None)
    st.caption(f"{index + 1}/{len(alternatives)}")
    _version("after", message, session, alternatives[index + 1] if index + 1 < len(alternatives) else None)
    if message.model:
        st.caption(escape(one_line(message.model)))


def _version(which: Literal["before", "after"], message: Message, session: Session, to: str | None) -> None:
    st.button(
        "Previous version" if which == "before" else "Next version",
        key=f"version {which} {message.id}",
        icon=":material/chevron_left:" if which == "before" else ":material/chevron_right:",
        type="tertiary",
        disabled=to is None,
        on_click=_show_branch,
        args=(session, to),
    )


def _menu(session: Session, message: Message, names: Sequence[str], prompt: Message) -> None:
    # `prompt` is the user message that can be edited and branched from: the message itself, or the one it replies to.
    key = f"menu {message.id}"
    empty = {name for name, text in (("Copy", message.content), ("Copy prompt", prompt.content)) if not text}
    names = [name for name in names if name not in empty]
    args = (session, message, prompt, key)
    icon = ":material/more_horiz:"
    st.menu_button("More", names, key=key, type="tertiary", icon=icon, on_click=_chosen, args=args)


def _chosen(session: Session, message: Message, prompt: Message, key: str) -> None:  # noqa: C901  (a case per action)
    match st.session_state[key]:
        case "Copy" | "Copy prompt" as name:
            copy_to_clipboard(message.content if name == "Copy" else prompt.content)
        case "Edit" | "Edit prompt":
            _start_editing(prompt.id)
        case "Clear context above":
            dividers.clear_context(session, prompt.id)
        case "Copy the rest to a new chat":
            dividers.start_session_from(session, prompt.id)
        case "Branch in new chat":
            dividers.branch_into_session(session, message.id)
        case "Share up to here":
            share_up_to(message.id)
        case "Regenerate":
            _regenerate(session, message.id)
        case "Feedback":
            st.session_state.rating = message.id
        case "Regenerate with another model…" | "Redact" | "Redact prompt" as name:
            _open_dialog(name, message, prompt)
        case "Details":
            st.session_state.details = st.session_state.get("details", frozenset()) ^ {message.id, prompt.id}


def _open_dialog(name: str, message: Message, prompt: Message) -> None:
    if name == "Regenerate with another model…":
        request_regeneration(message.id)
    else:
        request_redaction(message.id if name == "Redact" else prompt.id)


def _show_branch(session: Session, message_id: str) -> None:
    callbacks.attempt(lambda chat: chat.show_branch(session.user, session, message_id))


def _feedback(session: Session, message: Message) -> None:
    given = message.feedback or {}
    rating, key = given.get("rating"), f"rating {message.id}"
    st.session_state[key] = _RATINGS.index(rating) if rating in _RATINGS else None
    st.feedback("thumbs", key=key, on_change=_rate, args=(session, message))
    if given:
        # The default is the stored comment: a browser that redraws the field sends the default as if it was typed.
        st.text_input(
            "Comment",
            given.get("comment", ""),
            key=f"comment {message.id}",
            placeholder="Tell us more (optional)",
            label_visibility="collapsed",
            on_change=_rate,
            args=(session, message),
        )


def _rate(session: Session, message: Message) -> None:
    index = st.session_state[f"rating {message.id}"]
    rating = None if index is None else _RATINGS[index]
    stored = (message.feedback or {}).get("comment", "")
    comment = st.session_state.get(f"comment {message.id}", stored)

    def give(chat: Chat) -> None:
        chat.give_feedback(session.user, session.id, message.id, rating, comment)

    callbacks.attempt(give)
