"""What the run of a fragment can know and say of the runs to come, for which Streamlit has no public way.

A run of the whole page takes the place of another at once, but the run of a fragment, or a click in one, lets a run go
on to its end (Streamlit's issue 10928).
"""

from collections.abc import Collection

from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.scriptrunner_utils.script_requests import RerunData, ScriptRequests, ScriptRequestType


def is_click_pending() -> bool:
    """Tell whether someone clicked, or this run is to stop, while a fragment runs; its own timer is no click."""
    context = get_script_run_ctx()
    if context is None or context.script_requests is None:
        return False
    return has_click(context.script_requests, context.fragment_ids_this_run or ())


def has_click(requests: ScriptRequests, own: Collection[str]) -> bool:
    """Tell it of the requests to a run of these fragments."""
    state = getattr(requests, "_state", None)
    if state is not ScriptRequestType.RERUN:
        return state is ScriptRequestType.STOP
    data: RerunData = getattr(requests, "_rerun_data", RerunData())
    widgets = data.widget_states.widgets if data.widget_states else ()
    return any(asked not in own for asked in data.fragment_id_queue) or any(widget.trigger_value for widget in widgets)


def set_rerun_interval(seconds: float) -> None:
    """Give the timer of the fragment that runs another interval than the `run_every` it was made with."""
    context = get_script_run_ctx()
    own = (context.fragment_ids_this_run or ()) if context else ()
    if context is None or len(own) != 1:
        return  # several run, and which of them is this one nobody tells: the interval stays
    message = ForwardMsg()
    message.auto_rerun.interval, message.auto_rerun.fragment_id = seconds, own[0]
    context.enqueue(message)
