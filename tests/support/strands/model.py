"""A scripted Strands model, and helpers that create agents and managers with it."""

import os
import subprocess
import sys

from strands import Agent, tool
from strands.models import Model
from support.paths import ROOT, TESTS

from botchat.strands import BotchatSessionManager

USAGE = {"inputTokens": 10, "outputTokens": 5, "totalTokens": 15}


def tool_call(name: str, **arguments) -> dict:
    return {"toolUse": {"toolUseId": f"{name}-1", "name": name, "input": arguments}}


class ScriptedModel(Model):
    """Answers with the items of its script in order, each a block or a list of blocks; the last one is repeated."""

    def __init__(self, *script, redacting: str | None = None):
        self.script = [answer if isinstance(answer, list) else [answer] for answer in script or ("hi",)]
        self.prompts = []
        self.redacting = redacting

    def update_config(self, **_):
        """Do nothing."""

    def get_config(self):
        return {"model_id": "scripted-1"}

    async def structured_output(self, *_, **__):
        raise NotImplementedError
        yield

    async def stream(self, messages, *_, **__):
        self.prompts.append([message["content"] for message in messages])
        blocks = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        yield {"messageStart": {"role": "assistant"}}
        if self.redacting:
            yield {"redactContent": {"redactUserContentMessage": self.redacting}}
        uses_tool = False
        for block in blocks:
            for event in _events({"text": block} if isinstance(block, str) else block):
                yield event
            uses_tool |= isinstance(block, dict) and "toolUse" in block
        reason = "guardrail_intervened" if self.redacting else "tool_use" if uses_tool else "end_turn"
        yield {"messageStop": {"stopReason": reason}}
        yield {"metadata": {"usage": USAGE, "metrics": {"latencyMs": 7}}}


def _events(block):
    start, delta = {}, block
    if "toolUse" in block:
        import json

        use = block["toolUse"]
        start = {"toolUse": {"name": use["name"], "toolUseId": use["toolUseId"]}}
        delta = {"toolUse": {"input": json.dumps(use["input"])}}
    yield {"contentBlockStart": {"start": start}}
    yield {"contentBlockDelta": {"delta": delta}}
    yield {"contentBlockStop": {}}


@tool
def weather(city: str) -> str:
    """Return the weather of a city."""
    return f"sunny in {city}"


def agent(manager, *script, **options) -> Agent:
    return Agent(
        model=options.pop("model", None) or ScriptedModel(*script),
        session_manager=manager,
        tools=[weather],
        callback_handler=None,
        **options,
    )


def managers_at(address):
    """Yield a function that opens a session like a new process; all managers are closed at the end."""
    opened = []

    def open_session(session_id: str = "s", user: str = "ann") -> BotchatSessionManager:
        opened.append(BotchatSessionManager(session_id, store=address, user=user))
        return opened[-1]

    yield open_session
    for each in opened:
        each.close()


def run(script: str, *arguments: str, **options) -> subprocess.Popen:
    environment = os.environ | {"PYTHONPATH": f"{TESTS}:{ROOT}"}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    return subprocess.Popen([sys.executable, "-c", script, *arguments], env=environment, **pipes, **options)
