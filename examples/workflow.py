"""A workflow that survives a restart: each run continues after the last completed step.

`python examples/workflow.py SESSION STEPS` runs at most STEPS steps.
"""

import sys

from demo_model import DemoModel
from strands import Agent

from botchat.strands import BotchatSessionManager

STEPS = ("Collect the figures", "Compare them with last year's", "Write the report", "Send the report")


def main(session_id: str = "example-workflow", at_most: str = "99") -> None:
    """Run the next steps and print the progress."""
    with BotchatSessionManager(session_id) as manager:
        worker = Agent(agent_id="worker", model=DemoModel(), session_manager=manager, callback_handler=None)
        done = worker.state.get("done") or []
        for step in STEPS[len(done) :][: int(at_most)]:
            worker(f"{step}.")
            done = [*done, step]
            worker.state.set("done", done)
            manager.sync_agent(worker)  # this step is now stored as done
            print(f"Done: {step}")
        print(f"{len(done)} of {len(STEPS)} steps done.")


if __name__ == "__main__":
    main(*sys.argv[1:])
