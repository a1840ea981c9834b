"""The models in the settings view: list, add, edit, test and remove. Only for admins."""

import streamlit as st

from botchat.core.chat import ProbeResult
from botchat.core.errors import BotchatError
from botchat.web import runtime
from botchat.web.bot_editor import BotEditor, BotEntry, BotForm
from botchat.web.markdown.escape import escape

_EDITED = "edited bot"
_TESTED, _MODELS = "bot test", "bot models"


def models_settings(user: str) -> None:
    """Show the models of an admin's server, and the dialog that the user opened."""
    current = runtime.current()
    if current.bots is None or not current.is_admin(user):
        return
    st.subheader("Models", anchor=False)
    entries = current.bots.entries()
    if not entries:
        st.caption("Only the demo bot is available: canned replies, no AI.")
    for entry in entries:
        _row(entry)
    st.button("Add a model", key="add model", icon=":material/add:", on_click=open_model_form)
    if (bot_id := st.session_state.pop(_EDITED, None)) is not None:
        _model_dialog(current.bots, next((entry for entry in entries if entry.bot_id == bot_id), None))


def open_model_form(bot_id: str = "") -> None:
    """Open the form of a model in the next run of the settings view, by default of a new one."""
    st.session_state[_EDITED] = bot_id
    for left in [key for key in st.session_state if str(key).startswith("bot form ")] + [_TESTED, _MODELS]:
        st.session_state.pop(left, None)


def _row(entry: BotEntry) -> None:
    with st.container(key=f"model row {entry.bot_id}", horizontal=True, vertical_alignment="center"):
        model = f" · {escape(entry.config.model)}" if entry.config.model else ""
        key = " · API key stored" if entry.config.api_key_store else ""
        st.markdown(f"**{escape(entry.bot_id)}**{model}{key}")
        if entry.origin == "environment":
            st.caption("From environment variables, read-only")
            return
        st.button("Edit", key=f"edit model {entry.bot_id}", on_click=open_model_form, args=(entry.bot_id,))


@st.dialog("Model")
def _model_dialog(editor: BotEditor, entry: BotEntry | None) -> None:
    with st.form("model form", border=False, enter_to_submit=False):  # sends each field as it is at the click
        _form(entry)
        with st.container(horizontal=True):
            st.form_submit_button("Test connection", key="test model", on_click=_test, args=(editor, entry))
            st.form_submit_button("List models", key="list models", on_click=_list_models, args=(editor, entry))
            st.form_submit_button("Save", key="save model", type="primary", on_click=_save, args=(editor, entry))
    _show_result()
    if entry is None and [each for each in editor.entries() if each.origin == "environment"]:
        st.info("A model from environment variables is used only while no model is added here.")
    if entry:
        st.button("Remove", key="remove model", on_click=_remove, args=(editor, entry.bot_id))
    st.caption(f"Saved in {escape(editor.file)}. The model can be used at once.")
    if st.session_state.pop("bot form done", None):
        st.rerun()


def _form(entry: BotEntry | None) -> None:
    config = entry.config if entry else None
    st.text_input("Name", entry.bot_id if entry else "", key="bot form name", disabled=bool(entry))
    st.text_input(
        "Server URL",
        (config.base_url or "") if config else "",
        key="bot form url",
        placeholder="https://api.openai.com/v1",
        help="An OpenAI-compatible server, for example http://127.0.0.1:11434/v1. Default: OpenAI.",
    )
    st.text_input(
        "API key",
        type="password",
        key="bot form key",
        autocomplete="new-password",
        placeholder="Stored. Leave empty to keep it." if config and config.api_key_store else "",
        help="Kept in the operating system's keyring for the user who runs botchat. Without a keyring, kept encrypted "
        "in two files that only this user can read: someone who can read both can read the key.",
    )
    st.text_input(
        "Environment variable with the API key",
        (config.api_key_env or "") if config else "",
        key="bot form variable",
        placeholder="Instead of an API key above: its name",
    )
    st.selectbox(
        "Model",
        _known_models(config.model if config else None),
        index=0 if config and config.model else None,
        key="bot form model",
        accept_new_options=True,
        placeholder="The first model of the server",
    )
    st.text_area("System prompt", config.system if config else "", key="bot form system")
    st.toggle("Accepts images", config.images if config else False, key="bot form images")
    st.number_input(
        "Context window (tokens)", 1, None, config.context_window if config else None, key="bot form window"
    )


def _entered(entry: BotEntry | None) -> BotForm:
    """Return the form as it is now: a callback runs before the fields that the same click has changed are drawn."""
    fields = {str(key).removeprefix("bot form "): value for key, value in st.session_state.items()}
    return BotForm(
        bot_id=entry.bot_id if entry else fields["name"].strip(),
        base_url=fields["url"].strip(),
        model=(fields["model"] or "").strip(),
        system=fields["system"],
        images=fields["images"],
        context_window=fields["window"],
        api_key_env=fields["variable"].strip(),
        api_key=fields["key"].strip(),
        keeps_key=not fields["variable"].strip(),
    )


def _known_models(chosen: str | None) -> list[str]:
    return list(dict.fromkeys([*([chosen] if chosen else []), *st.session_state.get(_MODELS, [])]))


def _test(editor: BotEditor, entry: BotEntry | None) -> None:
    try:
        result = editor.test(_entered(entry))
    except BotchatError as error:
        st.session_state[_TESTED] = ("error", str(error))
    else:
        failed = result.failure is not None
        st.session_state[_TESTED] = ("error", str(result.failure)) if failed else ("success", _describe(result))


def _describe(result: ProbeResult) -> str:
    model = f"{result.model} replied" if result.model else "The model replied"
    return f"{model} in {result.latency_ms / 1000:.1f} s."


def _list_models(editor: BotEditor, entry: BotEntry | None) -> None:
    try:
        models = editor.models(_entered(entry))
    except BotchatError as error:
        st.session_state[_TESTED] = ("error", str(error))
    else:
        st.session_state[_MODELS] = models
        found = f"{len(models)} models found. Choose one under Model." if models else "The server lists no models."
        st.session_state[_TESTED] = ("success", "1 model found. Choose it under Model." if len(models) == 1 else found)


def _show_result() -> None:
    if result := st.session_state.pop(_TESTED, None):
        kind, text = result
        (st.error if kind == "error" else st.success)(escape(text))


def _save(editor: BotEditor, entry: BotEntry | None) -> None:
    form = _entered(entry)
    try:
        editor.save(form, is_new=entry is None)
    except BotchatError as error:
        st.session_state[_TESTED] = ("error", str(error))
    else:
        _close(f"{form.bot_id} is saved.")


def _remove(editor: BotEditor, bot_id: str) -> None:
    try:
        editor.remove(bot_id)
    except BotchatError as error:
        st.session_state[_TESTED] = ("error", str(error))
    else:
        _close(f"{bot_id} is removed.")


def _close(said: str) -> None:
    st.session_state["bot form done"] = True
    st.session_state.pop("bot form key", None)
    st.session_state.pop("new", None)  # a new chat starts with the new default model
    st.toast(escape(said))
