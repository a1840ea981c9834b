"""Whether a click waits for the end of a run.

In Streamlit a run of the whole page ends another at once, but the run of a fragment, or a click in one, lets a run go
on to its end (its issue 10928).
"""

from collections.abc import Collection

from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.scriptrunner_utils.script_requests import RerunData, ScriptRequests, ScriptRequestType


def click_waits() -> bool:
    """Tell whether the person has clicked in a fragment while this one runs; its own timer is no click."""
    context = get_script_run_ctx()
    if context is None or context.script_requests is None:
        return False
    return is_clicked(context.script_requests, context.fragment_ids_this_run or ())


def is_clicked(requests: ScriptRequests, own: Collection[str]) -> bool:
    """Tell it of the requests to a run of these fragments. Streamlit has no public way to look at them."""
    if getattr(requests, "_state", None) is not ScriptRequestType.RERUN:
        return False
    data: RerunData = getattr(requests, "_rerun_data", RerunData())
    widgets = data.widget_states.widgets if data.widget_states else ()
    return any(asked not in own for asked in data.fragment_id_queue) or any(widget.trigger_value for widget in widgets)
