"""Sends test requests to bots outside of any session. Nothing is stored."""

import asyncio
import time
from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing
from dataclasses import dataclass

from botchat.core.bots import Bot, without_system_role
from botchat.core.bots.stream.chunks import Finish
from botchat.core.bots.stream.finish_reasons import UNFINISHED
from botchat.core.context import build_prompt
from botchat.core.errors import BotError, PromptRefused
from botchat.core.models import Delta, Message
from botchat.core.urls import without_password

# The reply takes several tokens: a reply in one piece doesn't show whether it was streamed.
_QUESTION = "Say ok, then count from one to five."


@dataclass(kw_only=True, slots=True, frozen=True)
class ProbeResult:
    """The result of a test request to a bot.

    Attributes:
        first_token_ms: time from the request to the first piece, with the client already loaded; None without one.
        latency_ms: time from the request to the end of the reply.
        streamed: the answer or the reasoning arrived in more than one piece.
        reasoned: the reply has reasoning.
        failure: why the reply is missing or incomplete.
    """

    bot_id: str
    model: str | None = None
    first_token_ms: int | None = None
    latency_ms: int = 0
    streamed: bool = False
    reasoned: bool = False
    usage: dict[str, int] | None = None
    failure: BotError | None = None


def probe_bots(bots: Iterable[Bot]) -> list[ProbeResult]:
    """Send a short question to every bot at once; return the results in the order of the bots."""

    async def probe_all() -> list[ProbeResult]:
        return await asyncio.gather(*(_probe(bot) for bot in bots))

    return asyncio.run(probe_all())


def fetch_model_lists(bots: Iterable[Bot], timeout: float) -> list[list[str] | BotError]:
    """Fetch the list of models of every bot's server at once, which costs no tokens.

    Args:
        bots: whose servers to ask.
        timeout: seconds until a server must have responded.

    Returns:
        For each bot the names of the models, or the error.
    """

    async def fetch_all() -> list[list[str] | BotError]:
        return await asyncio.gather(*(_fetch_models(bot, timeout) for bot in bots))

    return asyncio.run(fetch_all())


async def _fetch_models(bot: Bot, seconds: float) -> list[str] | BotError:
    try:
        async with aclosing(bot), asyncio.timeout(seconds):
            return await bot.list_models()
    except TimeoutError:
        server = without_password(bot.info.base_url or bot.info.label)
        return BotError(f"{server} didn't respond within {seconds:g} s. Check that the server is running.")
    except Exception as error:  # noqa: BLE001  (an error of one bot must not prevent checking the others)
        return _failure(error)


async def _stream(bot: Bot) -> AsyncGenerator[Delta | Finish]:
    """Send the request as a chat does; if the server refuses the system role, send it again without."""
    prompt = build_prompt(bot.info, [Message(role="user", content=_QUESTION)])
    try:
        async with aclosing(bot.stream(prompt)) as pieces:
            async for piece in pieces:
                yield piece
    except PromptRefused as error:
        if not error.wants_no_system or prompt[0]["role"] != "system":
            raise
    else:
        return
    async with aclosing(bot.stream(without_system_role(prompt))) as pieces:
        async for piece in pieces:
            yield piece


async def _probe(bot: Bot) -> ProbeResult:
    start = time.monotonic()
    deltas: list[Delta] = []
    first_token_ms, finish, failure = None, None, None
    latency_ms = 0
    try:
        async with aclosing(bot):
            await bot.prepare()
            start = time.monotonic()
            async with aclosing(_stream(bot)) as pieces:
                async for piece in pieces:
                    if isinstance(piece, Finish):
                        finish = piece
                    else:
                        deltas.append(piece)
                        first_token_ms = first_token_ms or _elapsed_ms(start)
            latency_ms = _elapsed_ms(start)
        failure = _missing_end(finish)
    except Exception as error:  # noqa: BLE001  (an error of one bot must not prevent probing the others)
        failure = _failure(error)
    latency_ms = latency_ms or _elapsed_ms(start)
    answer, reasoning = sum(bool(d.content) for d in deltas), sum(bool(d.reasoning_content) for d in deltas)
    return ProbeResult(
        bot_id=bot.info.bot_id,
        model=finish.model if finish else None,
        first_token_ms=first_token_ms,
        latency_ms=latency_ms,
        streamed=max(answer, reasoning) > 1,
        reasoned=reasoning > 0,
        usage=finish.usage if finish else None,
        failure=failure,
    )


def _failure(error: Exception) -> BotError:
    if isinstance(error, BotError):
        return error
    failure = BotError(f"The bot failed with an unexpected error ({type(error).__name__}: {error}).")
    failure.__cause__ = error
    return failure


def _missing_end(finish: Finish | None) -> BotError | None:
    is_whole = finish is not None and finish.reason is not None
    return None if is_whole else BotError(UNFINISHED)


def _elapsed_ms(start: float) -> int:
    return max(1, round((time.monotonic() - start) * 1000))
