"""The page before the first message: which bot is asked, what it is told, and what one can do."""

import streamlit as st

from botchat.core.chat import Chat
from botchat.core.models import BotInfo, Session
from botchat.web.components.composer import say
from botchat.web.markdown.escape import plain

_DEMO_WORDS = ("think", "slow", "long", "error")
_WHAT_ONE_CAN_DO = """\
Everything that is said here is stored as it is said, and found again in the list at the left.

- Edit what you said, or ask for another answer: nothing is lost, `2/2` leads back.
- Close the tab while the bot answers: the answer is here when you come back.
- The same sessions open in a terminal: `botchat tui`."""


def new_chat(chat: Chat, session: Session) -> None:
    """Ask what the session needs to know before it begins."""
    st.subheader("What is on your mind?", anchor=False)
    bots = chat.bots
    if len(bots) > 1:
        names = list(bots)
        session.bot_id = st.selectbox(
            "Bot",
            names,
            index=names.index(session.bot_id),
            format_func=lambda bot: f"{bot} ({bots[bot].label})",
            key=f"bot of {session.id}",
        )
    else:
        st.caption(f"Bot: {plain(f'{session.bot_id} ({bots[session.bot_id].label})')}")
    session.system = system_prompt(session, bots[session.bot_id])
    st.markdown(_WHAT_ONE_CAN_DO)
    if session.bot_id == "demo":
        with st.container(key="suggestions", horizontal=True):
            for word in _DEMO_WORDS:
                st.button(word, key=f"say {word}", on_click=say, args=(session, word))


def system_prompt(session: Session, bot: BotInfo) -> str | None:
    """Show what the bot is told before everything else, and take what it is to be told in this session."""
    with st.expander("What the bot is told first (system prompt)", type="compact"):
        told = st.text_area(
            "System prompt",
            bot.system if session.system is None else session.system,
            key=f"system of {session.id} {session.bot_id}",
            label_visibility="collapsed",
            placeholder="Nothing. What you write here is told to the bot before every message of this chat.",
        )
    return None if told == bot.system else told
