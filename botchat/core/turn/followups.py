"""What a bot is asked for once its answer is stored, in nobody's way."""

from typing import Protocol

from botchat.core.models import Message, Session
from botchat.core.turn.request import BotRequest
from botchat.core.turn.titles import TitleFollowup, needs_title
from botchat.core.turn.topic_embeddings import TopicFollowup, needs_topic


class Followup(Protocol):
    """Something that follows an answer."""

    async def run(self, answer: Message) -> bool:
        """Do it; tell whether that changed the session."""
        ...


def afterwards(asking: BotRequest, session: Session, *, titles: bool) -> list[Followup]:
    """Return what follows the answer that is being asked for."""
    repository, bot, messages, executor = asking.repository, asking.bot, asking.messages, asking.executor
    later: list[Followup] = []
    if titles and needs_title(bot, messages):
        later.append(TitleFollowup(repository, bot, session, messages[-1], executor))
    if needs_topic(bot, messages):
        later.append(TopicFollowup(repository, bot, session, messages, executor))
    return later
