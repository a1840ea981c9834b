"""The types of a JSON Schema in words, for the pages about the configuration file and the API."""

from collections.abc import Callable
from typing import Any

from markup import code

_NAMES = {"boolean": "true or false", "object": "object", "null": "null"}


def type_in_words(schema: dict[str, Any], named: Callable[[str], str] = code) -> str:
    """Return the type of a value: "positive integer", "list of strings", "`a` or `b`".

    Args:
        schema: of the value.
        named: returns the words for a schema that is referred to by name.
    """
    if reference := schema.get("$ref"):
        return named(reference.rpartition("/")[2])
    if choices := schema.get("anyOf"):
        return _either([type_in_words(each, named) for each in choices])
    if values := schema.get("enum", [schema["const"]] if "const" in schema else []):
        return _either([code(f'"{value}"') for value in values])
    if schema.get("type") == "array":
        return _list_in_words(schema, named)
    return _scalar_in_words(schema, schema.get("type"))


def _scalar_in_words(schema: dict[str, Any], kind: Any) -> str:
    if isinstance(kind, list):
        return _either(kind)
    if kind in {"integer", "number"}:
        return _number_in_words(schema, kind)
    if kind == "string":
        return _text_in_words(schema)
    return _NAMES.get(str(kind), "any value")


def _either(words: list[str]) -> str:
    return " or ".join(filter(None, [", ".join(words[:-1]), words[-1]]))


def _list_in_words(schema: dict[str, Any], named: Callable[[str], str]) -> str:
    if pair := schema.get("prefixItems"):
        return f"list of {len(pair)} strings"
    inner = type_in_words(schema.get("items", {}), named)
    most = f", up to {schema['maxItems']}" if "maxItems" in schema else ""
    return f"list of {inner}{'s' if inner in {'string', 'network'} else ''}{most}"


def _number_in_words(schema: dict[str, Any], kind: str) -> str:
    if schema.get("exclusiveMinimum") == 0:
        return f"positive {kind}"
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is not None and high is not None:
        return f"{kind}, {low:,} to {high:,}"
    return f"{kind}, {low:,} or more" if low is not None else kind


def _text_in_words(schema: dict[str, Any]) -> str:
    kind = {"date-time": "time", "ipvanynetwork": "network", "binary": "bytes"}.get(schema.get("format", ""), "string")
    return f"{kind}, up to {schema['maxLength']:,} characters" if "maxLength" in schema else kind
