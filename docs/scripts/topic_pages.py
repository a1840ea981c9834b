"""The pages about exit codes, formats and IDs, from the topics of `botchat help`."""

import re
from collections import defaultdict
from collections.abc import Iterator

from markup import block, code, page, table

from botchat.commands.help_topics import topics
from botchat.commands.support import exit_codes

_EXIT_CODES = """\
The exit code of every command, so that a script can tell what happened. On an error, stdout is empty and stderr has one line
that starts with `botchat: `. `botchat help exit-codes` prints the same codes."""

_SCRIPT = """\
botchat sessions show missing || code=$?
test "$code" = 3 && echo "No such session."
"""

_FORMATS = "How commands print lists and times, and how you name a session and a store on the command line."

_FORMATS_EXAMPLE = """\
botchat bots list --format json
botchat bots list --fields id --format csv
"""

_TERM = re.compile(r"^ {2,}(\S.*?)(?: {2,}(\S.*))?$")


def pages() -> dict[str, str]:
    """Return the text of each page by its path below docs/reference/."""
    texts = dict(topics())
    return {
        "exit_codes.md": page("Exit codes", _EXIT_CODES, _codes(), "## In a script", block("sh", _SCRIPT)),
        "formats.md": page(
            "Output formats and IDs",
            _FORMATS,
            "## Formats",
            *as_markdown(texts["formats"], ("Format", "Output")),
            block("sh", _FORMATS_EXAMPLE),
            "## IDs",
            *as_markdown(texts["ids"], ("ID", "Session")),
            "## Stores",
            *as_markdown(texts["store"], ("Store", "Meaning")),
        ),
    }


def _codes() -> str:
    kinds = defaultdict(list)
    for kind, number in exit_codes._CODES.items():  # noqa: SLF001
        kinds[number].append(code(kind.__name__))
    rows = [(code(str(number)), text, ", ".join(kinds[number])) for number, text in exit_codes.MEANINGS.items()]
    return table(("Code", "Meaning", "Errors of the [library](../build/library.md)"), rows)


def as_markdown(topic: str, header: tuple[str, str]) -> Iterator[str]:
    """Yield the paragraphs of a topic of `botchat help`, and its indented lists as tables."""
    rows: list[tuple[str, str]] = []
    words: list[str] = []
    for line in [*topic.splitlines(), ""]:
        if line.startswith("  "):
            rows.append(_entry(line, rows))
            continue
        if rows and line:
            yield from _table(header, rows)
        elif not line and words:
            yield " ".join(words)
            words = []
        words += [line] if line else []
    yield from _table(header, rows)
