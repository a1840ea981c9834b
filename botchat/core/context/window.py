"""Which messages of a conversation a bot is shown: the newest whole turns that fit its context window."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from botchat.core.bots import CONTINUE, OPENING
from botchat.core.context.token_count import count_tokens, estimate_tokens
from botchat.core.models import BotInfo, Message

RESERVED_FRACTION = 0.1
"""Part of the context window that stays free: the estimate of tokens is within about 10 % of what servers count."""

_WORTH_IT = 0.5
"""A change of topic is a place to begin at only if no more than this part of what would fit is given up for it."""


@dataclass(kw_only=True, slots=True, frozen=True)
class ContextSelection:
    """What is shown, and what stands before it.

    Attributes:
        messages: what is shown: from a user's message on, or from the first message where all of them fit.
        before: what a bot could have been shown too, of the messages that were given.
        standing: the system messages among `before`; they are sent all the same, as the system prompt is.
        tokens: of the prompt, as its server is expected to count them.
    """

    messages: list[Message]
    omitted: list[Message] = field(default_factory=list)
    system_messages: list[Message] = field(default_factory=list)
    tokens: float = 0


def is_sendable(message: Message) -> bool:
    """Tell whether a message means something to a bot: one with words or files, and no result of a tool.

    White space alone is not sent: Anthropic refuses a text without any other character.
    """
    return bool(message.content.strip() or message.files) and message.role != "tool"


def cut_index(said: Sequence[Message], cut: str | None) -> int:
    """Tell with which message the part behind a cut begins, a user's if there is one; 0 where the cut is elsewhere."""
    place = _place(said, cut)
    return next((i for i in range(place, len(said)) if said[i].role == "user"), place) if place else 0


def _place(said: Sequence[Message], cut: str | None) -> int:
    return next((i for i, message in enumerate(said) if message.id == cut), 0) if cut else 0


def select_messages(
    bot: BotInfo,
    messages: Sequence[Message],
    *,
    cut: str | None = None,
    topics: Collection[str] = (),
    has_start: bool = True,
    token_factor: float = 1.0,
) -> ContextSelection:
    """Choose the newest messages that fit, beginning with a user's. The last of the user's is always among them.

    System messages are always sent, unless a cut hides them. Where the whole conversation fits, it is shown from its
    first message on, even if that is the bot's.

    Args:
        bot: who is asked; its `system` is what it is told before.
        messages: the branch that is shown, oldest first.
        cut: the id of the message before which nothing is to be shown.
        topics: ids of messages that begin a topic: the places to begin at that are liked best.
        has_start: the first of the messages is the first of the conversation.
        token_factor: so many times more tokens than expected are to be reckoned with.
    """
    said = [message for message in messages if is_sendable(message)]
    frame, tokens = _counted(bot, said, _place(said, cut), has_start=has_start)
    asked = max((i for i, message in enumerate(said) if message.role == "user"), default=0)
    earliest = cut_index(said, cut)
    start = earliest
    if bot.context_window is not None and bot.context != "none":
        room = bot.context_window * (1 - RESERVED_FRACTION) - bot.answer_tokens
        start = _first_that_fits(tokens, (room - frame * token_factor) / token_factor, earliest)
    begins = [i for i in range(min(start, asked), len(said)) if said[i].role == "user"]
    begin = 0 if start == 0 and has_start else next(iter(begins), 0)
    if begin > earliest and topics:
        begin = _at_topic(said, tokens, begins, topics)
    standing = [message for message in said[_place(said, cut) : begin] if message.role == "system"]
    return ContextSelection(
        messages=said[begin:],
        omitted=said[:begin],
        system_messages=standing,
        tokens=frame + sum(tokens[begin:]),
    )


def _counted(bot: BotInfo, said: Sequence[Message], place: int, *, has_start: bool) -> tuple[float, list[float]]:
    """Count a prompt as it is sent: all that is always sent as its frame, and what a message adds to it."""
    frame, tokens = count_tokens(bot, bot.system, said, has_start=has_start)
    turns = []
    for i, message in enumerate(said):
        if message.role != "system":
            turns.append(i)
        else:
            frame += tokens[i] if i >= place else 0
            tokens[i] = 0
    if turns and has_start and said[turns[0]].role == "assistant":
        tokens[turns[0]] += estimate_tokens(OPENING)
    if turns and said[turns[-1]].role == "assistant":
        frame += estimate_tokens(CONTINUE)
    return frame, tokens


def _first_that_fits(tokens: Sequence[float], room: float, earliest: int) -> int:
    start = len(tokens)
    while start > earliest and (room := room - tokens[start - 1]) >= 0:
        start -= 1
    return start


def _at_topic(said: Sequence[Message], tokens: Sequence[float], begins: Sequence[int], topics: Collection[str]) -> int:
    """Return the first beginning of a topic that is no great loss, else the first of all beginnings."""
    least = sum(tokens[begins[0] :]) * _WORTH_IT
    likely = (i for i in begins if said[i].id in topics and sum(tokens[i:]) >= least)
    return next(likely, begins[0])
