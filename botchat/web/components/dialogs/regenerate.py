"""The dialog that regenerates a reply with another bot or model, once; both replies are kept as versions."""

import streamlit as st

from botchat.core.models import Session
from botchat.web import cache, callbacks

_KEY = "regenerating"


def request_regeneration(message_id: str) -> None:
    """Open the dialog in the next run of the page."""
    st.session_state[_KEY] = message_id


def regenerate_dialog(session: Session) -> None:
    """Show the dialog if it was requested in the previous run."""
    if message_id := st.session_state.pop(_KEY, None):
        _dialog(session, message_id)


@st.dialog("Regenerate with another model")
def _dialog(session: Session, message_id: str) -> None:
    bots = cache.connection().bots_for(session.user)
    names = list(bots)
    has_models = session.bot_id in bots and bots[session.bot_id].base_url
    others = [] if has_models else [name for name in names if name != session.bot_id]
    bot_id = st.selectbox(
        "Bot",
        names,
        index=names.index(next(iter(others), session.bot_id)),
        format_func=lambda name: f"{name} · {bots[name].label}",
        key="again bot",
    )
    if bots[bot_id].base_url:
        st.text_input("Model", key="again model", placeholder=bots[bot_id].model or "The bot's own model")
    st.caption("This reply is kept as another version. The chat keeps its own model.")
    with st.container(horizontal=True):
        st.button(
            "Regenerate",
            key="ask again",
            type="primary",
            on_click=_regenerate,
            args=(session, message_id, bot_id),
        )
        st.button("Cancel", key="cancel regenerate", on_click=st.rerun)


def _regenerate(session: Session, message_id: str, bot_id: str) -> None:
    """Ask the chosen bot and close the dialog; show an error on the page."""
    model = st.session_state.get("again model", "").strip() or None
    callbacks.attempt(lambda chat: chat.regenerate(session.user, session, message_id, bot_id=bot_id, model=model))
    st.rerun()
