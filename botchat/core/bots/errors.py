"""What the errors of an OpenAI-compatible server mean to a person. Only it and `openai.py` import openai."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from botchat.core.bots.base_url import BotAddress, read_address
from botchat.core.bots.config import BotConfig
from botchat.core.bots.server_errors.context_length import refused_prompt
from botchat.core.bots.server_errors.message import said, shortened, words_in
from botchat.core.bots.server_errors.retry_delay import retry_after, spelled_out
from botchat.core.errors import BotError, ConfigError, PromptRefused
from botchat.core.urls import hide_secrets, secrets_in

if TYPE_CHECKING:
    from openai import APIStatusError

    from botchat.core.bots.http_client import Proxy

_UNAUTHORIZED, _FORBIDDEN, _NOT_FOUND, _SERVER_ERROR = 401, 403, 404, 500
_BUSY = {408, 409, 425, 429}
_NOT_NOW = ("The server couldn't take the request now", "Try again.")
_SENTENCES = {
    402: ("Payment required", "Check your account with the provider."),
    403: ("Access denied", "Check that the API key may use this model."),
    408: _NOT_NOW,
    409: _NOT_NOW,
    425: _NOT_NOW,
    429: ("Rate limit or quota exceeded", "Try again later."),
}

_ASKED = re.compile(r"(/(?:chat/completions|models|embeddings))\?[^\s\"'<>]*")

_SHORTEST_KEY = 8
"""Characters. What is shorter is the placeholder that a local server takes ("x", "ollama"), and a word like others."""

_SHORTEST_QUOTE = 4
"""Characters of a key that a server may quote when it refuses it: OpenAI shows its beginning and its last four."""


class BotErrors:
    """Explains the errors of one bot's server.

    Attributes:
        model: the one that is asked; None until it is known which.
        proxy: that the server is asked through.
    """

    def __init__(self, bot_id: str, config: BotConfig, *, base_url: str, api_key: str | None) -> None:
        self.model = config.model
        self.proxy: Proxy | None = None
        self._bot_id = bot_id
        self._config = config
        self._base_url = base_url
        self._url = read_address(base_url).shown
        self._api_key = api_key

    def checked(self, address: BotAddress) -> BotAddress:
        """Return an address that can be connected to.

        Raises:
            ConfigError: it can't.
        """
        from botchat.core.bots.http_client import is_valid

        if is_valid(self._base_url):
            return address
        raise ConfigError(
            f"The base_url of the bot {self._bot_id!r} isn't a valid URL. Use http://HOST:PORT/v1 or https://HOST/v1, "
            "and percent-encode special characters in a user name or password."
        )

    @contextmanager
    def making_client(self) -> Iterator[None]:
        """Raise as BotError also what only a setting of the environment makes the client raise when it is made."""
        try:
            yield
        except (LookupError, ValueError) as error:
            raise BotError(self._no_request) from error

    @contextmanager
    def translated(self) -> Iterator[None]:
        """Raise what the client raises as BotError: one sentence that says what to do, never with a secret in it."""
        try:
            yield
        except BotError as error:
            error.args = (self._hidden(str(error)),)
            raise
        except TimeoutError as error:
            raise BotError(self._silent) from error
        except Exception as error:
            meaning = self._meaning(error)
            if meaning is None:
                raise
            sentence = self._hidden(meaning)
            raise self._refused_prompt(error, sentence) or BotError(sentence) from error

    def reason(self, body: object) -> str:
        """Return a server's explanation in the body of an error, cut where it is long."""
        return shortened(self._hidden(said(body)))  # hidden before it is cut: half a key is still a secret

    def _refused_prompt(self, error: Exception, sentence: str) -> PromptRefused | None:
        body = getattr(error, "body", None)
        return refused_prompt(body, self.reason(body), sentence, getattr(error, "status_code", None))

    @property
    def _silent(self) -> str:
        return f"{self._url} didn't respond within {self._config.timeout:g} s. Try again."

    @property
    def _no_request(self) -> str:
        return (
            f"Can't send a request to {self._url}: its address or a header isn't valid. Check base_url, and in the "
            "environment OPENAI_ORG_ID, OPENAI_PROJECT_ID and OPENAI_CUSTOM_HEADERS."
        )

    def _hidden(self, text: str) -> str:
        secrets = secrets_in(self._base_url)
        if self.proxy is not None:
            secrets |= secrets_in(self.proxy.url)
        if self._api_key is not None and len(self._api_key) >= _SHORTEST_KEY:
            secrets.add(self._api_key)
        if "?" in self._base_url:  # its query, in a page that quotes what was asked for
            text = _ASKED.sub(r"\1?***", text)
        return hide_secrets(text, secrets)

    def _meaning(self, error: Exception) -> str | None:
        """Return the sentence for an error; None for one that only a mistake of this program raises."""
        from httpx2 import RequestError
        from openai import APIConnectionError, APIStatusError

        cause = (error.__cause__ or error) if isinstance(error, APIConnectionError) else error
        if isinstance(cause, APIStatusError):
            return self._redirect(cause) or self._meaning_of_status(cause)
        if isinstance(cause, RequestError):
            return self._lost(cause)
        return self._unsendable(cause)

    def _unsendable(self, error: BaseException) -> str | None:
        """Return the sentence for what making the client, or a request of it, raises before anything is sent."""
        from httpx2 import InvalidURL
        from openai import OpenAIError

        match error:
            case ConfigError():
                return str(error)
            case InvalidURL() | UnicodeError():
                return self._no_request
            case json.JSONDecodeError():
                return "The bot's server sent invalid JSON, so its reply ends there."
            case OpenAIError():
                return f"The bot's server reported an error: {self.reason(getattr(error, 'body', None) or str(error))}."
            case ImportError() | OSError():
                why = shortened(self._hidden(f"{type(error).__name__}: {error}"))
                return f"Can't make a connection to {self._url} ({why}). Check the environment."
            case _:
                return None

    def _lost(self, error: Any) -> str:
        from httpx2 import ConnectError, ConnectTimeout, LocalProtocolError, TimeoutException, TooManyRedirects

        from botchat.core.bots.http_client import certificate_problem, proxy_problem

        why = shortened(self._hidden(str(error) or type(error).__name__))
        if problem := proxy_problem(error, self.proxy, self._url) or certificate_problem(error, self._url):
            return problem
        match error:
            case ConnectError() | ConnectTimeout():
                return f"Can't reach {self._url} ({why}). Check that the server is running and the URL is correct."
            case TimeoutException():
                return self._silent
            case LocalProtocolError():  # its words quote the header
                return self._no_request
            case TooManyRedirects():
                return f"{self._url} redirects too many times. Check base_url of the bot {self._bot_id!r}."
            case _:
                return f"Connection to {self._url} lost ({why}). Try again."

    def _redirect(self, error: "APIStatusError") -> str | None:
        """Return the sentence for a request that a redirect spoiled: a POST became a GET, or the key stayed behind."""
        history = error.response.history
        if not history:
            return None
        asked, arrived = history[0].request, error.response.request
        if asked.method == arrived.method and asked.url.host == arrived.url.host:
            return None
        url = str(arrived.url).partition("?")[0]
        target = read_address(url).shown
        return f"{self._url} redirects to {target} (HTTP {error.status_code}). Set base_url to the new address."

    def _meaning_of_status(self, error: "APIStatusError") -> str:
        status, words = error.status_code, self._words(error)
        what, advice = self._what_and_advice(status)
        seconds = retry_after(error.response.headers, error.body)
        if seconds and (status in _BUSY or status >= _SERVER_ERROR):
            advice = f"Try again in {spelled_out(seconds)}."
        told = f"HTTP {status}: {words}" if words else f"HTTP {status}"
        return f"{what} ({told}). {advice}".rstrip()

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

    def _words(self, error: "APIStatusError") -> str:
        words = self._hidden(words_in(error.response.text))
        if error.status_code in {_UNAUTHORIZED, _FORBIDDEN} and self._quotes_key(words):
            return ""
        return shortened(words)

    def _quotes_key(self, words: str) -> bool:
        key = self._api_key or ""
        places = range(len(key) - _SHORTEST_QUOTE + 1)
        return any(key[place : place + _SHORTEST_QUOTE] in words for place in places)

    def _key_problem(self) -> tuple[str, str]:
        if self._api_key:
            return "Invalid API key", f"Check {self._config.key_to_set} in the environment."
        if self._config.base_url:  # OPENAI_API_KEY goes to no server of the config
            return "API key required", "Set api_key_env in the config to the name of its environment variable."
        return "API key required", f"Set {self._config.key_to_set} in the environment."
