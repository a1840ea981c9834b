"""A chat that goes on where it was, whichever process it was in: `python examples/chat.py SESSION WORDS…`."""

import sys

from demo_model import DemoModel
from strands import Agent

from botchat.strands import BotchatSessionManager


def main(session_id: str = "example-chat", *words: str) -> None:
    """Say something in a session, and show the answer."""
    with BotchatSessionManager(session_id) as manager:
        agent = Agent(model=DemoModel(), session_manager=manager, system_prompt="Be brief.", callback_handler=None)
        before = len(agent.messages)
        print(agent(" ".join(words) or "Good morning"))
        print(f"— {before} messages before; all of it: botchat sessions show {session_id}")


if __name__ == "__main__":
    main(*sys.argv[1:])
