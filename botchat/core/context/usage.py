"""The part of a conversation that was sent to the bot, worded the same in every front end."""

from dataclasses import dataclass

from botchat.core.context.window import cut_index, is_sendable
from botchat.core.models import Session, branch_of


@dataclass(kw_only=True, slots=True, frozen=True)
class ContextUsage:
    """The part of a conversation that was sent to its bot, if not all of it.

    Attributes:
        first_id: the ID of the first message in context; the messages above it aren't sent.
        sent: number of messages in context.
        total: number of messages in the conversation.
        is_manual: the user cleared the context here, and can undo it.
        summary: the bot's summary of the messages above.
    """

    first_id: str
    sent: int
    total: int
    is_manual: bool = False
    summary: str = ""

    @property
    def text(self) -> str:
        """The numbers of messages in context and in total, in words."""
        return f"{self.sent:,} of {self.total:,} messages in context"

    @property
    def description(self) -> str:
        """The text of the divider above the first message in context."""
        if self.is_manual:
            return f"{self.text}. Context cleared here. Messages above aren't sent."
        if self.summary:
            return f"{self.text}. Messages above are summarized."
        return f"{self.text}. Messages above no longer fit the context window."


def context_usage(session: Session) -> ContextUsage | None:
    """Return the part of the current branch that was sent to the bot; None if all of it, as far as known.

    This is the part that was sent with the last question. A cut that was added or removed since then counts at once.
    """
    branch = [message for message in branch_of(session.messages, session.head) if is_sendable(message)]
    replies = (message.sent for message in reversed(branch) if message.role == "assistant")
    sent = next(replies, None) or {}
    if "cut" in sent and sent["cut"] != session.cut:
        sent = {}  # the cut was removed or moved since
    start = cut_index(branch, session.cut)
    last_start = next((i for i, message in enumerate(branch) if message.id == sent.get("first")), -1)
    if start > last_start and (start or not sent):
        total = session.first + len(branch)
        in_context = branch[start:]
        if not start:
            return None
        return ContextUsage(first_id=in_context[0].id, sent=len(in_context), total=total, is_manual=True)
    summary = str((session.summary or {}).get("text") or "")
    return ContextUsage(
        first_id=str(sent["first"]),
        sent=int(sent["messages"]),
        total=int(sent["of"]),
        is_manual="cut" in sent,
        summary=summary,
    )
