"""Translates the errors of an OpenAI-compatible server into sentences. Only this and `openai.py` import openai."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from botchat.core.bots.base_url import BotAddress, parse_base_url
from botchat.core.bots.config import BotConfig
from botchat.core.bots.server_errors.context_length import prompt_refusal
from botchat.core.bots.server_errors.message import find_message, server_message, shorten
from botchat.core.bots.server_errors.retry_delay import format_delay, retry_after
from botchat.core.errors import BotError, ConfigError, PromptRefused
from botchat.core.urls import hide_secrets, secrets_in

if TYPE_CHECKING:
    from openai import APIStatusError

    from botchat.core.bots.http_client import Proxy

_UNAUTHORIZED, _FORBIDDEN, _NOT_FOUND, _SERVER_ERROR = 401, 403, 404, 500
_BUSY = {408, 409, 425, 429}
_NOT_NOW = ("The server can't process the request now", "Try again.")
_SENTENCES = {
    402: ("Payment required", "Check your account with the provider."),
    403: ("Access denied", "Check that the API key may use this model."),
    408: _NOT_NOW,
    409: _NOT_NOW,
    425: _NOT_NOW,
    429: ("Rate limit or quota exceeded", "Try again later."),
}

_QUERY = re.compile(r"(/(?:chat/completions|models|embeddings))\?[^\s\"'<>]*")

_MIN_KEY_LENGTH = 8
"""A shorter key is a placeholder for a local server ("x", "ollama"), and an ordinary word."""

_MIN_QUOTE_LENGTH = 4
"""Characters of a key that a server may quote when it refuses it: OpenAI shows its beginning and its last four."""


class ErrorTranslator:
    """Translates the errors of one bot's server into BotError.

    Attributes:
        model: the requested model; None until it is known.
        proxy: the proxy to the server, if any.
    """

    def __init__(self, bot_id: str, config: BotConfig, *, base_url: str, api_key: str | None) -> None:
        self.model = config.model
        self.proxy: Proxy | None = None
        self._bot_id = bot_id
        self._config = config
        self._base_url = base_url
        self._url = parse_base_url(base_url).display_url
        self._api_key = api_key

    def valid_address(self, address: BotAddress) -> BotAddress:
        """Return the address if its URL is valid.

        Raises:
            ConfigError: it isn't.
        """
        from botchat.core.bots.http_client import is_valid_url

        if is_valid_url(self._base_url):
            return address
        raise ConfigError(
            f"The base_url of the bot {self._bot_id!r} isn't a valid URL. Use http://HOST:PORT/v1 or https://HOST/v1, "
            "and percent-encode special characters in a user name or password."
        )

    @contextmanager
    def translate_setup_errors(self) -> Iterator[None]:
        """Raise BotError also for errors of the client's creation that only an invalid environment variable causes."""
        try:
            yield
        except (LookupError, ValueError) as error:
            raise BotError(self._request_error) from error

    @contextmanager
    def translate_errors(self) -> Iterator[None]:
        """Raise the client's errors as BotError: one sentence that says what to do, without secrets."""
        try:
            yield
        except BotError as error:
            error.args = (self._hide_secrets(str(error)),)
            raise
        except TimeoutError as error:
            raise BotError(self._timeout_error) from error
        except Exception as error:
            sentence = self._sentence(error)
            if sentence is None:
                raise
            sentence = self._hide_secrets(sentence)
            raise self._prompt_refusal(error, sentence) or BotError(sentence) from error

    def reason(self, body: object) -> str:
        """Return the server's message in the body of an error, shortened if it is long."""
        return shorten(self._hide_secrets(server_message(body)))  # before it is shortened: half a key is still a secret

    def _prompt_refusal(self, error: Exception, sentence: str) -> PromptRefused | None:
        body = getattr(error, "body", None)
        return prompt_refusal(body, self.reason(body), sentence, getattr(error, "status_code", None))

    @property
    def _timeout_error(self) -> str:
        return f"{self._url} didn't respond within {self._config.timeout:g} s. Try again."

    @property
    def _request_error(self) -> str:
        return (
            f"Can't send a request to {self._url}: its address or a header isn't valid. Check base_url, and in the "
            "environment OPENAI_ORG_ID, OPENAI_PROJECT_ID and OPENAI_CUSTOM_HEADERS."
        )

    def _hide_secrets(self, text: str) -> str:
        secrets = secrets_in(self._base_url)
        if self.proxy is not None:
            secrets |= secrets_in(self.proxy.url)
        if self._api_key is not None and len(self._api_key) >= _MIN_KEY_LENGTH:
            secrets.add(self._api_key)
        if "?" in self._base_url:  # its query, in a page that quotes the requested URL
            text = _QUERY.sub(r"\1?***", text)
        return hide_secrets(text, secrets)

    def _sentence(self, error: Exception) -> str | None:
        """Return the sentence for an error; None if it is a bug of this program."""
        from httpx2 import RequestError
        from openai import APIConnectionError, APIStatusError

        cause = (error.__cause__ or error) if isinstance(error, APIConnectionError) else error
        if isinstance(cause, APIStatusError):
            return self._redirect_sentence(cause) or self._status_sentence(cause)
        if isinstance(cause, RequestError):
            return self._connection_sentence(cause)
        return self._setup_sentence(cause)

    def _setup_sentence(self, error: BaseException) -> str | None:
        """Return the sentence for an error raised before anything is sent, by the client or by building a request."""
        from httpx2 import InvalidURL
        from openai import OpenAIError

        match error:
            case ConfigError():
                return str(error)
            case InvalidURL() | UnicodeError():
                return self._request_error
            case json.JSONDecodeError():
                return "The model server sent invalid JSON, so the reply is incomplete. Try again."
            case OpenAIError():
                return f"The model server reported an error: {self.reason(getattr(error, 'body', None) or str(error))}."
            case ImportError() | OSError():
                why = shorten(self._hide_secrets(f"{type(error).__name__}: {error}"))
                return f"Can't connect to {self._url} ({why}). Check the environment."
            case _:
                return None

    def _connection_sentence(self, error: Any) -> str:
        from httpx2 import ConnectError, ConnectTimeout, LocalProtocolError, TimeoutException, TooManyRedirects

        from botchat.core.bots.http_client import certificate_problem, proxy_problem

        why = shorten(self._hide_secrets(str(error) or type(error).__name__))
        if problem := proxy_problem(error, self.proxy, self._url) or certificate_problem(error, self._url):
            return problem
        match error:
            case ConnectError() | ConnectTimeout():
                return f"Can't reach {self._url} ({why}). Check that the server is running and the URL is correct."
            case TimeoutException():
                return self._timeout_error
            case LocalProtocolError():  # its message quotes the header
                return self._request_error
            case TooManyRedirects():
                return f"{self._url} redirects too many times. Check base_url of the bot {self._bot_id!r}."
            case _:
                return f"Connection to {self._url} lost ({why}). Try again."

    def _redirect_sentence(self, error: "APIStatusError") -> str | None:
        """Return the sentence for a request broken by a redirect: a POST became a GET, or the key was not sent on."""
        history = error.response.history
        if not history:
            return None
        first, last = history[0].request, error.response.request
        if first.method == last.method and first.url.host == last.url.host:
            return None
        url = str(last.url).partition("?")[0]
        target = parse_base_url(url).display_url
        return f"{self._url} redirects to {target} (HTTP {error.status_code}). Set base_url to the new address."

    def _status_sentence(self, error: "APIStatusError") -> str:
        status, text = error.status_code, self._server_text(error)
        what, advice = self._what_and_advice(status)
        seconds = retry_after(error.response.headers, error.body)
        if seconds and (status in _BUSY or status >= _SERVER_ERROR):
            advice = f"Try again in {format_delay(seconds)}."
        reason = f"HTTP {status}: {text}" if text else f"HTTP {status}"
        return f"{what} ({reason}). {advice}".rstrip()

    def _what_and_advice(self, status: int) -> tuple[str, str]:
        if status == _UNAUTHORIZED:
            return self._key_problem()
        if status == _NOT_FOUND and self.model:
            return f"Model {self.model!r} not found at {self._url}", "Check the model, and that base_url ends in /v1."
        if status == _NOT_FOUND:
            return f"No list of models at {self._url}", "Set model in the config, and check that base_url ends in /v1."
        if status >= _SERVER_ERROR:
            return "Server error", "Try again."
        return _SENTENCES.get(status, ("Request refused", ""))

    def _server_text(self, error: "APIStatusError") -> str:
        text = self._hide_secrets(find_message(error.response.text))
        if error.status_code in {_UNAUTHORIZED, _FORBIDDEN} and self._quotes_key(text):
            return ""
        return shorten(text)

    def _quotes_key(self, text: str) -> bool:
        key = self._api_key or ""
        starts = range(len(key) - _MIN_QUOTE_LENGTH + 1)
        return any(key[start : start + _MIN_QUOTE_LENGTH] in text for start in starts)

    def _key_problem(self) -> tuple[str, str]:
        if self._api_key:
            return "Invalid API key", f"Check {self._config.expected_key_name} in the environment."
        if self._config.base_url:  # OPENAI_API_KEY is sent to no server of the config
            return "API key required", "Set api_key_env in the config to the name of its environment variable."
        return "API key required", f"Set {self._config.expected_key_name} in the environment."
