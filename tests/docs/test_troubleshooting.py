"""The page of error messages: each message that it quotes is one that the program can print."""

import ast
import re
from collections.abc import Iterator

import pytest
from support.paths import DOCS, ROOT

PAGE = DOCS / "help" / "troubleshooting.md"
MADE_ELSEWHERE = {"botchat: command not found", "error: externally-managed-environment"}
"""Messages of the shell and of pip."""

FEWEST = 80
PLACEHOLDER = "{}"


def quoted_messages() -> list[str]:
    """The messages in the first column of the page's tables."""
    return re.findall(r"^\| `([^`]+)` \|", PAGE.read_text(), re.MULTILINE)


def program_texts() -> str:
    """Every string of the program and every line of the Makefile, each on one line; values are `{}`."""
    texts = [text for path in (ROOT / "botchat").rglob("*.py") for text in strings(ast.parse(path.read_text()))]
    makefile = re.sub(r"\$\([A-Z]+\)", PLACEHOLDER, (ROOT / "Makefile").read_text())
    return "\n".join([*(" ".join(text.split()) for text in texts), makefile])


def strings(tree: ast.AST) -> Iterator[str]:
    """Yield string constants, and f-strings with placeholders; a value that is formatted by `!r` is in quotes."""
    docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if id(node) in docstrings:
            continue
        if isinstance(node, ast.JoinedStr):
            yield "".join(
                str(part.value) if isinstance(part, ast.Constant) else placeholder(part) for part in node.values
            )
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield re.sub(r"\{\w+\}", PLACEHOLDER, node.value)  # a template for str.format


def placeholder(part: ast.AST) -> str:
    is_repr = isinstance(part, ast.FormattedValue) and part.conversion == ord("r")
    return f"'{PLACEHOLDER}'" if is_repr else PLACEHOLDER


def pattern_of(message: str) -> re.Pattern[str]:
    """A pattern for a quoted message, in which `…` is at least one value."""
    value = rf".*?{re.escape(PLACEHOLDER)}.*?"
    return re.compile(value.join(map(re.escape, message.split("…"))))


@pytest.fixture(scope="module")
def texts():
    return program_texts()


def test_the_page_has_messages_of_every_part():
    assert len(quoted_messages()) >= FEWEST
    assert set(quoted_messages()) >= MADE_ELSEWHERE


@pytest.mark.parametrize("message", sorted(set(quoted_messages()) - MADE_ELSEWHERE))
def test_a_quoted_message_is_one_of_the_program(message, texts):
    assert pattern_of(message).search(texts)


@pytest.mark.parametrize("message", ["Can't reach the moon", "Model … not found at all", "Nothing was saved at …"])
def test_an_invented_message_is_found_out(message, texts):
    assert pattern_of(message).search(texts) is None
