"""Shared links: the dialog that makes one, the list of links, and the view that continues a shared chat."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from urllib.parse import urljoin

import streamlit as st

from botchat.core.chat import Chat
from botchat.core.errors import BotchatError
from botchat.core.models import Session, SessionFilter
from botchat.core.storage import SharedLink
from botchat.web import cache, callbacks
from botchat.web.markdown.escape import escape, session_label
from botchat.web.timezone import format_date

SHARE = "Share"

_LIFETIMES: dict[str, timedelta | None] = {
    "30 days": timedelta(days=30),
    "7 days": timedelta(days=7),
    "1 day": timedelta(days=1),
    "Never": None,
}
_UNTIL, _NEW = "share until", "new link"


def share_up_to(message_id: str) -> None:
    """Open the dialog in the next run, for a link that ends at this message."""
    reset_dialog()
    st.session_state[_UNTIL] = message_id
    st.session_state.dialog = SHARE


def reset_dialog() -> None:
    """Forget what the dialog showed before."""
    for left in (_UNTIL, _NEW, "dialog problem"):
        st.session_state.pop(left, None)


@st.dialog("Share chat")
def share_dialog(session: Session) -> None:
    """Make links to a session, and list and revoke them."""
    until = st.session_state.get(_UNTIL)
    if until:
        st.markdown("Anyone with the link can read the chat up to the selected message.")
    else:
        st.markdown("Anyone with the link can read this chat.")
    st.caption("Not included: the system prompt, reasoning, other versions, and files other than images.")
    st.selectbox("Link ends after", list(_LIFETIMES), key="link lifetime")
    if not until:
        st.toggle("Include later messages", key="link is live", help="Otherwise the link shows the chat as it is now.")
    st.button("Create link", key="create link", type="primary", on_click=_create, args=(session, until))
    if problem := st.session_state.pop("dialog problem", None):
        st.error(escape(problem), icon=":material/error:")
    if path := st.session_state.get(_NEW):
        st.caption("Copy the link now. It isn't shown again.")
        st.code(urljoin(st.context.url or "", path), language=None, wrap_lines=True)
    with _reading():
        _list(cache.connection().shared_links(session.user, session.id), "Links to this chat")


def _create(session: Session, until: str | None) -> None:
    state = st.session_state
    try:
        new = cache.connection().share(
            session.user,
            session.id,
            until=until,
            lifetime=_LIFETIMES[state["link lifetime"]],
            is_live=not until and bool(state.get("link is live")),
        )
    except BotchatError as error:
        state["dialog problem"] = str(error)
    else:
        state[_NEW] = new.path


def all_links(user: str) -> None:
    """List all links of a user, with the names of the chats."""
    with _reading():
        chat = cache.connection()
        links = chat.shared_links(user)
        st.subheader("Shared links", anchor=False)
        if not links:
            st.caption("No shared links.")
        _list(links, "", _names(chat, user, links))


def _names(chat: Chat, user: str, links: Sequence[SharedLink]) -> dict[str, str]:
    ids = tuple({link.session_id for link in links})
    if not ids:
        return {}
    summaries = chat.for_admins().summaries(SessionFilter(user=user, state=None, ids=ids))
    return {summary.id: session_label(summary.name) for summary in summaries}


def _list(links: Sequence[SharedLink], heading: str, names: dict[str, str] | None = None) -> None:
    if links and heading:
        st.markdown(f"**{heading}**")
    for link in links:
        name = "" if names is None else f"{names.get(link.session_id, 'Deleted chat')} · "
        kind = "includes later messages · " if link.is_live else ""
        end = f"ends {format_date(link.expire_time)}" if link.expire_time else "no end"
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption(f"{name}Created {format_date(link.create_time)} · {kind}{end}")
            st.button("Revoke", key=f"revoke {link.id}", on_click=_revoke, args=(link,))


def _revoke(link: SharedLink) -> None:
    try:
        cache.connection().revoke_link(link.user, link.id)
    except BotchatError as error:
        st.session_state["dialog problem" if _NEW in st.session_state else "notice"] = str(error)
    st.session_state.pop(_NEW, None)  # the revoked link may be the one that is shown


def show_shared(user: str, secret: str) -> None:
    """Ask whether a shared chat should be copied into a new chat of this user."""
    try:
        shared = cache.connection().shared(secret)
    except BotchatError as error:
        st.error(escape(str(error)), icon=":material/error:")
        return
    count = len(shared.messages)
    st.subheader(session_label(shared.name), anchor=False)
    st.markdown(f"A shared chat with {count:,} message{'s' * (count != 1)}.")
    with st.container(horizontal=True):
        st.button("Continue in a new chat", type="primary", key="continue", on_click=_continue, args=(user, secret))
        st.link_button("Read", f"/share/{secret}")


def _continue(user: str, secret: str) -> None:
    def copy(chat: Chat) -> None:
        callbacks.open_session(chat.continue_shared(user, secret, chat.preferred_bot(user)).id)

    callbacks.attempt(copy)


@contextmanager
def _reading() -> Iterator[None]:
    """Show an error of the store in place of what the block draws."""
    try:
        yield
    except BotchatError as error:
        st.error(escape(str(error)), icon=":material/cloud_off:")
