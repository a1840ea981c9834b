"""The built-in demo bot: offline, canned replies that demonstrate the chat's features, clearly labeled as not AI."""

import asyncio
import re
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from typing import Any

from botchat.core.bots.prompt import Prompt, text_of
from botchat.core.bots.stream.chunks import Finish
from botchat.core.errors import BotError, InvalidInput
from botchat.core.models import BotInfo, Delta

DEMO = "demo"

_NOTE = "*Demo bot: a canned reply, no AI.*\n\n"

_HELP = """\
I can't think, but I can show you what this chat does. Send one of these words:

| word | what you'll see |
|---|---|
| `think` | reasoning, collapsed above the answer |
| `slow` | a slow reply (about 30 seconds): stop it, or close the tab and come back |
| `long` | a long reply with a list, a table and code |
| `error` | a simulated error: the partial reply is kept |

To chat with a real model, set `OPENAI_API_KEY`, or set `OPENAI_BASE_URL` to your own server, and restart botchat."""

_LONG = "\n\n".join(
    [
        "## A long reply",
        *(
            f"{n}. Paragraph {n} of twenty. It is filler text that makes the reply long enough to scroll through it."
            for n in range(1, 21)
        ),
        "| item | count |\n|---|---|\n| paragraphs | 20 |\n| tables | 1 |",
        "```python\nfor word in reply:\n    print(word)\n```",
        "This is the end of the long reply.",
    ]
)

_THOUGHTS = "The user asked me to think. I only have canned replies, so there is nothing to think about. I'll say that."


class DemoBot:
    """Streams canned replies, with `pause` seconds between two words."""

    def __init__(self, *, pause: float = 0.03) -> None:
        self.info = BotInfo(bot_id=DEMO, label="canned replies, no AI")
        self._pause = pause

    def with_options(self, model: str | None, params: Mapping[str, Any]) -> "DemoBot":  # noqa: ARG002
        if model is not None:
            raise InvalidInput(f"The demo bot has no model {model!r}.")
        return self

    async def stream(self, prompt: Prompt) -> AsyncGenerator[Delta | Finish]:
        question = next((text_of(m["content"]) for m in reversed(prompt) if m["role"] == "user"), "")
        word = (question.split() or [""])[0].strip(".,:;!?").lower()
        if word == "think":
            async for piece in self._stream_words(_THOUGHTS):
                yield Delta(reasoning_content=piece)
        async for piece in self._stream_words(_NOTE + _answer(word, question), slowly=word == "slow"):
            yield Delta(content=piece)
        if word == "error":
            raise BotError("The demo bot simulated an error. The partial reply is kept.")
        yield Finish(reason="stop", model=self.info.label)

    async def prepare(self) -> None:
        """Do nothing: there is nothing to load."""

    async def list_models(self) -> list[str]:
        """Return an empty list: the demo has no model."""
        return []

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """Fail: the demo has no embeddings.

        Raises:
            BotError: always.
        """
        raise BotError(f"Can't create embeddings of {len(texts)} texts: the demo bot has no model.")

    async def aclose(self) -> None:
        """Do nothing: there is no server."""

    async def _stream_words(self, text: str, *, slowly: bool = False) -> AsyncIterator[str]:
        for word in re.findall(r"\S+\s*|\s+", text):
            await asyncio.sleep(self._pause * (10 if slowly else 1))
            yield word


def _answer(word: str, question: str) -> str:
    match word:
        case "think":
            return "Having thought about it: I'm a demo, so I have no thoughts."
        case "long":
            return _LONG
        case "slow":
            return " ".join(f"Slow reply, sentence {n} of 18." for n in range(1, 19)) + " Done."
        case "error":
            return "This is the beginning of a reply that"
        case "help" | "hello" | "hi" | "":
            return _HELP
        case _:
            quoted = "\n".join(f"> {line}" for line in question[:500].splitlines())
            return f"You wrote:\n\n{quoted}\n\n{_HELP}"
