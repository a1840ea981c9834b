"""The bot that uses an OpenAI-compatible server."""

import asyncio
import re
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING

from botchat.core.bots.base_url import parse_base_url
from botchat.core.bots.config import OPENAI_URL, BotConfig
from botchat.core.bots.errors import ErrorTranslator
from botchat.core.bots.prompt import Prompt
from botchat.core.bots.stream.chunks import ChunkReader, Finish, parse_embeddings, parse_models, read_chunks
from botchat.core.bots.stream.size_limit import ReplySizeLimit
from botchat.core.errors import BotError, MissingKey
from botchat.core.models import BotInfo, Delta

if TYPE_CHECKING:
    from openai import AsyncOpenAI, AsyncStream


class OpenAIBot:
    """A bot on an OpenAI-compatible server. Its client belongs to the event loop of the first request."""

    def __init__(self, bot_id: str, config: BotConfig, *, base_url: str, api_key: str | None = None) -> None:
        self._address = parse_base_url(base_url)
        self.info = BotInfo(
            bot_id=bot_id,
            label=config.model or f"default model at {self._address.display_url}",
            system=config.system,
            context_window=config.context_window,
            send_reasoning=config.send_reasoning,
            images=config.images,
            model=config.model,
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
        self._model = config.model
        self._errors = ErrorTranslator(bot_id, config, base_url=base_url, api_key=api_key)
        self._requests_usage = config.include_usage
        self._client: AsyncOpenAI | None = None

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
        if self._client is not None:
            await self._client.close()
            self._client = None

    async def _get_client(self) -> "AsyncOpenAI":
        if self._client is None:
            # Importing openai takes half a second, which would block the other replies.
            await asyncio.to_thread(__import__, "openai")
            with self._errors.translate_setup_errors():
                self._client = self._client or self._new_client()
        return self._client

    def _new_client(self) -> "AsyncOpenAI":
        from openai import DEFAULT_CONNECTION_LIMITS, AsyncOpenAI, Timeout

        from botchat.core.bots.http_client import open_client

        self._check_key()
        address, seconds = self._errors.valid_address(self._address), self._config.timeout
        timeout = Timeout(seconds, connect=5)
        http_client = open_client(
            address.base_url,
            timeout=timeout,
            header_timeout=seconds,
            limits=DEFAULT_CONNECTION_LIMITS,
            follow_redirects=True,
            auth=address.credentials,
        )
        self._errors.proxy = http_client.proxy
        # Azure's versioned API expects the key in its own header.
        headers = {"api-key": self._api_key} if self._api_key and "api-version" in address.query else None
        return AsyncOpenAI(
            api_key=self._api_key or "none",
            base_url=address.base_url,
            default_query=address.query,
            default_headers=headers,
            timeout=timeout,
            http_client=http_client,
        )

    def _check_key(self) -> None:
        name = self._config.expected_key_name
        if self._api_key is None and self._config.api_key_store:
            raise MissingKey(
                f"The API key of the bot {self.info.bot_id!r} is no longer stored. Enter it in the settings."
            )
        if self._api_key is None and (self._config.api_key_env or self._base_url.rstrip("/") == OPENAI_URL):
            raise MissingKey(f"The bot {self.info.bot_id!r} requires an API key. Set {name} in the environment.")
        # The client would try to send it and quote it in its error.
        if self._api_key is not None and not re.fullmatch("[!-~]+", self._api_key):
            where = f" in {name}" if self._config.key_name else ""
            raise MissingKey(f"The API key{where} contains a space, a line break or a non-ASCII character. Check it.")

    async def _send(self, client: "AsyncOpenAI", prompt: Prompt) -> "AsyncStream[object]":
        from openai import BadRequestError, UnprocessableEntityError

        model, with_usage = await self._resolve_model(client), self._requests_usage
        try:
            return await self._create(client, model, prompt, with_usage=with_usage)
        except (BadRequestError, UnprocessableEntityError) as error:
            if not with_usage or "stream_options" not in error.response.text:
                raise
            response = await self._create(client, model, prompt, with_usage=False)
            self._requests_usage = False  # the server doesn't know the option
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
        if self._model is None:
            self._model = self._errors.model = next(iter(await _fetch_models(client)), None)
        if self._model is None:
            raise BotError(
                f"No models found at {self._address.display_url}. Set model in the config, or OPENAI_MODEL, "
                "and check that base_url ends in /v1."
            )
        return self._model


async def _fetch_models(client: "AsyncOpenAI") -> list[str]:
    # The client's own parser of a list fails on a web page.
    return parse_models((await client.models.with_raw_response.list()).text)
