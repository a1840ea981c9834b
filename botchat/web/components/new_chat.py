"""A new chat before its first message: system prompt and hints."""

from collections.abc import Mapping

import streamlit as st

from botchat.core.chat import Chat
from botchat.core.models import BotInfo, Session
from botchat.web import callbacks, runtime
from botchat.web.components.composer import send_text

_DEMO = "demo"
_DEMO_PROMPTS = {"Show reasoning": "think", "Slow reply": "slow", "Long reply": "long", "Simulate an error": "error"}
_HINTS = """\
Your chats are saved as you go and listed in the sidebar.

- Edit a message or regenerate a reply. Earlier versions are kept; switch with `1/2`.
- You can close the tab while a reply is streaming. It will be here when you return.
- Open the same chats in your terminal: `botchat tui`."""


def model_label(bot_id: str, bots: Mapping[str, BotInfo]) -> str:
    """Return how the page names a bot: its ID and its model."""
    return f"{'Demo' if bot_id == _DEMO else bot_id} · {bots[bot_id].label}"


def new_chat(chat: Chat, session: Session) -> None:
    """Show the system prompt of a session without messages, which can be changed."""
    st.subheader("What can I help with?", anchor=False)
    bots = chat.bots_for(session.user)
    if session.bot_id not in bots:  # removed, or no longer allowed, since this page was opened
        session.bot_id, session.bot_model = chat.preferred_bot(session.user), None
    session.system = system_prompt_input(session, bots[session.bot_id])
    if list(bots) == [_DEMO] and runtime.current().is_admin(session.user):
        st.button("Add a model", key="first model", type="primary", icon=":material/add:", on_click=_add_model)
    st.markdown(_HINTS)
    if session.bot_id == _DEMO:
        with st.container(key="suggestions", horizontal=True):
            for label, prompt in _DEMO_PROMPTS.items():
                st.button(label, key=f"say {prompt}", on_click=send_text, args=(session, prompt))


def _add_model() -> None:
    st.session_state["edited bot"] = ""  # opens the form of a new model
    callbacks.show_view("settings")


def restore_choices(session: Session, bots: Mapping[str, BotInfo], texts: Mapping[str, str]) -> None:
    """Restore the bot and system prompt that a tab had before the server restarted, from the `texts` in its fields."""
    for key, text in texts.items():
        if key.startswith("system of "):
            bot_id = key.split(" ", 3)[-1]
            if bot_id in bots:
                session.bot_id = bot_id
                session.system = None if text == (bots[bot_id].system or "") else text


def system_prompt_input(session: Session, bot: BotInfo) -> str | None:
    """Show the system prompt in an editable field; return its text, or None if it is the bot's own prompt."""
    with st.expander("System prompt", type="compact"):
        prompt = st.text_area(
            "System prompt",
            bot.system if session.system is None else session.system,
            key=f"system of {session.id} {session.bot_id}",
            label_visibility="collapsed",
            placeholder="None. Instructions you enter here are sent with every message in this chat.",
        )
    return None if prompt == bot.system else prompt
