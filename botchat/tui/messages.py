"""How the store took what a worker asked of it: what all such messages are, for the one place that shows its state."""

from dataclasses import dataclass

from textual.message import Message

from botchat.core.errors import BotchatError


class StoreResponded(Message):
    """Is posted by a worker when the store did what it was asked."""


@dataclass
class StoreFailed(Message):
    """Is posted by a worker when it could not do what it was asked; whoever asked shows why."""

    error: BotchatError
