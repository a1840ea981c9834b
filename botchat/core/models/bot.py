"""A bot's description, and the deltas of its replies."""

from dataclasses import dataclass
from typing import Literal

from botchat.core.models.unsupported_content import Unsupported

ContextStrategy = Literal["window", "summary", "none"]
"""The handling of messages that don't fit the context window; see `BotInfo.context`."""


@dataclass(slots=True, frozen=True)
class Delta:
    """A piece of a streaming reply: of its answer, of its reasoning, or unsupported content.

    Attributes:
        unsupported: content without plain text, as far as it has arrived; it replaces an earlier piece of the same key.
    """

    content: str = ""
    reasoning_content: str = ""
    unsupported: Unsupported | None = None


@dataclass(kw_only=True, slots=True, frozen=True)
class BotInfo:
    """The description of a bot for front ends.

    Attributes:
        label: its model, or a note that it isn't AI.
        system: its system prompt.
        context_window: in tokens; None if unknown.
        send_reasoning: whether its earlier reasoning is sent to it.
        images: whether it accepts images.
        model: the server's ID of the model; None takes the first that the server lists.
        models: the models that a session may choose instead of it; None for all of the server's.
        base_url: of its server; None if it has none.
        key_name: the environment variable with its API key; None if no key is sent.
        has_key: whether that variable is set.
        can_title: whether it can be asked for the title of a session.
        can_embed: whether its server has an embedding model.
        answer_tokens: tokens of the context window that are reserved for the reply.
        context: the handling of messages that don't fit: "window" leaves them out, "summary" has the bot summarize
            them, "none" sends all of them.
        users: the users who may use it; None if all may.
    """

    bot_id: str
    label: str
    system: str = ""
    context_window: int | None = None
    send_reasoning: bool = False
    images: bool = False
    model: str | None = None
    models: tuple[str, ...] | None = None
    base_url: str | None = None
    key_name: str | None = None
    has_key: bool = False
    can_title: bool = False
    can_embed: bool = False
    answer_tokens: int = 0
    context: ContextStrategy = "window"
    users: frozenset[str] | None = None

    def allows(self, user: str) -> bool:
        """Return whether a user may use this bot."""
        return self.users is None or user in self.users
