"""docs/reference/environment.md has every environment variable that the code reads, and no other."""

import ast
import os
import re

from support.paths import DOCS, ROOT

from botchat.commands.help_topics import TOPICS

PAGE = (DOCS / "reference" / "environment.md").read_text(encoding="utf-8")
OF_LIBRARIES = {
    "OPENAI_CUSTOM_HEADERS": "openai",
    "OPENAI_ORG_ID": "openai",
    "OPENAI_PROJECT_ID": "openai",
    "NO_COLOR": "rich, textual",
    "XDG_CONFIG_HOME": "platformdirs",
    "XDG_DATA_HOME": "platformdirs",
}
"""Variables that matter to botchat and that only a library reads."""

OF_ANY_NAME = {"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"}
"""Variables that the code reads by the end of their name."""

VARIABLE = re.compile(r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+")
READ = re.compile(r"environ(?:ment)?(?:\.get\(|\[)\s*\"([A-Z]+)\"")


def documented():
    return set(re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE))


def exported_names(tree):
    """The strings in __all__, which are names of Python objects."""
    assignments = [node for node in tree.body if isinstance(node, ast.Assign)]
    lists = [each.value for each in assignments if getattr(each.targets[0], "id", "") == "__all__"]
    return {id(string) for each in lists for string in ast.walk(each)}


def variables_in(source):
    """The names of variables among the strings of a module."""
    tree = ast.parse(source)
    exported = exported_names(tree)
    strings = [node for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    names = {each.value for each in strings if id(each) not in exported and VARIABLE.fullmatch(each.value)}
    return {name for name in names if not hasattr(os, name)} | set(READ.findall(source))


def test_a_variable_is_found_and_a_name_of_an_object_is_not():
    source = '__all__ = ["MAX_FILES"]\nKEY = "A_KEY"\nx = environ.get("B_KEY"), environ["SHELL"], "SIZE", "O_RDONLY"'
    assert variables_in(source) == {"A_KEY", "B_KEY", "SHELL"}


def test_the_page_has_the_variables_that_the_code_reads_and_no_other():
    modules = [
        path for path in (ROOT / "botchat").rglob("*.py") if path.name != "help_topics.py"
    ]  # which only names them
    read = set().union(*(variables_in(path.read_text()) for path in modules))
    assert documented() - {*OF_LIBRARIES, *OF_ANY_NAME} == read


def test_the_page_has_the_variables_of_libraries():
    assert {*OF_LIBRARIES, *OF_ANY_NAME} <= documented()


def test_the_page_has_the_variables_of_the_help():
    [topic] = [topic for topic in TOPICS if topic.name == "environment"]
    assert set(topic.terms) <= documented()
