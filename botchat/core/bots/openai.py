"""The bot that uses an OpenAI-compatible server."""

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from botchat.core.bots.base_url import parse_base_url
from botchat.core.bots.config import BotConfig
from botchat.core.bots.connection import OpenAIConnection
from botchat.core.bots.errors import ErrorTranslator
from botchat.core.bots.prompt import Prompt
from botchat.core.bots.stream.chunks import ChunkReader, Finish, parse_embeddings, parse_models, read_chunks
from botchat.core.bots.stream.size_limit import ReplySizeLimit
from botchat.core.errors import BotError, InvalidInput
from botchat.core.models import BotInfo, Delta

if TYPE_CHECKING:
    from openai import AsyncOpenAI, AsyncStream


class OpenAIBot:
    """A bot on an OpenAI-compatible server. Its connection belongs to the event loop of the first request.

    Args:
        bot_id: its ID.
        config: its settings.
        base_url: URL of the server.
        api_key: the key to send; None sends none.
        connection: the connection of another bot on the same server to use; None opens one.
    """

    def __init__(
        self,
        bot_id: str,
        config: BotConfig,
        *,
        base_url: str,
        api_key: str | None = None,
        connection: OpenAIConnection | None = None,
    ) -> None:
        self._address = parse_base_url(base_url)
        self.info = BotInfo(
            bot_id=bot_id,
            label=config.model or f"default model at {self._address.display_url}",
            system=config.system,
            context_window=config.context_window,
            send_reasoning=config.send_reasoning,
            images=config.images,
            model=config.model,
            models=None if config.models is None else tuple(config.models),
            base_url=base_url,
            key_name=config.key_name,
            has_key=api_key is not None,
            can_title=True,
            can_embed=config.embedding_model is not None,
            answer_tokens=config.answer_tokens,
            context=config.context,
            users=None if config.users is None else frozenset(config.users),
        )
        self._config = config
        self._base_url = base_url
        self._api_key = api_key
        self._connection = connection or OpenAIConnection(bot_id, config, base_url=base_url, api_key=api_key)
        self._owns_connection = connection is None
        self._errors = ErrorTranslator(bot_id, config, base_url=base_url, api_key=api_key)

    def with_options(self, model: str | None, params: Mapping[str, Any]) -> "OpenAIBot":
        config = self._config
        if config.models is not None and model not in {None, config.model, *config.models}:
            raise InvalidInput(f"The bot {self.info.bot_id!r} doesn't offer the model {model!r}. Choose another model.")
        merged = {name: value for name, value in {**config.params, **params}.items() if value is not None}
        config = replace(config, model=model or config.model, params=merged)
        return OpenAIBot(
            self.info.bot_id, config, base_url=self._base_url, api_key=self._api_key, connection=self._connection
        )

    async def stream(self, prompt: Prompt) -> AsyncGenerator[Delta | Finish]:
        reader, size = ChunkReader(self._config.think_tags), ReplySizeLimit()
        with self._errors.translate_errors():
            response = await self._send(await self._get_client(), prompt)
            try:
                async with aclosing(read_chunks(response)) as chunks:
                    async for chunk in chunks:
                        for delta in reader.read(chunk):
                            yield size.take(delta)
                            size.check()
            except (Exception, asyncio.CancelledError):  # the partial text is kept, also when the reply is stopped
                for delta in reader.flush():
                    yield size.take(delta)
                raise
            for last in reader.end():
                yield size.take(last) if isinstance(last, Delta) else last
            size.check()

    async def prepare(self) -> None:
        with self._errors.translate_errors():
            _ = (await self._get_client()).chat.completions  # openai imports it on first use

    async def list_models(self) -> list[str]:
        with self._errors.translate_errors():
            client = await self._get_client()
            from openai import NotFoundError

            try:
                return await _fetch_models(client)
            except NotFoundError:  # some servers have no list
                return []

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        body = {"model": self._config.embedding_model, "input": list(texts)}
        with self._errors.translate_errors():
            client = await self._get_client()
            from openai import NotFoundError

            try:
                return parse_embeddings(await client.post("/embeddings", body=body, cast_to=object), len(texts))
            except NotFoundError as error:
                raise BotError(
                    f"Embedding model {self._config.embedding_model!r} not found at {self._address.display_url} "
                    f"(HTTP 404: {self._errors.reason(error.body)}). Check embedding_model in the config."
                ) from error

    async def aclose(self) -> None:
        if self._owns_connection:
            await self._connection.aclose()

    async def _get_client(self) -> "AsyncOpenAI":
        client = await self._connection.client(self._errors)
        self._errors.proxy = self._connection.proxy
        return client

    async def _send(self, client: "AsyncOpenAI", prompt: Prompt) -> "AsyncStream[object]":
        from openai import BadRequestError, UnprocessableEntityError

        model, with_usage = await self._resolve_model(client), self._connection.requests_usage
        try:
            return await self._create(client, model, prompt, with_usage=with_usage)
        except (BadRequestError, UnprocessableEntityError) as error:
            if not with_usage or "stream_options" not in error.response.text:
                raise
            response = await self._create(client, model, prompt, with_usage=False)
            self._connection.requests_usage = False  # the server doesn't know the option
            return response

    async def _create(
        self, client: "AsyncOpenAI", model: str, prompt: Prompt, *, with_usage: bool
    ) -> "AsyncStream[object]":
        from openai import AsyncStream

        body = {"model": model, "messages": prompt, "stream": True} | self._config.params
        if with_usage:
            body |= {"stream_options": {"include_usage": True}}
        # `chat.completions.create` would visit every message (35 ms more for 100 of them) and create objects for every
        # chunk (four times the work of reading it), on the loop that all replies share.
        return await client.post(
            "/chat/completions", body=body, cast_to=object, stream=True, stream_cls=AsyncStream[object]
        )

    async def _resolve_model(self, client: "AsyncOpenAI") -> str:
        model = self._config.model or self._connection.first_model
        if model is None:
            model = self._connection.first_model = next(iter(await _fetch_models(client)), None)
        if model is None:
            raise BotError(
                f"No models found at {self._address.display_url}. Set model in the config, or OPENAI_MODEL, "
                "and check that base_url ends in /v1."
            )
        self._errors.model = model
        return model


async def _fetch_models(client: "AsyncOpenAI") -> list[str]:
    # The client's own parser of a list fails on a web page.
    return parse_models((await client.models.with_raw_response.list()).text)
