"""Sends a request to a bot and collects the result, for tests."""

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

from support.bots.stub_server import Answer, StubBot

from botchat.core.bots import Bot, BotConfig
from botchat.core.bots.openai import OpenAIBot
from botchat.core.bots.stream.chunks import Finish
from botchat.core.errors import BotError
from botchat.core.models import Delta

HELLO = [{"role": "user", "content": "Hello?"}]


@dataclass
class CollectedReply:
    """A received reply: its deltas in order, its end, and the error that ended it early."""

    pieces: list[Delta] = field(default_factory=list)
    finish: Finish | None = None
    error: str | None = None

    @property
    def content(self) -> str:
        return "".join(piece.content for piece in self.pieces)

    @property
    def reasoning(self) -> str:
        return "".join(piece.reasoning_content for piece in self.pieces)


async def collect_reply(bot: Bot, prompt=HELLO, *, on_piece: Callable[[], Any] = lambda: None) -> CollectedReply:
    """Send one request to a bot; `on_piece` is called after each delta."""
    heard = CollectedReply()
    try:
        async with aclosing(bot.stream(prompt)) as pieces:
            async for piece in pieces:
                assert heard.finish is None, "nothing comes after the Finish"
                if isinstance(piece, Finish):
                    heard.finish = piece
                else:
                    heard.pieces.append(piece)
                    on_piece()
    except BotError as error:
        heard.error = str(error)
    return heard


def bot_at(url: str, *, api_key: str | None = None, model: str | None = "stub-1", **config: Any) -> OpenAIBot:
    return OpenAIBot("local", BotConfig(model=model, base_url=url, **config), base_url=url, api_key=api_key)


def ask(bot: Bot, prompt=HELLO, *, times: int = 1, on_piece: Callable[[], Any] = lambda: None) -> list[CollectedReply]:
    """Send a number of requests to a bot, one after the other, and close it."""

    async def asking() -> list[CollectedReply]:
        try:
            return [await collect_reply(bot, prompt, on_piece=on_piece) for _ in range(times)]
        finally:
            await bot.aclose()

    return asyncio.run(asking())


def ask_stub(answer: Answer, *, on_piece: Callable[[], Any] = lambda: None, **config: Any) -> CollectedReply:
    """Send one request to a bot whose server gives this answer."""
    with StubBot([answer]) as stub:
        (heard,) = ask(bot_at(stub.url, **config), on_piece=on_piece)
    return heard
