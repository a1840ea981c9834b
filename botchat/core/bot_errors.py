"""What the errors of an OpenAI-compatible server mean to a person. Only it and `bots.py` import openai."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

from botchat.core.bot_config import BotConfig
from botchat.core.errors import BotError, PromptRefused
from botchat.core.stream import said
from botchat.core.too_long import refused_prompt

_REASON_LENGTH = 300

_SHORTEST_KEY = 8
"""Characters. What is shorter is the placeholder that a local server takes ("x", "ollama"), and a word like others."""


class BotErrors:
    """Tells the errors of one bot's server.

    Attributes:
        model: the one that is asked; None until it is known which.
    """

    def __init__(self, bot_id: str, config: BotConfig, *, url: str, api_key: str | None) -> None:
        self.model = config.model
        self._bot_id = bot_id
        self._config = config
        self._url = url
        self._api_key = api_key

    @contextmanager
    def translated(self) -> Iterator[None]:
        """Raise what the client raises as BotError: one sentence that says what to do, never with the key in it."""
        try:
            yield
        except BotError as error:
            error.args = (self._without_key(str(error)),)
            raise
        except TimeoutError as error:
            raise BotError(self._silent) from error
        except (json.JSONDecodeError, UnicodeDecodeError) as error:
            raise BotError("The bot's server sent a piece that is no JSON, and its reply ends there.") from error
        except OSError as error:  # only making the client raises it bare: it reads the certificates
            raise BotError(
                f"The bot's server can't be asked: {error}. Check SSL_CERT_FILE and SSL_CERT_DIR in the environment."
            ) from error
        except Exception as error:
            from httpx2 import InvalidURL, RequestError
            from openai import OpenAIError

            if not isinstance(error, OpenAIError | RequestError | InvalidURL):
                raise
            sentence = self._without_key(self._meaning(error))
            raise self._refused_prompt(error, sentence) or BotError(sentence) from error

    def reason(self, body: object) -> str:
        """Return what a server says of itself in the body of an error, cut where it is long."""
        reason = self._without_key(said(body))  # before it is cut: half a key is still a secret
        return reason if len(reason) <= _REASON_LENGTH else reason[:_REASON_LENGTH] + " …"

    def _refused_prompt(self, error: Exception, sentence: str) -> PromptRefused | None:
        body = getattr(error, "body", None)
        return refused_prompt(body, self.reason(body), sentence, getattr(error, "status_code", None))

    @property
    def _silent(self) -> str:
        return f"The bot's server at {self._url} gave no sign of life for {self._config.timeout:g} s. Try again."

    def _without_key(self, text: str) -> str:
        is_secret = self._api_key is not None and len(self._api_key) >= _SHORTEST_KEY
        return text.replace(str(self._api_key), "***") if is_secret else text

    def _meaning(self, error: Exception) -> str:
        from httpx2 import ConnectError, ConnectTimeout, InvalidURL, RequestError, TimeoutException
        from openai import APIConnectionError, APIStatusError

        if isinstance(error, APIStatusError):
            return self._meaning_of_status(error.status_code, self.reason(error.body))
        cause = (error.__cause__ or error) if isinstance(error, APIConnectionError) else error
        why = str(cause) or type(cause).__name__
        match cause:
            case InvalidURL():
                return f"The base_url {self._url!r} of the bot {self._bot_id!r} is no address: {why}"
            case ConnectError() | ConnectTimeout():
                return f"The bot's server at {self._url} can't be reached ({why}). Is it up, is the URL right?"
            case TimeoutException():
                return self._silent
            case RequestError():
                return f"The connection to the bot's server at {self._url} broke off ({why}). Try again."
            case _:
                return f"The bot's server reported an error: {error}"

    def _wish_for_key(self) -> str:
        if self._api_key:
            return f"does not take the key: check {self._config.key_to_set} in the environment"
        if self._config.base_url:  # OPENAI_API_KEY goes to no server of the config
            return "wants a key: name its environment variable as api_key_env in the config"
        return f"wants a key: set {self._config.key_to_set} in the environment"

    def _meaning_of_status(self, status: int, reason: str) -> str:
        match status:
            case 401:  # what the server says of it may quote the key
                return f"The bot's server at {self._url} {self._wish_for_key()}."
            case 404:
                what = f"model {self.model!r}, or no chat there" if self.model else "list of models"
                return f"{self._url} has no {what}: check the model, and that base_url ends in /v1 ({reason})."
            case 429:
                return f"The bot's server asks to slow down, or the account is used up ({reason}). Try again later."
            case _ if status >= 500:  # noqa: PLR2004
                return f"The bot's server has a problem of its own (HTTP {status}: {reason}). Try again."
            case _:
                return f"The bot's server refused (HTTP {status}: {reason})."
