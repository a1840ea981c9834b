"""The choices beside the composer: the model of the chat and the parameters of its requests."""

import json
import time
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from botchat.core.chat import Chat
from botchat.core.errors import BotchatError, InvalidInput
from botchat.core.exporting import one_line
from botchat.core.models import BotInfo, Session, check_params
from botchat.web import cache, callbacks
from botchat.web.components.new_chat import model_label
from botchat.web.markdown.escape import escape

_Choice = tuple[str, str | None]
_WAIT_SECONDS, _POLL_SECONDS = 3.0, 0.02
_FIELDS = ("temperature", "top_p", "max_tokens", "reasoning_effort")
_EFFORTS = ("minimal", "low", "medium", "high")


def choices_place() -> DeltaGenerator:
    """Reserve the place of the choices, below the composer."""
    with st.bottom:
        return st.container(key="choices", horizontal=True)


def model_choices(session: Session, place: DeltaGenerator) -> None:
    """Show the model and the parameters of a session; both apply from its next message.

    Call this at the end of a run: the first one of a tab waits for the lists of models.
    """
    try:
        chat = cache.connection()
    except BotchatError:
        return  # the page shows the error
    with place:
        _picker(chat, session, _model_lists(chat))
        with st.popover(_summary(session.bot_params), icon=":material/tune:", type="tertiary", key="parameters"):
            _parameters(session)


def _model_lists(chat: Chat) -> dict[str, list[str]]:
    """Return the lists that have arrived. The first run of a tab waits a moment for them; later runs have the rest."""
    lists = chat.model_lists()
    if "waited for models" not in st.session_state:
        st.session_state["waited for models"] = True
        until = time.monotonic() + _WAIT_SECONDS
        while chat.model_lists_loading and time.monotonic() < until:
            time.sleep(_POLL_SECONDS)
        lists = chat.model_lists()
    return lists


def _picker(chat: Chat, session: Session, lists: dict[str, list[str]]) -> None:
    bots = chat.bots_for(session.user)
    choices = [choice for bot in bots.values() for choice in _choices(bot, lists.get(bot.bot_id, []))]
    current = (session.bot_id, session.bot_model)
    if session.bot_id in bots and current not in choices:
        choices.insert(choices.index((session.bot_id, None)) + 1, current)
    key = f"model of {session.id} {session.bot_id} {session.bot_model}"
    st.selectbox(
        "Model",
        choices,
        index=choices.index(current) if current in choices else None,
        format_func=lambda choice: choice_label(choice, bots),
        placeholder=f"{session.bot_id} (no longer available)",
        label_visibility="collapsed",
        width=300,
        key=key,
        on_change=_choose,
        args=(session, key),
    )


def _choices(bot: BotInfo, models: list[str]) -> list[_Choice]:
    models = models if bot.models is None else list(bot.models)
    own = {bot.model, bot.label}
    return [(bot.bot_id, None), *((bot.bot_id, model) for model in dict.fromkeys(models) if model not in own)]


def choice_label(choice: _Choice, bots: dict[str, BotInfo]) -> str:
    """Return how the page names a bot and its model; None is the bot's own model."""
    bot_id, model = choice
    return model_label(bot_id, bots) if model is None else f"{bot_id} · {one_line(model)}"


def _choose(session: Session, key: str) -> None:
    choice: _Choice | None = st.session_state[key]
    if choice is None:
        return
    bot_id, model = choice
    if not callbacks.attempt(lambda chat: chat.change_bot(session.user, session, bot_id, model)):
        del st.session_state[key]  # it shows the present model again


def _summary(params: dict[str, Any]) -> str:
    if not params:
        return "Parameters"
    text = ", ".join(f"{one_line(name)} {one_line(json.dumps(value))}" for name, value in params.items())
    return escape(f"Parameters: {text if len(text) <= 60 else f'{text[:59]}…'}")  # noqa: PLR2004


def _parameters(session: Session) -> None:
    params = session.bot_params
    keys = {name: f"{name} of {session.id} {json.dumps(params, sort_keys=True)}" for name in (*_FIELDS, "other")}
    st.number_input(
        "Temperature", 0.0, 2.0, _number(params, "temperature"), 0.1, key=keys["temperature"], placeholder="Default"
    )
    st.number_input("Top P", 0.0, 1.0, _number(params, "top_p"), 0.05, key=keys["top_p"], placeholder="Default")
    limit = _number(params, "max_tokens")
    st.number_input(
        "Max output tokens",
        1,
        value=None if limit is None else max(1, int(limit)),
        step=1,
        key=keys["max_tokens"],
        placeholder="Default",
    )
    effort = params.get("reasoning_effort")
    efforts = [*_EFFORTS, *([effort] if isinstance(effort, str) and effort not in _EFFORTS else [])]
    st.selectbox(
        "Reasoning effort",
        efforts,
        index=efforts.index(effort) if effort in efforts else None,
        key=keys["reasoning_effort"],
        placeholder="Default",
    )
    other = {name: value for name, value in params.items() if name not in _FIELDS}
    st.text_input(
        "Other parameters",
        json.dumps(other, ensure_ascii=False) if other else "",
        key=keys["other"],
        placeholder='{"seed": 7}',
        help="A JSON object with other parameters that the model's server accepts.",
    )
    if problem := st.session_state.pop("parameter problem", None):
        st.error(escape(problem), icon=":material/error:")
    with st.container(horizontal=True):
        st.button("Apply", key="apply parameters", type="primary", on_click=_apply, args=(session, keys))
        st.button("Reset", key="reset parameters", on_click=_set, args=(session, {}), disabled=not params)


def _number(params: dict[str, Any], name: str) -> float | None:
    value = params.get(name)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _apply(session: Session, keys: dict[str, str]) -> None:
    state = st.session_state
    params = {name: state[keys[name]] for name in _FIELDS if state[keys[name]] is not None}
    try:
        other = json.loads(state[keys["other"]] or "{}")
    except ValueError as error:
        state["parameter problem"] = f"Other parameters must be a JSON object: {error}."
        return
    if not isinstance(other, dict):
        state["parameter problem"] = 'Other parameters must be a JSON object, such as {"seed": 7}.'
        return
    _set(session, {**other, **params})


def _set(session: Session, params: dict[str, Any]) -> None:
    """Store the parameters, or keep those of a new session until its first message."""
    try:
        check_params(params)
        if session.rev:
            cache.connection().update(session.user, session.id, bot_params=params)
        session.bot_params = params
    except (BotchatError, InvalidInput) as error:
        st.session_state["parameter problem"] = str(error)
