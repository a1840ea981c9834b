"""Test requests to bots outside of a session: the result of each kind of reply."""

from dataclasses import replace

import pytest
from support.fakes import DONE, Gate, ScriptedBot

from botchat.core.bots.stream.chunks import Finish
from botchat.core.chat import fetch_model_lists, probe_bots
from botchat.core.errors import BotError, PromptRefused
from botchat.core.models import Delta


def probe(*script):
    (trial,) = probe_bots([ScriptedBot(*script)])
    return trial


def test_a_reply_in_pieces_is_streamed_and_one_in_a_piece_is_not():
    assert probe("o", "k", DONE).streamed
    assert probe(Delta(reasoning_content="h"), Delta(reasoning_content="m"), "ok", DONE).streamed
    assert not probe("ok", DONE).streamed
    assert not probe(Delta(reasoning_content="hm"), "ok", DONE).streamed


def test_reasoning_and_usage_are_reported_if_there_are_any():
    assert not probe("ok", DONE).reasoned
    assert probe(Delta(reasoning_content="hm"), "ok", DONE).reasoned
    assert probe("ok", DONE).usage == {"total_tokens": 7}
    assert probe("ok", Finish(reason="stop")).usage is None


@pytest.mark.parametrize("script", [["ok"], ["ok", Finish(reason=None)]])
def test_a_reply_that_does_not_say_that_it_is_complete_is_a_failure(script):
    assert "Reply ended unexpectedly: the model server sent no finish reason" in str(probe(*script).failure)


def test_a_failing_bot_does_not_keep_others_from_their_trial():
    failing, fine = probe_bots([ScriptedBot("o", BotError("It broke.")), ScriptedBot("o", "k", DONE)])
    assert str(failing.failure) == "It broke."
    assert failing.first_token_ms
    assert fine.failure is None


def test_a_server_that_does_not_list_its_models_in_time_is_given_up():
    class Slow(ScriptedBot):
        async def list_models(self):
            await Gate().wait()

    (answer,) = fetch_model_lists([Slow()], 0.01)
    assert "didn't respond within 0.01 s" in str(answer)


def test_a_server_without_a_system_role_is_asked_as_in_a_chat():
    refusal = PromptRefused("System role not supported", wants_no_system=True)

    def refuse_system():
        if bot.prompts[-1][0]["role"] == "system":
            raise refusal

    bot = ScriptedBot(refuse_system, "o", "k", DONE)
    bot.info = replace(bot.info, system="You are terse.")
    (trial,) = probe_bots([bot])
    assert trial.failure is None
    assert [[message["role"] for message in prompt] for prompt in bot.prompts] == [["system", "user"], ["user"]]
    assert "You are terse." in bot.prompts[-1][0]["content"]
