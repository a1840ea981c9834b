"""The demo bot as a Strands model, so that the examples run without an API key: canned replies, no AI.

For real replies use one of Strands' models, such as `strands.models.openai.OpenAIModel`.
"""

from collections.abc import AsyncGenerator, AsyncIterable
from typing import Any

from strands.models import Model
from strands.types.content import Messages
from strands.types.streaming import StreamEvent

from botchat.core.bots.demo import DemoBot
from botchat.core.models import Delta


class DemoModel(Model):
    """Returns the demo bot's replies."""

    def __init__(self) -> None:
        self._bot = DemoBot(pause=0)

    def update_config(self, **_: Any) -> None:
        """Do nothing: the model has no options."""

    def get_config(self) -> dict[str, str]:
        """Return the name of the model."""
        return {"model_id": "demo"}

    def structured_output(self, *_: Any, **__: Any) -> AsyncGenerator[dict[str, Any], None]:
        """Raise NotImplementedError."""
        raise NotImplementedError("The demo bot returns only text.")

    async def stream(self, messages: Messages, *_: Any, **__: Any) -> AsyncIterable[StreamEvent]:
        """Stream a canned reply to the last message."""
        asked = "".join(block.get("text", "") for block in messages[-1]["content"])
        yield {"messageStart": {"role": "assistant"}}
        yield {"contentBlockStart": {"start": {}}}
        async for piece in self._bot.stream([{"role": "user", "content": asked}]):
            if isinstance(piece, Delta) and piece.content:
                yield {"contentBlockDelta": {"contentBlockIndex": 0, "delta": {"text": piece.content}}}
        yield {"contentBlockStop": {"contentBlockIndex": 0}}
        yield {"messageStop": {"stopReason": "end_turn"}}
        words = len(asked.split())
        usage = {"inputTokens": words, "outputTokens": words, "totalTokens": 2 * words}
        yield {"metadata": {"usage": usage, "metrics": {"latencyMs": 0}}}
