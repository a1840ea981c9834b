"""`botchat config schema`: what it accepts is what the docs and the first file show, and what it refuses is wrong."""

import json
import re
import tomllib

import jsonschema
import pytest
from support.paths import DOCS, ROOT

from botchat.commands.config import _TEMPLATE
from botchat.commands.support.config_schema import config_schema
from botchat.core.errors import ConfigError
from botchat.settings import Settings, load_settings

TOML = re.compile(r"^( *)```toml\n(.*?)^ *```", re.MULTILINE | re.DOTALL)


def every_setting() -> str:
    """The first file with every setting taken."""
    lines = _TEMPLATE.splitlines()
    return "\n".join(line if line.startswith("# ") else line.removeprefix("#") for line in lines)


EXAMPLES = [
    pytest.param(text.replace(f"\n{indent}", "\n"), id=f"{page.name}-{number}")
    for page in sorted([ROOT / "README.md", *DOCS.rglob("*.md")])
    for number, (indent, text) in enumerate(TOML.findall(page.read_text(encoding="utf-8")), 1)
]


@pytest.fixture(scope="module")
def schema():
    return config_schema()


@pytest.fixture(scope="module")
def validator(schema):
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def test_the_command_prints_it(local_shell, schema):
    printed = json.loads(local_shell.run("config", "schema").stdout)
    assert printed == schema
    assert printed["$schema"] == "https://json-schema.org/draft/2020-12/schema"


def test_every_key_has_a_description_and_no_default_that_is_not_so(schema):
    bare = [
        f"{name}.{key}"
        for name, table in {"": schema, **schema["$defs"]}.items()
        for key, each in table["properties"].items()
        if "description" not in each
    ]
    assert bare == []
    assert set(schema["properties"]) == set(Settings.model_fields)
    assert schema["$defs"]["ApiSettings"]["properties"]["audit_retention"]["default"] == "365d"


@pytest.mark.parametrize(
    "text", [*EXAMPLES, pytest.param(_TEMPLATE, id="init"), pytest.param(every_setting(), id="all")]
)
def test_it_accepts_every_example_of_the_docs(validator, text):
    validator.validate(tomllib.loads(text))


@pytest.mark.parametrize(
    "text",
    [
        "stor = 'x'",
        "port = 70000",
        "[bots.a]\nmodle = 'x'",
        "[bots.a]\ncontext_window = 0",
        "[bots.a]\ncontext = 'all'",
        "[bots.a]\nthink_tags = 'some'",
        "[[retention]]\naction = 'delete'",
        "[[retention]]\nolder_than = 'long'\naction = 'delete'",
        "[web]\nsign_in = 'oicd'",
        "[web.oidc]\nprovider = 'https://id.example.org'",
        "[limits]\nheader_seconds = -1",
        "[tui.keys]\nnew = ''",
    ],
)
def test_it_refuses_what_botchat_refuses(validator, tmp_path, text):
    (tmp_path / "config.toml").write_text(text)
    with pytest.raises(ConfigError):
        load_settings({"BOTCHAT_CONFIG": str(tmp_path / "config.toml")})
    assert not validator.is_valid(tomllib.loads(text))
