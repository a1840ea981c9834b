"""What the config file says of a bot."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar

from annotated_types import Gt

from botchat.core.bots.stream.tag_names import ThinkTags, wrong_tags
from botchat.core.models import ContextStrategy

OPENAI_URL = "https://api.openai.com/v1"
OPENAI_KEY = "OPENAI_API_KEY"


class _Tags:
    """Has the settings say in one sentence what `think_tags` takes."""

    def __get_pydantic_core_schema__(self, source: Any, handler: Callable[[Any], Any]) -> Any:
        from pydantic_core import PydanticCustomError, core_schema

        def check(value: Any) -> Any:
            if mistake := wrong_tags(value):
                raise PydanticCustomError("think_tags", "{mistake}", {"mistake": mistake})
            return value

        return core_schema.no_info_before_validator_function(check, handler(source))


@dataclass(kw_only=True, slots=True, frozen=True)
class BotConfig:
    """A bot of the config file, `[bots.NAME]`.

    Attributes:
        model: the server's name of it; None takes the first that the server lists.
        base_url: where the server is, mostly ending in /v1; None takes OPENAI_BASE_URL, then OpenAI.
        api_key_env: the name of the environment variable that holds the key; never the key itself.
        system: what it is told before every conversation.
        context_window: tokens that it can take in; None if unknown: its server tells when a prompt was too long.
        context: what becomes of messages that do not fit: "window" leaves them out, "summary" lets the bot sum them up,
            with "none" all are sent, whatever its server says to that.
        think_tags: how reasoning in its content is marked: "auto" knows `<think>` and the tags of other models, with
            "open" only the closing `</think>` is sent, with "off" nothing is read as reasoning; or its own opening and
            closing tag.
        send_reasoning: show it its own earlier reasoning.
        images: it can be shown images; text files every bot can.
        embedding_model: what its server places texts with, by which a change of topic is told; None tells it by words.
        include_usage: ask it for the tokens it used.
        timeout: seconds without a sign of life after which it counts as gone.
        params: sent with every request as they are: temperature, max_tokens, top_p and the server's own.
    """

    # The settings read this class with pydantic: a misspelt name in the file is an error, not ignored.
    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid"}

    model: str | None = None
    base_url: str | None = None
    api_key_env: str | None = None
    system: str = ""
    context_window: Annotated[int, Gt(0)] | None = None
    context: ContextStrategy = "window"
    think_tags: Annotated[ThinkTags, _Tags()] = "auto"
    send_reasoning: bool = False
    images: bool = False
    embedding_model: str | None = None
    include_usage: bool = True
    timeout: Annotated[float, Gt(0)] = 60
    params: dict[str, Any] = field(default_factory=dict)

    @property
    def answer_tokens(self) -> int:
        """Tokens that its answer may take, as its params say; 0 where they do not."""
        limits = (self.params.get(name) for name in ("max_completion_tokens", "max_tokens"))
        return next((limit for limit in limits if isinstance(limit, int) and limit > 0), 0)

    @property
    def key_to_set(self) -> str:
        """The variable to set where its server wants a key."""
        return self.api_key_env or OPENAI_KEY

    @property
    def key_name(self) -> str | None:
        """The variable that its key is taken from; None if it is sent no key.

        OPENAI_API_KEY goes to OPENAI_BASE_URL and to OpenAI alone, never to a server of the config.
        """
        is_openai = self.base_url is None or self.base_url.rstrip("/") == OPENAI_URL
        return self.api_key_env or (OPENAI_KEY if is_openai else None)
