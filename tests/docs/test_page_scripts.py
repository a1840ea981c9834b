"""The parts of the generators of docs/reference: types in words, Markdown, tables of the config file."""

import sys

import pytest
from support.paths import DOCS


@pytest.fixture(scope="module", autouse=True)
def scripts():
    sys.path.insert(0, str(DOCS / "scripts"))
    yield
    sys.path.remove(str(DOCS / "scripts"))


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"type": "boolean"}, "true or false"),
        ({"type": "integer", "exclusiveMinimum": 0}, "positive integer"),
        ({"type": "integer", "minimum": 1, "maximum": 500}, "integer, 1 to 500"),
        ({"type": "string", "maxLength": 10_000}, "string, up to 10,000 characters"),
        ({"type": "string", "format": "date-time"}, "time"),
        ({"enum": ["a", "b", "c"]}, '`"a"`, `"b"` or `"c"`'),
        ({"const": "a"}, '`"a"`'),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, "string or null"),
        ({"type": ["string", "null"]}, "string or null"),
        ({"type": "array", "items": {"type": "string"}, "maxItems": 20}, "list of strings, up to 20"),
        ({"type": "array", "prefixItems": [{}, {}]}, "list of 2 strings"),
        ({"type": "array", "items": {"$ref": "#/x/File"}}, "list of `File`"),
        ({}, "any value"),
    ],
)
def test_a_type_is_told_in_words(schema, words):
    from schema_types import type_in_words

    assert type_in_words(schema) == words


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Only the IDs, as -F ids.", "Only the IDs, as `-F` ids."),
        ("--fields A,B selects columns.", "`--fields A,B` selects columns."),
        ("mongodb://HOST/NAME, file:PATH, BOTCHAT_STORE", "`mongodb://HOST/NAME`, `file:PATH`, `BOTCHAT_STORE`"),
        ("As `--user`, well-known; see config.toml.", "As `--user`, well-known; see `config.toml`."),
    ],
)
def test_what_is_plain_text_in_a_terminal_is_code_on_a_page(text, shown):
    from markup import with_code

    assert with_code(text) == shown


def test_a_cell_of_a_table_is_one_line_without_bars():
    from markup import table

    assert table(("a", "b"), [("x | y", "two\nlines")]) == "| a | b |\n|---|---|\n| x \\| y | two lines |"
    assert table(("a", "b"), []) == ""


def test_a_value_of_the_config_file_is_written_as_toml():
    from config_page import _toml

    assert [_toml(each) for each in (None, True, 60.0, ["a"], {"x": 0.7}, 'a"')] == [
        "",
        "`true`",
        "`60`",
        '`["a"]`',
        "`{ x = 0.7 }`",
        '`"a\\""`',
    ]


def test_the_page_of_the_config_has_each_table_once():
    from config_page import pages

    headings = [line for line in pages()["config.md"].splitlines() if line.startswith("## `")]
    tables = ["bots.NAME", "[retention]", "tui", "imports", "api", "web", "web.oidc", "web.imports", "limits"]
    assert headings == [f"## `[{each}]`" for each in tables]


def test_an_option_is_common_if_several_commands_have_it_with_the_same_meaning():
    from cli_pages import common_options
    from typer.main import get_command

    from botchat.cli import app

    sessions = get_command(app).commands["sessions"].commands.values()
    assert "--store" in common_options(sessions)
    assert common_options([next(iter(sessions))]) == {}
