"""The connection to an OpenAI-compatible server, which all bots with its settings share."""

import asyncio
import re
from typing import TYPE_CHECKING

from botchat.core.bots.base_url import parse_base_url
from botchat.core.bots.config import OPENAI_URL, BotConfig
from botchat.core.bots.errors import ErrorTranslator
from botchat.core.errors import MissingKey

if TYPE_CHECKING:
    from openai import AsyncOpenAI

    from botchat.core.bots.http_client import Proxy


class OpenAIConnection:
    """The client of a server, and what is known about the server. It belongs to the event loop of the first request.

    Attributes:
        requests_usage: whether to request token usage; False once the server has refused the option.
        first_model: the first model that the server lists; None until it was requested.
        proxy: the proxy to the server, if any; known once the client is open.
    """

    def __init__(self, bot_id: str, config: BotConfig, *, base_url: str, api_key: str | None) -> None:
        self.requests_usage = config.include_usage
        self.first_model: str | None = None
        self.proxy: Proxy | None = None
        self._bot_id = bot_id
        self._config = config
        self._base_url = base_url
        self._api_key = api_key
        self._client: AsyncOpenAI | None = None

    async def client(self, errors: ErrorTranslator) -> "AsyncOpenAI":
        """Return the client, which the first call opens.

        Raises:
            BotError: the settings or an environment variable are invalid, or the API key is missing.
        """
        if self._client is None:
            # Importing openai takes half a second, which would block the other replies.
            await asyncio.to_thread(__import__, "openai")
            with errors.translate_setup_errors():
                self._client = self._client or self._new_client(errors)
        return self._client

    async def aclose(self) -> None:
        """Close the client; the next request opens another."""
        if self._client is not None:
            await self._client.close()
            self._client = None

    def _new_client(self, errors: ErrorTranslator) -> "AsyncOpenAI":
        from openai import DEFAULT_CONNECTION_LIMITS, AsyncOpenAI, Timeout

        from botchat.core.bots.http_client import open_client

        self._check_key()
        address, seconds = errors.valid_address(parse_base_url(self._base_url)), self._config.timeout
        timeout = Timeout(seconds, connect=5)
        http_client = open_client(
            address.base_url,
            timeout=timeout,
            header_timeout=seconds,
            limits=DEFAULT_CONNECTION_LIMITS,
            follow_redirects=True,
            auth=address.credentials,
        )
        self.proxy = http_client.proxy
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
            raise MissingKey(f"The API key of the bot {self._bot_id!r} is no longer stored. Enter it in the settings.")
        if self._api_key is None and (self._config.api_key_env or self._base_url.rstrip("/") == OPENAI_URL):
            raise MissingKey(f"The bot {self._bot_id!r} requires an API key. Set {name} in the environment.")
        # The client would try to send it and quote it in its error.
        if self._api_key is not None and not re.fullmatch("[!-~]+", self._api_key):
            where = f" in {name}" if self._config.key_name else ""
            raise MissingKey(f"The API key{where} contains a space, a line break or a non-ASCII character. Check it.")
