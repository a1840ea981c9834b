"""All uses of Streamlit's private API: a fragment's run and timer, a tab's state after a restart, the index page.

A run of the whole page replaces the current run immediately, but a run of a fragment, or a click in one, waits for the
end of the current run (Streamlit issue 10928).

After the server restarts, a tab reconnects with the state of its widgets. Until a run has drawn a widget, Streamlit
doesn't know its callback: it isn't called, and a submitted text is lost if that run is replaced by another one.
"""

import base64
import hashlib
import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import streamlit
from streamlit.elements.widgets.chat import ChatInputSerde
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from streamlit.runtime.scriptrunner import ScriptRunContext, get_script_run_ctx
from streamlit.runtime.scriptrunner_utils.script_requests import RerunData, ScriptRequests, ScriptRequestType
from streamlit.runtime.state.common import user_key_from_element_id
from streamlit.runtime.state.session_state import Serialized, SessionState, WStates


@dataclass(frozen=True, slots=True)
class Submission:
    """A submission of the chat input.

    Attributes:
        place: the ID of the session in the URL; None for a new chat.
        text: the text.
        files: the uploaded files.
        files_lost: whether files are missing because they were uploaded before the restart.
    """

    place: str | None
    text: str
    files: tuple[Any, ...] = ()
    files_lost: bool = False


def keep_submissions(key: str, kept: str) -> None:
    """Move submissions of the chat input `key` that its callback didn't get to the list `kept` of the session state.

    No other run of the tab can interrupt this.
    """
    context = get_script_run_ctx()
    if context is None:
        return
    with _session_state(context) as state:
        for widget in list(_undrawn(state)):
            if user_key_from_element_id(widget.id) != key or not widget.chat_input_value.HasField("data"):
                continue
            typed: Any = ChatInputSerde(accept_files=True).deserialize(widget.chat_input_value)
            uploaded = len(widget.chat_input_value.file_uploader_state.uploaded_file_info)
            files = tuple(typed.files)
            del _widgets(state)[widget.id]
            place = parse_qs(context.query_string).get("session", [None])[-1]
            if kept not in state:
                state[kept] = []
            state[kept].append(Submission(place, typed.text, files, files_lost=len(files) < uploaded))


def undrawn_texts() -> dict[str, str]:
    """Return the texts of the tab's fields that no run of this process has drawn yet, by widget key."""
    context = get_script_run_ctx()
    if context is None:
        return {}
    with _session_state(context) as state:
        widgets = list(_undrawn(state))
    keys = ((user_key_from_element_id(widget.id), widget) for widget in widgets)
    return {key: widget.string_value for key, widget in keys if key and widget.HasField("string_value")}


def _undrawn(state: SessionState) -> Iterator[WidgetState]:
    """Yield the states of widgets that the browser knows but this process doesn't."""
    widgets = _widgets(state)
    for widget_id, item in widgets.states.items():
        if isinstance(item, Serialized) and widget_id not in widgets.widget_metadata:
            yield item.value


@contextmanager
def _session_state(context: ScriptRunContext) -> Iterator[SessionState]:
    """Lock the session state. `st.session_state` can't do this, because each access to it may end the run."""
    safe = context.session_state
    with safe._lock:  # noqa: SLF001  (see above)
        yield safe._state  # noqa: SLF001


def _widgets(state: SessionState) -> WStates:
    return state._new_widget_state  # noqa: SLF001  (the public API has no access to widgets that aren't drawn yet)


def is_click_pending() -> bool:
    """Return whether a click or a stop is waiting for the end of this fragment's run; its own timer doesn't count."""
    context = get_script_run_ctx()
    if context is None or context.script_requests is None:
        return False
    return has_click(context.script_requests, context.fragment_ids_this_run or ())


def has_click(requests: ScriptRequests, own: Collection[str]) -> bool:
    """Return whether the requests contain a click or a stop, seen from a run of the fragments `own`."""
    state = getattr(requests, "_state", None)
    if state is not ScriptRequestType.RERUN:
        return state is ScriptRequestType.STOP
    data: RerunData = getattr(requests, "_rerun_data", RerunData())
    widgets = data.widget_states.widgets if data.widget_states else ()
    return any(asked not in own for asked in data.fragment_id_queue) or any(widget.trigger_value for widget in widgets)


def set_rerun_interval(seconds: float) -> None:
    """Change the interval of the running fragment's timer, initially set by `run_every`."""
    context = get_script_run_ctx()
    own = (context.fragment_ids_this_run or ()) if context else ()
    if context is None or len(own) != 1:
        return  # several fragments run and it is unknown which one this is: keep the interval
    message = ForwardMsg()
    message.auto_rerun.interval, message.auto_rerun.fragment_id = seconds, own[0]
    context.enqueue(message)


def inline_script_hashes() -> str:
    """Return the hashes of the scripts within Streamlit's index page, as sources of a content security policy."""
    page = (Path(streamlit.__file__).parent / "static" / "index.html").read_text(encoding="utf-8")
    digests = (
        hashlib.sha256(script.encode()).digest() for script in re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    )
    return " ".join(f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests)
