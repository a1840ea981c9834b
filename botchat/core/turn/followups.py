"""Requests to the bot after its reply is stored: a title for the session, and the topic of the question."""

from typing import Protocol

from botchat.core.models import Message, Session
from botchat.core.turn.request import BotRequest
from botchat.core.turn.titles import TitleFollowup, needs_title
from botchat.core.turn.topic_embeddings import TopicFollowup, needs_topic


class Followup(Protocol):
    """Work that follows a reply, after it was delivered."""

    async def run(self, reply: Message) -> bool:
        """Do the work; return whether it changed the session."""
        ...


def build_followups(request: BotRequest, session: Session, *, titles: bool) -> list[Followup]:
    """Return the follow-ups of the reply to a request; with `titles`, a first reply gives the session a title."""
    repository, bot, messages, executor = request.repository, request.utility_bot, request.messages, request.executor
    followups: list[Followup] = []
    if titles and needs_title(bot, messages):
        followups.append(TitleFollowup(repository, bot, session, messages[-1], executor))
    if needs_topic(bot, messages):
        followups.append(TopicFollowup(repository, bot, session, messages, executor))
    return followups
