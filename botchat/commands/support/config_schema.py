"""The JSON Schema (draft 2020-12) of the config file, generated from the models in `botchat.settings`."""

import inspect
import re
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel, TypeAdapter

from botchat.core.bots import BotConfig
from botchat.core.models.import_limits import ImportLimits, UploadLimits
from botchat.settings import (
    ApiSettings,
    LimitSettings,
    OidcSettings,
    RetentionRule,
    Settings,
    TuiSettings,
    WebSettings,
)

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_MODELS: tuple[type, ...] = (
    Settings,
    BotConfig,
    RetentionRule,
    TuiSettings,
    ApiSettings,
    LimitSettings,
    OidcSettings,
    WebSettings,
    ImportLimits,
    UploadLimits,
)
_ATTRIBUTE = re.compile(r"^    (\w+): (.+?)(?=^    \w+: |\Z)", re.MULTILINE | re.DOTALL)


def config_schema() -> dict[str, Any]:
    """Return the schema. The description of a key is that in the section Attributes of its model's docstring.

    It doesn't cover names of keys and themes, names of bots, and addresses; `botchat config validate` checks those.
    """
    schema = Settings.model_json_schema()
    definitions = schema.get("$defs", {})
    for model in _MODELS:
        _describe(schema if model is Settings else definitions[model.__name__], model)
    schema["properties"]["user"].pop("default")  # the login name
    return {"$schema": _DIALECT, **schema, "title": "Configuration of botchat"}


def _describe(schema: dict[str, Any], model: type) -> None:
    schema["description"] = (inspect.getdoc(model) or "").partition("\n")[0]
    properties = schema["properties"]
    for each in properties.values():
        each.pop("title", None)
    for name, text in _attribute_descriptions(model):
        properties[name]["description"] = text
    if "required" not in schema:
        written = TypeAdapter(model).dump_python(model(), mode="json")
        for name in properties:
            if "default" in properties[name]:
                properties[name]["default"] = written[name]  # a duration as text


def _attribute_descriptions(model: type) -> Iterator[tuple[str, str]]:
    parents = [each for each in model.__mro__[1:] if each not in {BaseModel, object}]
    for each in (*reversed(parents), model):
        section = (inspect.getdoc(each) or "").partition("Attributes:\n")[2].partition("\n\n")[0]
        for name, text in _ATTRIBUTE.findall(section + "\n"):
            sentence = " ".join(text.split())
            yield name, sentence[0].upper() + sentence[1:]
