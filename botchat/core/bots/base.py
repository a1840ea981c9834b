"""The contract of a bot: what every bot does, whichever server or program answers."""

from collections.abc import AsyncGenerator, Sequence
from typing import Protocol

from botchat.core.bots.prompt import Prompt
from botchat.core.bots.stream.chunks import Finish
from botchat.core.models import BotInfo, Delta


class Bot(Protocol):
    """Answers a prompt, piece by piece, on the event loop that asks it."""

    info: BotInfo

    def stream(self, prompt: Prompt) -> AsyncGenerator[Delta | Finish]:
        """Yield the pieces of a reply as they come and, when the server has ended it, one Finish.

        Raises:
            BotError: it can't answer, or broke off; the pieces so far stand.
        """
        ...

    async def prepare(self) -> None:
        """Load what its first answer would have to wait for; no server is asked.

        Raises:
            BotError: it can't be asked as it is set.
        """
        ...

    async def list_models(self) -> list[str]:
        """List the models that its server has, which costs no tokens; [] where it does not tell.

        Raises:
            BotError: it can't be asked.
        """
        ...

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """Place texts among all that can be said: those that mean alike are near to each other.

        Raises:
            BotError: its server can't do that, or did not.
        """
        ...

    async def aclose(self) -> None:
        """Give back connections."""
        ...
