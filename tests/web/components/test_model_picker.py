"""The choices beside the composer: the model and the parameters of a chat, as they are stored."""

import json

from support.fakes import DONE, ScriptedBot
from support.web.tabs import click, open_session_id

from botchat.core.models import BotInfo, Session


class ListingBot(ScriptedBot):
    """A scripted bot that a session may ask for these models."""

    def __init__(self, *models: str) -> None:
        super().__init__("Yes.", DONE)
        self.info = BotInfo(bot_id="b", label="scripted", models=models)


def offering(site, *models: str) -> None:
    site.follow("Yes.", DONE)
    site.turns.bots.replace({"b": ListingBot(*models)}, "b")


def picker(tab):
    return next(box for box in tab.selectbox if box.label == "Model")


def field(tab, label: str):
    return next(each for each in (*tab.number_input, *tab.text_input, *tab.selectbox) if each.label == label)


def stored(site, tab) -> Session:
    return site.store.get("ann", open_session_id(tab))


def test_all_models_are_offered_and_the_chosen_one_replies_in_a_new_chat_and_a_running_one(site):
    offering(site, "small", "large")
    tab = site.open()
    assert picker(tab).options == ["b · scripted", "b · small", "b · large"]
    site.run(picker(tab).select("b · small") and tab)
    site.settle(site.say(tab, "Hello"), open_session_id(tab))
    assert stored(site, tab).bot_model == "small"
    site.run(picker(tab).select("b · large") and tab)
    assert stored(site, tab).bot_model == "large"
    assert any("b · large" in caption.value for caption in tab.main.caption)
    site.run(picker(tab).select("b · scripted") and tab)
    assert stored(site, tab).bot_model is None


def test_parameters_are_stored_shown_and_reset(site):
    tab = site.open()
    site.settle(site.say(tab, "Hello"), open_session_id(tab))
    field(tab, "Temperature").set_value(0.2)
    field(tab, "Max output tokens").set_value(100)
    field(tab, "Other parameters").set_value('{"seed": 7}')
    click(tab, "apply parameters")
    assert stored(site, tab).bot_params == {"seed": 7, "temperature": 0.2, "max_tokens": 100}
    assert json.loads(field(tab, "Other parameters").value) == {"seed": 7}
    assert field(tab, "Temperature").value == 0.2
    click(tab, "reset parameters")
    assert stored(site, tab).bot_params == {}
    assert field(tab, "Temperature").value is None


def test_parameters_that_can_not_be_are_told_and_the_others_stay(site):
    tab = site.open()
    site.settle(site.say(tab, "Hello"), open_session_id(tab))
    for text, why in [("[1]", "JSON object, such as"), ("{", "must be a JSON object"), ('{"stream": 1}', "stream")]:
        field(tab, "Other parameters").set_value(text)
        click(tab, "apply parameters")
        assert any(why in error.value.replace("\\", "") for error in tab.error)
        assert field(tab, "Other parameters").value == text
    assert stored(site, tab).bot_params == {}


def test_parameters_of_a_new_chat_are_stored_with_its_first_message(site):
    tab = site.open()
    field(tab, "Top P").set_value(0.5)
    click(tab, "apply parameters")
    site.settle(site.say(tab, "Hello"), open_session_id(tab))
    assert stored(site, tab).bot_params == {"top_p": 0.5}
