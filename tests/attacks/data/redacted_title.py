"""Redacted text remains in the title that the bot generated from it."""

import time

from support.attack import Refused, Target, run

WORD = "ZEBRATIT"


def attack(target: Target) -> str:
    target.use_bot("It costs a lot.", f"About {WORD} pricing", titles=True)
    address = target.serve("--api")
    client = target.client(f"{address}/api", token=target.token("ann"))
    session = client.post("/session/create", json={}).json()["id"]
    answer = client.post(f"/session/{session}/message", json={"content": f"What does the {WORD} project cost us?"})
    answer.raise_for_status()
    deadline = time.monotonic() + 60
    while "About" not in (read := client.get(f"/session/{session}").json())["name"]:
        if time.monotonic() > deadline:
            raise TimeoutError(f"The bot made no title: {read['name']}")
    for message in read["messages"]:
        client.post(f"/session/{session}/message/{message['id']}/redact").raise_for_status()
    name = client.get(f"/session/{session}").json()["name"]
    if WORD in name:
        return f"every message is redacted, and the session is named {name!r}"
    raise Refused(f"the session is named {name!r}")


run(attack)
