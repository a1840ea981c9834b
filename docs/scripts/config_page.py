"""The page about the configuration file, from the JSON Schema of the settings and the file of `botchat config init`."""

import json
import tomllib
from collections.abc import Iterator
from typing import Any, NamedTuple

from markup import code, page, table
from schema_types import type_in_words

from botchat.commands.config import _TEMPLATE
from botchat.commands.support.config_schema import config_schema

_INTRODUCTION = """\
Every key of `config.toml`: its type, its default, an example and what it does. No configuration is required.

| Command | Purpose |
|---|---|
| `botchat config path` | Print the path of the file. |
| `botchat config init` | Create a file in which every key is explained and commented out. |
| `botchat config validate` | Check the file. |
| `botchat config show` | Show each value and where it comes from. |

The file is `~/.config/botchat/config.toml` on Linux, `~/Library/Application Support/botchat/config.toml` on macOS, or
the path in `BOTCHAT_CONFIG`. Precedence: a command's option, then an [environment variable](environment.md), then the
file, then the default. An unknown key is an error."""

_EDITORS = """\
`botchat config schema` prints a [JSON Schema](https://json-schema.org/draft/2020-12) of the file. With it, an editor
completes keys, shows their descriptions and marks mistakes as you type:

```sh
botchat config schema > "$(dirname "$(botchat config path)")/config.schema.json"
```

Editors with [Taplo](https://taplo.tamasfe.dev) (VS Code's *Even Better TOML*, Neovim, Helix, Zed) read it if this is
the first line of `config.toml`:

```toml
#:schema ./config.schema.json
```

Run the command again after you update botchat. A schema describes only the form of the file. `botchat config validate`
also checks URLs and the names of keys, actions, themes and bots. `botchat doctor` also checks the secrets in the
environment."""


class _Table(NamedTuple):
    """A table of the file: its heading, its schema, and values from the example file."""

    heading: str
    schema: dict[str, Any]
    examples: dict[str, Any]


def pages() -> dict[str, str]:
    """Return the text of the page by its path below docs/reference/."""
    schema = config_schema()
    examples = tomllib.loads(every_setting(_TEMPLATE))
    parts: list[str] = []
    for each in _tables(schema, examples, schema["$defs"], ""):
        description = str(each.schema.get("description", "")) if each.heading else ""
        parts += [
            f"## {code(each.heading) if each.heading else 'Top level'}",
            description,
            _keys(each, schema["$defs"]),
        ]
    return {"config.md": page("Configuration file", _INTRODUCTION, *parts, "## Complete keys in your editor", _EDITORS)}


def every_setting(template: str) -> str:
    """Return the example file with every setting uncommented."""
    lines = template.splitlines()
    return "\n".join(line if line.startswith("# ") else line.removeprefix("#") for line in lines)


def _description(each: _Table) -> str:
    """Return what a table is for, without the words that its heading says."""
    text = str(each.schema["description"])
    words = text.partition(": ")[2] if each.heading in text.partition(": ")[0] else text
    return words[:1].upper() + words[1:]


def _tables(
    schema: dict[str, Any], examples: dict[str, Any], definitions: dict[str, Any], path: str
) -> Iterator[_Table]:
    heading = f"[{path}]" if path else ""
    yield _Table(heading, schema, examples)
    for name, value in schema["properties"].items():
        found = _reference(value)
        if found is None:
            continue
        kind, definition = found
        inner = examples.get(name, {})
        place = f"{path}.{name}" if path else name
        if kind == "list":
            yield _Table(f"[[{place}]]", definitions[definition], inner[0] if inner else {})
        elif kind == "map":
            yield _Table(f"[{place}.NAME]", definitions[definition], next(iter(inner.values()), {}))
        else:
            yield from _tables(definitions[definition], inner, definitions, place)


def _reference(value: dict[str, Any]) -> tuple[str, str] | None:
    """Return how a key holds a table, and the name of the table's schema; None if it holds a plain value."""
    for kind, inner in (("list", value.get("items")), ("map", value.get("additionalProperties"))):
        if isinstance(inner, dict) and "$ref" in inner:
            return kind, inner["$ref"].rpartition("/")[2]
    for each in (value, *value.get("anyOf", ())):
        if "$ref" in each:
            return "table", each["$ref"].rpartition("/")[2]
    return None


def _keys(each: _Table, definitions: dict[str, Any]) -> str:
    rows = []
    required = each.schema.get("required", ())
    for name, value in each.schema["properties"].items():
        found = _reference(value)
        if found and found[1] in definitions:
            continue
        default = "required" if name in required else _toml(value.get("default"))
        rows.append((code(name), _type(value), default, _toml(each.examples.get(name)), value["description"]))
    return table(("Key", "Type", "Default", "Example", "Description"), rows)


def _type(value: dict[str, Any]) -> str:
    choices = [each for each in value.get("anyOf", ()) if each != {"type": "null"}]
    words = type_in_words(value if not choices else {"anyOf": choices})
    return "duration" if "pattern" in value and "90d" in value.get("examples", ()) else words.replace("object", "table")


def _toml(value: Any) -> str:
    """Return a value as TOML, "" for none."""
    return "" if value is None else code(_literal(value))


def _literal(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{name} = {_literal(inner)}" for name, inner in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(_literal, value)) + "]"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return json.dumps(value, ensure_ascii=False)
