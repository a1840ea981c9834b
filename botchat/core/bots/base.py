"""The contract of a bot, whichever server or program generates its replies."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Any, Protocol

from botchat.core.bots.prompt import Prompt
from botchat.core.bots.stream.chunks import Finish
from botchat.core.models import BotInfo, Delta


class Bot(Protocol):
    """Streams replies to prompts, on the event loop of its caller.

    Attributes:
        info: its description: ID, label, model and options.
    """

    info: BotInfo

    def stream(self, prompt: Prompt) -> AsyncGenerator[Delta | Finish]:
        """Yield the deltas of a reply as they arrive and, once the server has ended it, one Finish.

        Raises:
            BotError: the bot can't reply, or the reply failed; the deltas so far are valid.
        """
        ...

    def with_options(self, model: str | None, params: Mapping[str, Any]) -> "Bot":
        """Return this bot with another model (None: its own) and with more parameters, on the same connections.

        A parameter set to None is left out, even if the bot has it.

        Raises:
            InvalidInput: the bot doesn't offer that model.
        """
        ...

    async def prepare(self) -> None:
        """Load everything that the first reply would wait for, without a request to the server.

        Raises:
            BotError: the configuration is invalid.
        """
        ...

    async def list_models(self) -> list[str]:
        """Return the IDs of the server's models, which costs no tokens; [] if it has no list.

        Raises:
            BotError: the request failed.
        """
        ...

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """Return an embedding for each text: texts of similar meaning have similar vectors.

        Raises:
            BotError: the server has no embeddings, or the request failed.
        """
        ...

    async def aclose(self) -> None:
        """Close the connections."""
        ...
