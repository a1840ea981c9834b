"""Time to first token of a complete chat turn, compared with the openai client alone."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

import sample
from measure import Row, alternate, difference_row
from openai import AsyncOpenAI, DefaultAsyncHttpx2Client
from web_server import stub_bot

from botchat.core.bots import BotConfig
from botchat.core.bots.openai import OpenAIBot
from botchat.core.chat import Chat
from botchat.core.context import build_prompt
from botchat.core.storage import SessionRepository
from botchat.core.storage.mongo.repository import connect
from botchat.core.storage.sqlite.repository import SqliteRepository
from botchat.core.turn import Turns

_ROUNDS = 60
_SIZES = (0, 100)
_MORE_MS = 10


def rows(folder: Path, mongod_uri: str | None) -> Iterator[Row]:
    stores: dict[str, SessionRepository] = {"SQLite": SqliteRepository(folder / "turns.db")}
    if mongod_uri:
        stores["MongoDB"] = connect(mongod_uri + sample.TIMEOUT_OPTION)
    with stub_bot() as base_url:
        for name, repository in stores.items():
            with closing(repository):
                repository.prepare()
                yield from _turn_rows(name, repository, base_url)


def _turn_rows(store: str, repository: SessionRepository, base_url: str) -> Iterator[Row]:
    bot = OpenAIBot("stub", BotConfig(model="stub", base_url=base_url), base_url=base_url)
    # Like the bot, the baseline ignores proxies of the environment for a server on loopback.
    client = AsyncOpenAI(base_url=base_url, api_key="none", http_client=DefaultAsyncHttpx2Client(trust_env=False))
    with closing(Turns({"stub": bot})) as turns, asyncio.Runner() as runner:
        chat = Chat(repository, turns, default_bot="stub")
        for size in _SIZES:
            messages = [*sample.new_session(size).messages, sample.new_message()]
            prompt = list(build_prompt(bot.info, messages))
            floor = partial(_alone, runner, client, prompt)
            medians = alternate(floor, partial(_turn, chat, repository, size), rounds=_ROUNDS)
            where = f"in a session of {size} messages" if size else "in a new session"
            yield difference_row(f"{store}: first token {where}, time", medians, at_most_ms=_MORE_MS)
        runner.run(client.close())


def _alone(runner: asyncio.Runner, client: AsyncOpenAI, prompt: list[dict[str, str]]) -> float:
    async def first_token() -> float:
        start = time.perf_counter()
        stream = await client.chat.completions.create(
            model="stub",
            messages=prompt,  # type: ignore[arg-type]
            stream=True,
            stream_options={"include_usage": True},
        )
        took = 0.0
        async for chunk in stream:
            if not took and chunk.choices[0].delta.content:
                took = time.perf_counter() - start
        return took

    return runner.run(first_token())


def _turn(chat: Chat, repository: SessionRepository, size: int) -> float:
    session = sample.new_session(size)
    repository.save(session)
    if size:
        session = chat.open(session.user, session.id)
    content = sample.new_message().content
    start = time.perf_counter()
    reply = chat.send(session.user, session, content)
    next(iter(reply))
    took = time.perf_counter() - start
    if not reply.wait(60) or reply.failure or reply.save_failure:
        raise RuntimeError(f"The reply failed: {reply.failure or reply.save_failure}")
    return took
