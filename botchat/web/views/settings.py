"""The settings view: theme, preferences, export and import."""

import streamlit as st

from botchat.core.chat import Chat
from botchat.core.errors import BotchatError
from botchat.web import cache, callbacks
from botchat.web.assets import theme_selector
from botchat.web.components.transfer import export_links, import_form
from botchat.web.markdown.escape import escape


def show_settings(user: str) -> None:
    """Show the settings. Each is stored when it is changed."""
    st.subheader("Settings", anchor=False)
    theme_selector()
    try:
        _preferences(cache.connection(), user)
    except BotchatError as error:
        st.error(escape(str(error)), icon=":material/cloud_off:")
    st.subheader("Your sessions", anchor=False)
    st.markdown("All of them, but for those in the trash, in a file:")
    export_links()
    st.markdown("Sessions out of a file: botchat's own, or what ChatGPT, LibreChat and Open WebUI export:")
    import_form(user)


def _preferences(chat: Chat, user: str) -> None:
    preferences = cache.preferences(user)
    names = list(chat.bots)
    preferred = preferences.default_bot or chat.default_bot
    st.selectbox(
        "Bot of a new chat",
        names,
        index=names.index(preferred) if preferred in names else 0,
        format_func=lambda bot: f"{bot} ({chat.bots[bot].label})",
        key="default_bot",
        on_change=_set_preference,
        args=(user, "default_bot"),
    )
    _preference_control(user, "reasoning", "A bot's reasoning is", ["folded", "shown"], preferences.reasoning)
    help_ = "A line between the messages, from where you can start a new session; nothing is taken out for it."
    _preference_control(
        user, "topics", "Where a new topic seems to begin is", ["hidden", "shown"], preferences.topics, help_
    )


def _preference_control(
    user: str, name: str, label: str, options: list[str], chosen: str, help_: str | None = None
) -> None:
    st.segmented_control(
        label,
        options,
        default=chosen,
        required=True,
        key=name,
        on_change=_set_preference,
        args=(user, name),
        help=help_,
    )


def _set_preference(user: str, name: str) -> None:
    if callbacks.attempt(lambda chat: chat.set_preferences(user, **{name: st.session_state[name]})):
        st.session_state.pop("new", None)
