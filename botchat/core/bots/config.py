"""The settings of a bot in the config file."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Literal

from annotated_types import Gt, MinLen

from botchat.core.bots.stream.tag_names import ThinkTags, think_tags_error
from botchat.core.models import ContextStrategy

OPENAI_URL = "https://api.openai.com/v1"
OPENAI_KEY = "OPENAI_API_KEY"


class _ThinkTagsValidator:
    """Validates `think_tags` with one sentence as its error message."""

    def __get_pydantic_core_schema__(self, source: Any, handler: Callable[[Any], Any]) -> Any:
        from pydantic_core import PydanticCustomError, core_schema

        def check(value: Any) -> Any:
            if error := think_tags_error(value):
                raise PydanticCustomError("think_tags", "{mistake}", {"mistake": error})
            return value

        return core_schema.no_info_before_validator_function(check, handler(source))


@dataclass(kw_only=True, slots=True, frozen=True)
class BotConfig:
    """A bot in the config file, `[bots.NAME]`.

    Attributes:
        model: the server's ID of the model; by default the first one that the server lists.
        models: the models that a session may choose instead: IDs, or [] for none; by default all of the server's.
        base_url: URL of the server, mostly ending in /v1; by default OPENAI_BASE_URL, or else OpenAI.
        api_key_env: name of the environment variable with the API key; never the key itself.
        api_key_store: where the API key is that was entered on the page, for this base_url: in the operating system's
            "keyring", or in an encrypted "file" in the data folder.
        system: the system prompt, sent before every conversation.
        context_window: tokens that the model accepts; if unset, the server refuses a prompt that is too long.
        context: handling of messages that don't fit: "window" leaves them out, "summary" has the bot summarize them,
            "none" sends all of them, whether or not the server accepts that.
        think_tags: how reasoning in the content is marked: "auto" knows `<think>` and the tags of other models, with
            "open" only the closing `</think>` is sent, with "off" nothing is reasoning; or a pair of an opening and a
            closing tag.
        send_reasoning: send the model its own earlier reasoning.
        images: the model accepts images; every bot accepts text files.
        embedding_model: the server's model for embeddings, used to detect changes of topic; default: compare words.
        include_usage: request token usage.
        timeout: seconds without any data from the server until the request fails.
        users: the users who may use the bot, and groups as `@NAME`; by default everyone.
        params: sent unchanged with every request: temperature, max_tokens, top_p and server-specific ones.
    """

    # The settings validate this class with pydantic: an unknown name in the file is an error.
    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid"}

    model: str | None = None
    models: list[Annotated[str, MinLen(1)]] | None = None
    base_url: str | None = None
    api_key_env: str | None = None
    api_key_store: Literal["keyring", "file"] | None = None
    system: str = ""
    context_window: Annotated[int, Gt(0)] | None = None
    context: ContextStrategy = "window"
    think_tags: Annotated[ThinkTags, _ThinkTagsValidator()] = "auto"
    send_reasoning: bool = False
    images: bool = False
    embedding_model: str | None = None
    include_usage: bool = True
    timeout: Annotated[float, Gt(0)] = 60
    params: dict[str, Any] = field(default_factory=dict)
    users: tuple[Annotated[str, MinLen(1)], ...] | None = None

    @property
    def answer_tokens(self) -> int:
        """The limit of output tokens in params; 0 if there is none."""
        limits = (self.params.get(name) for name in ("max_completion_tokens", "max_tokens"))
        return next((limit for limit in limits if isinstance(limit, int) and limit > 0), 0)

    @property
    def expected_key_name(self) -> str:
        """The environment variable to set if the server requires an API key."""
        return self.api_key_env or OPENAI_KEY

    @property
    def key_name(self) -> str | None:
        """The environment variable with the API key; None if no key is sent.

        OPENAI_API_KEY is sent only to OPENAI_BASE_URL and to OpenAI, never to a server from the config file.
        """
        is_openai = self.base_url is None or self.base_url.rstrip("/") == OPENAI_URL
        return self.api_key_env or (OPENAI_KEY if is_openai and not self.api_key_store else None)
