"""Base classes of messages from workers that report whether the store responded; the header shows it."""

from dataclasses import dataclass

from textual.message import Message

from botchat.core.errors import BotchatError


class StoreResponded(Message):
    """A worker's request to the store succeeded."""


@dataclass
class StoreFailed(Message):
    """A worker's request failed. The widget that made it shows the error."""

    error: BotchatError
