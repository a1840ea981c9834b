"""The uses of Streamlit's private API: whether a click waits for a fragment's run, and the interval of its timer.

A run of the whole page replaces the current run immediately, but a run of a fragment, or a click in one, waits for the
end of the current run (Streamlit's issue 10928).
"""

from collections.abc import Collection

from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.scriptrunner_utils.script_requests import RerunData, ScriptRequests, ScriptRequestType


def is_click_pending() -> bool:
    """Return whether a click or a stop waits for the end of this fragment's run; its own timer doesn't count."""
    context = get_script_run_ctx()
    if context is None or context.script_requests is None:
        return False
    return has_click(context.script_requests, context.fragment_ids_this_run or ())


def has_click(requests: ScriptRequests, own: Collection[str]) -> bool:
    """Return whether the requests contain a click or a stop, for a run of the fragments `own`."""
    state = getattr(requests, "_state", None)
    if state is not ScriptRequestType.RERUN:
        return state is ScriptRequestType.STOP
    data: RerunData = getattr(requests, "_rerun_data", RerunData())
    widgets = data.widget_states.widgets if data.widget_states else ()
    return any(asked not in own for asked in data.fragment_id_queue) or any(widget.trigger_value for widget in widgets)


def set_rerun_interval(seconds: float) -> None:
    """Change the interval of the running fragment's timer, which was set by `run_every`."""
    context = get_script_run_ctx()
    own = (context.fragment_ids_this_run or ()) if context else ()
    if context is None or len(own) != 1:
        return  # several fragments run, and which one this is isn't known: keep the interval
    message = ForwardMsg()
    message.auto_rerun.interval, message.auto_rerun.fragment_id = seconds, own[0]
    context.enqueue(message)
