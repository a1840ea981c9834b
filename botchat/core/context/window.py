"""Selects the messages of a conversation to send: the newest whole turns that fit the bot's context window."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from botchat.core.bots import CONTINUE, OPENING
from botchat.core.context.token_count import count_tokens, estimate_tokens
from botchat.core.models import BotInfo, Message

RESERVED_FRACTION = 0.1
"""Part of the context window that stays free: the estimate of tokens is within about 10 % of what servers count."""

_MIN_KEPT_AT_TOPIC = 0.5
"""Selection may start at a change of topic only if at least this part of the tokens that fit is still sent."""


@dataclass(kw_only=True, slots=True, frozen=True)
class ContextSelection:
    """The messages to send, and those left out.

    Attributes:
        messages: the messages to send: from a user message on, or from the first message if all of them fit.
        omitted: the sendable messages before these, among those that were passed in.
        system_messages: the system messages among `omitted`; they are sent anyway, as the system prompt is.
        tokens: expected size of the prompt as its server counts it.
    """

    messages: list[Message]
    omitted: list[Message] = field(default_factory=list)
    system_messages: list[Message] = field(default_factory=list)
    tokens: float = 0


def is_sendable(message: Message) -> bool:
    """Return whether a message can be sent to a bot: it has text or files, and isn't the result of a tool.

    White space alone is not sent: Anthropic refuses a text without any other character.
    """
    return bool(message.content.strip() or message.files) and message.role != "tool"


def cut_index(messages: Sequence[Message], cut: str | None) -> int:
    """Return the index of the first message after a cut, a user's if there is one; 0 if the cut isn't among these."""
    index = _index_of(messages, cut)
    return next((i for i in range(index, len(messages)) if messages[i].role == "user"), index) if index else 0


def _index_of(messages: Sequence[Message], cut: str | None) -> int:
    return next((i for i, message in enumerate(messages) if message.id == cut), 0) if cut else 0


def select_messages(
    bot: BotInfo,
    messages: Sequence[Message],
    *,
    cut: str | None = None,
    topics: Collection[str] = (),
    has_start: bool = True,
    token_factor: float = 1.0,
) -> ContextSelection:
    """Select the newest messages that fit, beginning with a user message. The last user message is always selected.

    System messages are always sent, unless a cut hides them. If the whole conversation fits, it is sent from its
    first message on, even if that is the bot's.

    Args:
        bot: the bot to prompt; its `system` is its system prompt.
        messages: the current branch, oldest first.
        cut: the ID of the message at which the user cleared the context; earlier ones aren't sent.
        topics: IDs of messages that begin a topic: the preferred places to begin at.
        has_start: the first of the messages is the first of the conversation.
        token_factor: multiplies the expected tokens, to leave more out.
    """
    sendable = [message for message in messages if is_sendable(message)]
    base, tokens = _prompt_tokens(bot, sendable, _index_of(sendable, cut), has_start=has_start)
    question = max((i for i, message in enumerate(sendable) if message.role == "user"), default=0)
    earliest = cut_index(sendable, cut)
    fitting = earliest
    if bot.context_window is not None and bot.context != "none":
        room = bot.context_window * (1 - RESERVED_FRACTION) - bot.answer_tokens
        fitting = _first_fitting(tokens, (room - base * token_factor) / token_factor, earliest)
    starts = [i for i in range(min(fitting, question), len(sendable)) if sendable[i].role == "user"]
    start = 0 if fitting == 0 and has_start else next(iter(starts), 0)
    if start > earliest and topics:
        start = _topic_start(sendable, tokens, starts, topics)
    return ContextSelection(
        messages=sendable[start:],
        omitted=sendable[:start],
        system_messages=[m for m in sendable[_index_of(sendable, cut) : start] if m.role == "system"],
        tokens=base + sum(tokens[start:]),
    )


def _prompt_tokens(
    bot: BotInfo, messages: Sequence[Message], cut: int, *, has_start: bool
) -> tuple[float, list[float]]:
    """Return the tokens of all that is always sent, and those that each message adds."""
    base, tokens = count_tokens(bot, bot.system, messages, has_start=has_start)
    turns = []
    for i, message in enumerate(messages):
        if message.role != "system":
            turns.append(i)
        else:
            base += tokens[i] if i >= cut else 0
            tokens[i] = 0
    if turns and has_start and messages[turns[0]].role == "assistant":
        tokens[turns[0]] += estimate_tokens(OPENING)
    if turns and messages[turns[-1]].role == "assistant":
        base += estimate_tokens(CONTINUE)
    return base, tokens


def _first_fitting(tokens: Sequence[float], room: float, earliest: int) -> int:
    start = len(tokens)
    while start > earliest and (room := room - tokens[start - 1]) >= 0:
        start -= 1
    return start


def _topic_start(
    messages: Sequence[Message], tokens: Sequence[float], starts: Sequence[int], topics: Collection[str]
) -> int:
    """Return the first start of a topic that keeps enough of what fits, else the first of all starts."""
    least = sum(tokens[starts[0] :]) * _MIN_KEPT_AT_TOPIC
    candidates = (i for i in starts if messages[i].id in topics and sum(tokens[i:]) >= least)
    return next(candidates, starts[0])
