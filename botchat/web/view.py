"""The page: the list of sessions beside the one that is open, and the line to type in."""

from pathlib import Path

import streamlit as st

from botchat.core.chat import Chat, branch_of
from botchat.core.errors import BotchatError, ReplyRunning, SessionNotFound
from botchat.core.export import one_line
from botchat.core.models import Message, Session
from botchat.web import cached, look, state
from botchat.web.admin_page import show_admin
from botchat.web.conversation import SHOWN_AT_FIRST, conversation, show_message
from botchat.web.sidebar import sidebar
from botchat.web.text import label, plain

_ICON = Path(__file__).with_name("icon.png")


def show() -> None:
    """Run the page once."""
    if "view" in st.query_params:
        _show_view(st.query_params["view"])
        return
    session, problem = _current(state.user())
    st.set_page_config(page_title=_title(session), page_icon=str(_ICON), layout="centered")
    look.apply()
    with st.sidebar:
        st.subheader("botchat")
        sidebar(state.user(), session.id if session and session.rev else None)
    st.chat_input("Your message", key="prompt", on_submit=_submit, disabled=session is None)
    if problem:
        st.error(plain(problem), icon=":material/error:")
    if session:
        _main(session, can_read=problem is None)
    if notice := st.session_state.pop("notice", None):
        st.warning(plain(notice))
    _unsent(session)


def _show_view(name: str) -> None:
    """Show another page than the chat: there is one, for admins."""
    st.set_page_config(page_title="botchat", page_icon=str(_ICON), layout="wide")
    st.button("Back to the chat", icon=":material/arrow_back:", type="tertiary", on_click=_leave, key="leave view")
    if name == "admin" and state.served().is_admin(state.user()):
        show_admin()
    else:
        st.error("There is no such page.", icon=":material/error:")


def _leave() -> None:
    del st.query_params["view"]


def _current(user: str) -> tuple[Session | None, str | None]:
    """Return the session that the page is about, and what stands in its way.

    With the store down it is the one that was read last: what was said stays on the screen.
    """
    wanted = st.query_params.get("session")
    remembered: Session | None = st.session_state.get("shown" if wanted else "new")
    if remembered and wanted and remembered.id != wanted:
        remembered = None
    problem = None
    try:
        chat = cached.connection()
        if wanted:
            remembered = chat.open(user, wanted, st.session_state.get("depth", SHOWN_AT_FIRST))
        else:
            remembered = st.session_state.new = remembered or chat.new_session(user)
    except SessionNotFound as error:
        return None, str(error)
    except BotchatError as error:
        problem = str(error)
    st.session_state.shown = remembered
    return remembered, problem


def _main(session: Session, *, can_read: bool) -> None:
    if session.rev:
        st.subheader(label(session.name), anchor=False)
    if not can_read:  # what was read last stays on the screen
        for message in branch_of(session.messages, session.head):
            show_message(message)
        return
    chat = cached.connection()
    if not session.rev:
        _welcome(chat, session)
    else:
        st.caption(f"Bot: {_bot(chat, session)}")
    conversation(chat, session)


def _welcome(chat: Chat, session: Session) -> None:
    st.subheader("What is on your mind?", anchor=False)
    bots = list(chat.bots)
    if len(bots) > 1:
        session.bot_id = st.selectbox(
            "Bot", bots, index=bots.index(session.bot_id), format_func=lambda bot: f"{bot} ({chat.bots[bot].label})"
        )
    else:
        st.caption(f"Bot: {_bot(chat, session)}")


def _bot(chat: Chat, session: Session) -> str:
    try:
        return plain(f"{session.bot_id} ({chat.bot_of(session).label})")
    except BotchatError:
        return plain(f"{session.bot_id} (not in the config: it can't answer here)")


def _submit() -> None:
    """Send what was typed. It is cleared from the line by now, so on failure it is kept to be shown and sent again."""
    message = Message(role="user", content=st.session_state.prompt)
    if not message.content.strip():
        return
    if "unsent" in st.session_state:
        st.session_state.prompt = st.session_state.refused = message.content  # back into the line
        st.session_state.notice = "Another message is not saved yet: send it again first, or put it back into the line."
    else:
        _send(st.session_state.shown, message)


def _send(session: Session, message: Message) -> None:
    try:
        cached.connection().send(session.user, session, message)
    except ReplyRunning as error:
        st.session_state.prompt = message.content  # back into the line
        st.session_state.notice = str(error)
    except BotchatError as error:
        st.session_state.unsent = (session, message, str(error))
    else:
        st.query_params["session"] = session.id
        st.session_state.pop("new", None)


def _unsent(shown: Session | None) -> None:
    """Show the message that could not be saved: it stays on every page until it is, or is taken back."""
    if "unsent" not in st.session_state:
        return
    session, message, why = st.session_state.unsent
    if shown is None or session.id != shown.id:
        st.caption(f"Your message to {label(session.name) if session.name else 'a new session'}:")
    show_message(message)
    st.error(f"Not saved, and not sent: {plain(why)}", icon=":material/cloud_off:")
    send, drop = st.columns(2)
    send.button("Send it again", on_click=_send_again, key="send again", width="stretch")
    drop.button("Put it back into the line", on_click=_take_back, args=(message,), key="take back", width="stretch")


def _send_again() -> None:
    if unsent := st.session_state.pop("unsent", None):  # not there any more at the second click of two
        st.session_state.pop("refused", None)
        _send(*unsent[:2])


def _take_back(message: Message) -> None:
    if st.session_state.pop("unsent", None):
        refused = st.session_state.pop("refused", None)  # it stands in the line, and must not be replaced
        st.session_state.prompt = f"{message.content}\n\n{refused}" if refused else message.content


def _title(session: Session | None) -> str:
    return f"{one_line(session.name)} · botchat" if session and session.name else "botchat"
