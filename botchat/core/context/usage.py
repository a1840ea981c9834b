"""What a person is told of how much of a conversation its bot is shown: the same words in every front end."""

from dataclasses import dataclass

from botchat.core.context.window import can_be_shown, cut_at
from botchat.core.models import Session, branch_of


@dataclass(kw_only=True, slots=True, frozen=True)
class Shown:
    """That not all of a conversation is shown to its bot.

    Attributes:
        first: the id of the first message that is; what stands above it is not.
        messages: how many are.
        of: how many there are.
        by_hand: its user wished it so, and can take it back.
        summary: what the bot wrote of what stands above.
    """

    first: str
    messages: int
    of: int
    by_hand: bool = False
    summary: str = ""

    @property
    def words(self) -> str:
        """How many of how many."""
        return f"{self.messages:,} of {self.of:,} messages sent"

    @property
    def sentence(self) -> str:
        """What stands where the bot's part begins."""
        if self.by_hand:
            return f"{self.words}: as you wished, the bot is not shown what stands above."
        if self.summary:
            return f"{self.words}: of what stands above, the bot has a summary."
        return f"{self.words}: what stands above does not fit any more."


def shown(session: Session) -> Shown | None:
    """Tell what the bot is shown of the branch that is read; None where it is everything, as far as is known.

    It is what was sent with the last question; a cut that was made or taken back since counts at once.
    """
    branch = [message for message in branch_of(session.messages, session.head) if can_be_shown(message)]
    replies = (message.sent for message in reversed(branch) if message.role == "assistant")
    sent = next(replies, None) or {}
    if "cut" in sent and sent["cut"] != session.cut:
        sent = {}  # it was taken back, or made elsewhere
    begin = cut_at(branch, session.cut)
    before = next((i for i, message in enumerate(branch) if message.id == sent.get("first")), -1)
    if begin > before and (begin or not sent):
        older, rest = session.first + begin, branch[begin:]
        return Shown(first=rest[0].id, messages=len(rest), of=older + len(rest), by_hand=True) if begin else None
    summary = str((session.summary or {}).get("text") or "")
    return Shown(
        first=str(sent["first"]),
        messages=int(sent["messages"]),
        of=int(sent["of"]),
        by_hand="cut" in sent,
        summary=summary,
    )
