"""The run that shows a reply ends at a click or a stop request, and not at its own timer."""

import pytest
from streamlit.proto.WidgetStates_pb2 import WidgetState, WidgetStates
from streamlit.runtime.scriptrunner_utils.script_requests import RerunData, ScriptRequests

from botchat.web.streamlit_internals import has_click

OWN = "the reply"


def pressed() -> WidgetStates:
    return WidgetStates(widgets=[WidgetState(id="stop", trigger_value=True)])


TIMER = RerunData(fragment_id=OWN, is_auto_rerun=True, widget_states=WidgetStates())


def after(*asked: RerunData) -> bool:
    requests = ScriptRequests()
    for data in asked:
        requests.request_rerun(data)
    return has_click(requests, [OWN])


@pytest.mark.parametrize("asked", [(), (TIMER,), (TIMER, TIMER)])
def test_nobody_clicked(asked):
    assert not after(*asked)


@pytest.mark.parametrize(
    "click",
    [
        RerunData(fragment_id="sidebar", widget_states=WidgetStates()),
        RerunData(fragment_id=OWN, widget_states=pressed()),
    ],
)
def test_a_click_waits_also_when_the_timer_came_before_or_after_it(click):
    assert after(click)
    assert after(TIMER, click)
    assert after(click, TIMER)


def test_a_click_that_was_taken_waits_no_more():
    requests = ScriptRequests()
    requests.request_rerun(RerunData(fragment_id=OWN, widget_states=pressed()))
    requests.on_scriptrunner_ready()
    assert not has_click(requests, [OWN])


def test_a_run_that_is_stopped_goes_on_no_more():
    requests = ScriptRequests()
    requests.request_stop()
    assert has_click(requests, [OWN])
