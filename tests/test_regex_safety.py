"""Every regular expression of botchat works on every Python that it promises to run on."""

import ast
import importlib
import pkgutil
import re
from pathlib import Path

import pytest

import botchat

SCRIPTS = {"botchat.__main__", "botchat.web.streamlit_app"}  # imported, they run
MODULES = sorted(
    module.name
    for module in pkgutil.walk_packages(botchat.__path__, "botchat.")
    if not module.ispkg and module.name not in SCRIPTS
)
FUNCTIONS = {name for name in re.__all__ if callable(getattr(re, name)) and name.islower()}


def wrong_before_3_11_5(pattern, flags=0):
    """Tell whether a pattern has a possessive quantifier or an atomic group.

    Python 3.11.0 to 3.11.4 match them wrongly around captures: https://github.com/python/cpython/issues/106052.
    """
    operations = re._constants
    return contains(re._parser.parse(pattern, flags), {operations.POSSESSIVE_REPEAT, operations.ATOMIC_GROUP})


def contains(parsed, operations):
    if isinstance(parsed, re._parser.SubPattern):
        return any(contains(item, operations) for item in parsed.data)
    if isinstance(parsed, (tuple, list)):
        return any(contains(item, operations) for item in parsed)
    return any(parsed is operation for operation in operations)  # a character code can equal an operation


def compiled(module):
    """The patterns that a module keeps."""
    return [value for value in vars(module).values() if isinstance(value, re.Pattern)]


def inline(module):
    """The patterns that a module writes into calls, such as re.sub("a+", …)."""
    calls = [node for node in ast.walk(ast.parse(Path(module.__file__).read_text())) if isinstance(node, ast.Call)]
    for call in calls:
        if (
            isinstance(call.func, ast.Attribute)
            and call.func.attr in FUNCTIONS
            and ast.unparse(call.func.value) == "re"
        ):
            yield from written_in(call.args[0])


def written_in(node):
    """The text of a literal, with x in place of every value that an f-string formats; nothing for other expressions."""
    if isinstance(node, ast.Constant):
        yield node.value
    if isinstance(node, ast.JoinedStr):
        yield "".join(part.value if isinstance(part, ast.Constant) else "x" for part in node.values)


@pytest.mark.parametrize("pattern", ["a*+b", "a++", "a?+", "a{2,3}+", "(?>ab)", "(?:(x|[yz]++))*", "(?=(?!(a)*+))"])
def test_a_possessive_quantifier_or_an_atomic_group_is_found(pattern):
    assert wrong_before_3_11_5(pattern)
    assert wrong_before_3_11_5(pattern.encode())


@pytest.mark.parametrize("pattern", [r"a*b+?", r"[*+][-*+]+", r"\++", r"a\*+", r"(?=(a+))\1", r"c\+\+"])
def test_what_only_looks_like_one_is_not(pattern):
    assert not wrong_before_3_11_5(pattern)


@pytest.mark.parametrize("name", MODULES)
def test_no_pattern_has_a_possessive_quantifier_or_an_atomic_group(name):
    module = importlib.import_module(name)
    assert [found.pattern for found in compiled(module) if wrong_before_3_11_5(found.pattern, found.flags)] == []
    assert [pattern for pattern in inline(module) if wrong_before_3_11_5(pattern)] == []
