"""What a bot is asked for once its answer is stored, in nobody's way."""

from typing import Protocol

from botchat.core.models import Message, Session
from botchat.core.turn.request import Asking
from botchat.core.turn.titles import Naming, wants_title
from botchat.core.turn.topic_embeddings import Placing, wants_topic


class Afterwards(Protocol):
    """Something that follows an answer."""

    async def run(self, answer: Message) -> bool:
        """Do it; tell whether that changed the session."""
        ...


def afterwards(asking: Asking, session: Session, *, titles: bool) -> list[Afterwards]:
    """Return what follows the answer that is being asked for."""
    repository, bot, messages, savers = asking.repository, asking.bot, asking.messages, asking.savers
    later: list[Afterwards] = []
    if titles and wants_title(bot, messages):
        later.append(Naming(repository, bot, session, messages[-1], savers))
    if wants_topic(bot, messages):
        later.append(Placing(repository, bot, session, messages, savers))
    return later
