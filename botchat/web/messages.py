"""One message on the page: its words as they were typed or as Markdown, and what can be done with it."""

from collections.abc import Sequence
from datetime import tzinfo
from typing import Literal

import streamlit as st

from botchat.core.chat import Chat
from botchat.core.export import file_line, one_line
from botchat.core.models import Message, Session
from botchat.web import acting, shown
from botchat.web.clock import local_now
from botchat.web.file_route import file_address
from botchat.web.following import show_ending, show_reasoning
from botchat.web.look import copy, copy_button
from botchat.web.text import plain
from botchat.web.words import bot_words, own_words

_OF_USER = ("Edit", "Forget what came before", "New session from here", "Details")
_OF_BOT = ("Answer again", "Feedback", "Details")
_RECENT = 10
"""Messages that have their actions in a row. Those before them have one menu: each widget of a message that is far
above takes as much of every run as one that is read now."""

_RATINGS: tuple[Literal["down", "up"], ...] = ("down", "up")


def show_message(message: Message) -> None:
    """Show one message alone; of files their names."""
    with st.chat_message("user" if message.role == "user" else "assistant"):
        _words(message)
        for file in message.files:
            st.text(file_line(file))


def show_message_of(session: Session, message: Message, others: Sequence[str], *, after: int) -> None:
    """Show a message of a session with what can be done with it.

    `others` stand in its place, itself among them; `after` is how many messages come after it.
    """
    with st.chat_message("user" if message.role == "user" else "assistant"):
        if st.session_state.get("editing") == message.id:
            _editor(session, message)
            return
        _words(message)
        _files(session, message)
        rated = _shows_feedback(message, is_newest=after == 0)
        if after < _RECENT or others or rated:
            _actions(session, message, others, rated=rated)
        else:
            _menu(session, message, "Copy")
        if message.id in st.session_state.get("details", ()):
            st.caption(_details(message, local_now().tzinfo))


def _actions(session: Session, message: Message, others: Sequence[str], *, rated: bool) -> None:
    with st.container(key=f"actions-{message.id}", horizontal=True, vertical_alignment="center", gap="small"):
        if others:
            _branches(session, message, others)
        copy_button(message.content, message.id)
        _menu(session, message)
        if rated:
            _feedback(session, message)


def _details(message: Message, zone: tzinfo | None) -> str:
    # When it was written, by which model, with how many tokens and how fast.
    facts = [f"{message.create_time.astimezone(zone):%Y-%m-%d %H:%M:%S}"]
    if message.model:
        facts.append(message.model)
    for name, what in (("prompt_tokens", "tokens in"), ("completion_tokens", "tokens out")):
        if message.usage and name in message.usage:
            facts.append(f"{message.usage[name]:,} {what}")
    if message.first_token_ms is not None:
        facts.append(f"first word after {message.first_token_ms / 1000:.1f} s")
    if message.latency_ms is not None:
        facts.append(f"{message.latency_ms / 1000:.1f} s in all")
    return plain(" · ".join(facts))


def _words(message: Message) -> None:
    if message.role == "user":
        if message.content:
            own_words(message.content, message.id)
        return
    show_reasoning(message, folded=True)
    if message.content:
        bot_words(message.content, message.id)
    show_ending(message)


def _files(session: Session, message: Message) -> None:
    for file in message.files:
        address = file_address(session, file)
        if file.is_image:
            st.markdown(f"![{plain(one_line(file.name))}]({address})")
        else:
            st.link_button(plain(file_line(file)), address)


def _branches(session: Session, message: Message, others: Sequence[str]) -> None:
    place = others.index(message.id)
    _version("before", message, session, others[place - 1] if place else None)
    st.caption(f"{place + 1}/{len(others)}")
    _version("after", message, session, others[place + 1] if place + 1 < len(others) else None)


def _version(which: Literal["before", "after"], message: Message, session: Session, to: str | None) -> None:
    st.button(
        f"Version {which}",
        key=f"version {which} {message.id}",
        icon=":material/chevron_left:" if which == "before" else ":material/chevron_right:",
        type="tertiary",
        disabled=to is None,
        on_click=_show_branch,
        args=(session, to),
    )


def _menu(session: Session, message: Message, *first: str) -> None:
    key = f"menu {message.id}"
    st.menu_button(
        "More",
        first + (_OF_USER if message.role == "user" else _OF_BOT),
        key=key,
        type="tertiary",
        on_click=_chosen,
        args=(session, message, key),
    )


def _chosen(session: Session, message: Message, key: str) -> None:
    match st.session_state[key]:
        case "Copy":
            copy(message.content)
        case "Edit":
            st.session_state.editing = message.id
            st.session_state[f"edited {message.id}"] = message.content
        case "Forget what came before":
            shown.forget(session, message.id)
        case "New session from here":
            shown.begin_from(session, message.id)
        case "Answer again":
            acting.attempt(lambda chat: chat.regenerate(session.user, session, message.id))
        case "Feedback":
            st.session_state.rating = message.id
        case "Details":
            st.session_state.details = st.session_state.get("details", frozenset()) ^ {message.id}


def _editor(session: Session, message: Message) -> None:
    st.text_area("Your message, edited", key=f"edited {message.id}", label_visibility="collapsed")
    with st.container(horizontal=True):
        st.button("Send", key="send edited", type="primary", on_click=_edit, args=(session, message))
        st.button("Cancel", key="cancel edit", on_click=_stop_editing)
    st.caption("What stands here now stays, as another branch.")


def _edit(session: Session, message: Message) -> None:
    words = st.session_state[f"edited {message.id}"]
    if acting.attempt(lambda chat: chat.edit(session.user, session, message.id, words)):
        _stop_editing()


def _stop_editing() -> None:
    st.session_state.pop("editing", None)


def _show_branch(session: Session, message_id: str) -> None:
    acting.attempt(lambda chat: chat.show_branch(session.user, session, message_id))


def _shows_feedback(message: Message, *, is_newest: bool) -> bool:
    is_asked = is_newest or bool(message.feedback) or st.session_state.get("rating") == message.id
    return is_asked and message.role == "assistant"


def _feedback(session: Session, message: Message) -> None:
    given = message.feedback or {}
    rating, key = given.get("rating"), f"rating {message.id}"
    st.session_state[key] = _RATINGS.index(rating) if rating in _RATINGS else None
    st.feedback("thumbs", key=key, on_change=_rate, args=(session, message))
    if given:
        comment = f"comment {message.id}"
        st.session_state.setdefault(comment, given.get("comment", ""))
        st.text_input(
            "Why?",
            key=comment,
            placeholder="Why? (kept with the message)",
            label_visibility="collapsed",
            on_change=_rate,
            args=(session, message),
        )


def _rate(session: Session, message: Message) -> None:
    place = st.session_state[f"rating {message.id}"]
    rating = None if place is None else _RATINGS[place]
    comment = st.session_state.get(f"comment {message.id}", "")

    def give(chat: Chat) -> None:
        chat.give_feedback(session.user, session.id, message.id, rating, comment)

    acting.attempt(give)
