"""The choices beside the composer in Chromium: model and parameters, with the store and the server as the oracles."""

import pytest
from playwright.sync_api import expect
from support.bots.stub_server import streamed, whole
from support.web.browser import PHONE, chromium_binary

pytestmark = pytest.mark.skipif(chromium_binary() is None, reason="no Chromium here: install it to run these")


def answers(request):
    if request.path.endswith("/models"):
        return whole({"object": "list", "data": [{"id": f"stub-{n}", "object": "model"} for n in (1, 2, 3)]})
    return streamed([f"I am {request.body['model']}."])


@pytest.fixture
def server(local_shell, stub_for):
    """A server with three models, each of which says its name."""
    return stub_for(local_shell, answers)


def choose(visitor, model: str) -> None:
    visitor.page.get_by_role("combobox", name="Model").click()
    visitor.page.get_by_role("option", name=model).click()


@pytest.mark.parametrize("size", [None, PHONE])
def test_another_model_is_two_clicks_in_a_new_chat_and_in_a_running_one(server, local_shell, serve, visit, size):
    visitor = visit(serve(local_shell).address, *([size] if size else []))
    choose(visitor, "stub · stub-2")
    expect(visitor.page.get_by_role("combobox", name="Model")).to_have_value("stub · stub-2")
    visitor.say("Who are you?")
    visitor.sees("I am stub-2.")
    choose(visitor, "stub · stub-3")
    expect(visitor.page.get_by_role("combobox", name="Model")).to_have_value("stub · stub-3")
    visitor.say("And now?")
    visitor.sees("I am stub-3.")


def test_parameters_of_a_chat_are_sent_shown_and_reset(server, local_shell, serve, visit):
    visitor = visit(serve(local_shell).address)
    visitor.say("Who are you?")
    visitor.sees("I am stub-1.")
    expect(visitor.page.get_by_role("button", name="Chat options")).to_be_visible()
    visitor.page.get_by_role("button", name="Parameters").click()
    visitor.page.get_by_label("Temperature").fill("0.2")
    visitor.page.get_by_role("textbox", name="Other parameters").fill('{"seed": 7}')
    visitor.page.get_by_role("button", name="Apply", exact=True).click()
    expect(visitor.page.get_by_role("button", name="Parameters: ")).to_contain_text("temperature 0.2")
    visitor.page.keyboard.press("Escape")
    visitor.say("And now?")
    expect(visitor.page.get_by_text("I am stub-1.")).to_have_count(2)
    sent = [request.body for request in server.requests if request.path.endswith("/chat/completions")]
    assert (sent[-1]["temperature"], sent[-1]["seed"], "temperature" in sent[0]) == (0.2, 7, False)
