"""The settings view: theme, preferences, export, import and storage."""

from contextlib import suppress
from typing import Any

import streamlit as st

from botchat.core.chat import Chat
from botchat.core.errors import BotchatError
from botchat.web import cache, callbacks
from botchat.web.assets import theme_selector
from botchat.web.components.dialogs.shared_links import all_links
from botchat.web.components.new_chat import model_label
from botchat.web.components.transfer import export_links, import_form
from botchat.web.markdown.escape import escape
from botchat.web.views.models_settings import models_settings

_REASONING = {"folded": "Collapsed", "shown": "Expanded"}


def show_settings(user: str) -> None:
    """Show the settings. Every change is saved immediately."""
    st.subheader("Settings", anchor=False)
    theme_selector()
    try:
        _preferences(cache.connection(), user)
    except BotchatError as error:
        st.error(escape(str(error)), icon=":material/cloud_off:")
    models_settings(user)
    st.subheader("Data", anchor=False)
    st.markdown("Export all chats (except trash)")
    export_links()
    st.markdown("Import chats from botchat, ChatGPT, DeepSeek, LibreChat or Open WebUI")
    import_form(user)
    all_links(user)
    _about()


def _preferences(chat: Chat, user: str) -> None:
    preferences = cache.preferences(user)
    bots = chat.bots_for(user)
    names = list(bots)
    preferred = preferences.default_bot or chat.default_bot
    st.selectbox(
        "Default model",
        names,
        index=names.index(preferred) if preferred in names else 0,
        format_func=lambda bot_id: model_label(bot_id, bots),
        key="default_bot",
        on_change=_set_preference,
        args=(user, "default_bot"),
    )
    st.segmented_control(
        "Show reasoning",
        list(_REASONING),
        format_func=_REASONING.__getitem__,
        default=preferences.reasoning,
        required=True,
        key="reasoning",
        on_change=_set_preference,
        args=(user, "reasoning"),
    )
    st.toggle(
        "Mark topic changes",
        preferences.topics == "shown",
        key="topics",
        on_change=_set_topics,
        args=(user,),
        help="Shows a divider where the topic seems to change.",
    )


def _about() -> None:
    with suppress(BotchatError):  # the error is already shown above
        store = cache.connection().store
        st.subheader("About", anchor=False)
        st.markdown(f"Storage: {escape(store)}")


def _set_topics(user: str) -> None:
    _save(user, topics="shown" if st.session_state.topics else "hidden")


def _set_preference(user: str, name: str) -> None:
    _save(user, **{name: st.session_state[name]})


def _save(user: str, **preference: Any) -> None:
    if callbacks.attempt(lambda chat: chat.set_preferences(user, **preference)):
        st.session_state.pop("new", None)
