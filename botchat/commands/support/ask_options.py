"""The options of `botchat ask` as data: parameters, attachments, a JSON Schema and a server without a config."""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from botchat.core.errors import BotError, InvalidInput
from botchat.core.models import MAX_FILE_BYTES, File, check_params, read_file

if TYPE_CHECKING:
    from botchat.settings import Settings

SERVER_BOT = "server"
"""The ID of the bot that `--server` defines."""

SERVER_KEY = "BOTCHAT_SERVER_KEY"
"""The environment variable with the API key of `--server`."""

_HTTP = ("http://", "https://")


def parse_params(options: Sequence[str]) -> dict[str, Any]:
    """Return the parameters of `key=value` options; a value that isn't JSON is text, null leaves a parameter out.

    Raises:
        InvalidInput: an option isn't of that form, or botchat sets the parameter itself.
    """
    params: dict[str, Any] = {}
    for option in options:
        key, equals, text = option.partition("=")
        if not (key.strip() and equals):
            raise InvalidInput(f"Invalid option {option!r}. Use --option key=value, such as temperature=0.2.")
        try:
            params[key.strip()] = json.loads(text)
        except ValueError:
            params[key.strip()] = text
    check_params(params)
    return params


def read_attachment(source: str) -> File:
    """Return the attachment at a path or a web address.

    Raises:
        InvalidInput: it can't be read, or its type is unsupported.
        BotchatError: the address can't be reached.
    """
    if source.startswith(_HTTP):
        return read_file(source.partition("?")[0].partition("#")[0], _download(source))
    path = Path(source).expanduser()
    try:
        with path.open("rb") as file:
            data = file.read(MAX_FILE_BYTES + 1)
    except (OSError, ValueError) as error:
        raise InvalidInput(f"Can't read {source}: {getattr(error, 'strerror', None) or error}.") from error
    return read_file(path.name, data)


def load_schema(source: str) -> dict[str, Any]:
    """Return a JSON Schema, given as JSON or as the path of a file.

    Raises:
        InvalidInput: the file can't be read, or its content isn't a JSON Schema.
    """
    from jsonschema import SchemaError  # type: ignore[import-untyped]
    from jsonschema.validators import validator_for  # type: ignore[import-untyped]

    text = source
    if not source.lstrip().startswith("{"):
        try:
            text = Path(source).expanduser().read_text(encoding="utf-8")
        except (OSError, ValueError) as error:
            raise InvalidInput(
                f"Can't read the schema {source}: {getattr(error, 'strerror', None) or error}."
            ) from error
    try:
        schema = json.loads(text)
        if not isinstance(schema, dict):
            raise InvalidInput("A JSON Schema must be a JSON object.")
        validator_for(schema).check_schema(schema)
    except (ValueError, RecursionError) as error:
        raise InvalidInput(f"The schema isn't valid JSON: {error}.") from error
    except SchemaError as error:
        raise InvalidInput(f"The schema isn't a valid JSON Schema: {error.message}.") from error
    return schema


def response_format(schema: dict[str, Any] | None) -> dict[str, Any]:
    """Return the parameters that request a reply of this schema; {} without one."""
    if schema is None:
        return {}
    own_format = {"type": "json_schema", "json_schema": {"name": "reply", "strict": True, "schema": schema}}
    return {"response_format": own_format}


def check_reply(text: str, schema: dict[str, Any]) -> None:
    """Check that a reply is JSON of a schema.

    Raises:
        BotError: it isn't.
    """
    from jsonschema import ValidationError
    from jsonschema.validators import validator_for

    try:
        validator_for(schema)(schema).validate(json.loads(text))
    except (ValueError, RecursionError) as error:
        raise BotError(f"The reply isn't valid JSON, so it doesn't match the schema: {error}.") from error
    except ValidationError as error:
        raise BotError(f"The reply doesn't match the schema at {error.json_path}: {error.message}.") from error


def with_server(settings: "Settings", url: str) -> "Settings":
    """Return the settings with one more bot, on the OpenAI-compatible server at this URL.

    Raises:
        InvalidInput: it isn't a URL.
    """
    from botchat.core.bots import BotConfig

    if not url.startswith(_HTTP):
        raise InvalidInput("--server needs a URL, such as http://127.0.0.1:8080/v1.")
    key_name = SERVER_KEY if os.environ.get(SERVER_KEY) else None
    bot = BotConfig(base_url=url, api_key_env=key_name, images=True)
    return settings.model_copy(update={"bots": {**settings.bots, SERVER_BOT: bot}})


def _download(url: str) -> bytes:
    import asyncio

    from botchat.core.bots.http_client import get_bytes

    return asyncio.run(get_bytes(url, max_bytes=MAX_FILE_BYTES))
