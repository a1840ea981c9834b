"""A support desk: two agents in one session, metadata about the case, and a redacted card number."""

from demo_model import DemoModel
from strands import Agent

from botchat.library import MetadataChanged, Store
from botchat.strands import BotchatSessionManager

CARD = "4000 1234 5678 9010"
PRIORITIES = {"low", "high"}


def check_priority(change: MetadataChanged) -> None:
    """Reject an unknown priority."""
    if not {change.values.get("priority", "low")} <= PRIORITIES:
        raise ValueError(f"The priority must be one of {PRIORITIES}.")


def main(case: str = "case-4711", customer: str = "ann") -> None:
    """Open a case, hand it to an expert, and read the customer's feedback."""
    with Store.open(user=customer) as store:
        store.hooks.before(MetadataChanged, check_priority)
        session = store.session(case)
        session.update_metadata(topic="billing", priority="low")

        manager = BotchatSessionManager(case, store=store)
        desk = Agent(agent_id="desk", model=DemoModel(), session_manager=manager, callback_handler=None)
        expert = Agent(agent_id="expert", model=DemoModel(), session_manager=manager, callback_handler=None)
        desk(f"My card {CARD} was charged twice.")
        for message in session.messages("desk"):  # the reply repeats it
            if CARD in message.content:
                session.redact(message.id, content=message.content.replace(CARD, "[redacted]"))
        session.update_metadata(priority="high")
        expert("A customer was charged twice. What should I do?")
        session.give_feedback("up", "quick")

        for agent in session.agents():
            print(f"{agent.agent_id}: {agent.message_count} messages, {agent.totals.total_tokens} tokens")
        print(session.metadata(), session.feedback()[-1]["rating"])


if __name__ == "__main__":
    main()
