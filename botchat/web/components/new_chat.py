"""A new chat before its first message: the bot, its system prompt, and hints."""

from collections.abc import Mapping

import streamlit as st

from botchat.core.chat import Chat
from botchat.core.models import BotInfo, Session
from botchat.web.components.composer import send_text
from botchat.web.markdown.escape import escape

_DEMO_WORDS = ("think", "slow", "long", "error")
_HINTS = """\
Everything that is said here is stored as it is said, and found again in the list at the left.

- Edit what you said, or ask for another answer: nothing is lost, `2/2` leads back.
- Close the tab while the bot answers: the answer is here when you come back.
- The same sessions open in a terminal: `botchat tui`."""


def new_chat(chat: Chat, session: Session) -> None:
    """Show the choice of a bot and of a system prompt for a session without messages."""
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
        st.caption(f"Bot: {escape(f'{session.bot_id} ({bots[session.bot_id].label})')}")
    session.system = system_prompt_input(session, bots[session.bot_id])
    st.markdown(_HINTS)
    if session.bot_id == "demo":
        with st.container(key="suggestions", horizontal=True):
            for word in _DEMO_WORDS:
                st.button(word, key=f"say {word}", on_click=send_text, args=(session, word))


def restore_choices(session: Session, bots: Mapping[str, BotInfo], texts: Mapping[str, str]) -> None:
    """Choose the bot and system prompt that a tab had before a restart of the server; `texts` are its fields."""
    for key, text in texts.items():
        if key.startswith("system of "):
            bot_id = key.split(" ", 3)[-1]
            if bot_id in bots:
                session.bot_id = bot_id
                session.system = None if text == (bots[bot_id].system or "") else text


def system_prompt_input(session: Session, bot: BotInfo) -> str | None:
    """Show the system prompt in an editable field; return what is entered, None if it is the bot's own prompt."""
    with st.expander("What the bot is told first (system prompt)", type="compact"):
        prompt = st.text_area(
            "System prompt",
            bot.system if session.system is None else session.system,
            key=f"system of {session.id} {session.bot_id}",
            label_visibility="collapsed",
            placeholder="Nothing. What you write here is told to the bot before every message of this chat.",
        )
    return None if prompt == bot.system else prompt
