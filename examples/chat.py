"""A chat that any process can continue: `python examples/chat.py SESSION TEXT…`."""

import sys

from demo_model import DemoModel
from strands import Agent

from botchat.strands import BotchatSessionManager


def main(session_id: str = "example-chat", *words: str) -> None:
    """Send a message in a session, and print the reply."""
    with BotchatSessionManager(session_id) as manager:
        agent = Agent(model=DemoModel(), session_manager=manager, system_prompt="Be brief.", callback_handler=None)
        before = len(agent.messages)
        print(agent(" ".join(words) or "Good morning"))
        print(f"({before} earlier messages. Show the session: botchat sessions show {session_id})")


if __name__ == "__main__":
    main(*sys.argv[1:])
