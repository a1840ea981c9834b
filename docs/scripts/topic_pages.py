"""The pages about exit codes, formats and IDs, from the topics of `botchat help`."""

from collections import defaultdict

from markup import block, code, filled, page, table, with_code

from botchat.commands.help_topics import TOPICS
from botchat.commands.support import exit_codes

_EXIT_CODES = """\
The exit codes of all commands. A script can rely on them. On an error, stdout is empty and stderr has one line that
starts with `botchat: `. `botchat help exit-codes` prints the same list."""

_SCRIPT = """\
botchat sessions show missing || code=$?
test "$code" = 3 && echo "There is no such session."
"""

_FORMATS = "How commands print lists and times, and how to specify a session and a store on the command line."

_FORMATS_EXAMPLE = """\
botchat bots list --format json
botchat bots list --fields id --format csv
"""


def pages() -> dict[str, str]:
    """Return the text of each page by its path below docs/reference/."""
    return {
        "exit_codes.md": page("Exit codes", _EXIT_CODES, _codes(), "## In a script", block("sh", _SCRIPT)),
        "formats.md": page(
            "Output formats and IDs",
            _FORMATS,
            *("## Formats", *_topic("formats", ("Format", "Output"))),
            block("sh", _FORMATS_EXAMPLE),
            *("## IDs", *_topic("ids", ("ID", "Session"))),
            *("## Store addresses", *_topic("storage", ("Address", "Store"))),
        ),
    }


def _codes() -> str:
    kinds = defaultdict(list)
    for kind, number in exit_codes._CODES.items():  # noqa: SLF001
        kinds[number].append(code(kind.__name__))
    rows = [(code(str(number)), text, ", ".join(kinds[number])) for number, text in exit_codes.MEANINGS.items()]
    return table(("Code", "Meaning", "Errors of the library"), rows)


def _topic(name: str, header: tuple[str, str]) -> list[str]:
    """Return a topic's paragraphs, and its terms as a table."""
    [topic] = [each for each in TOPICS if each.name == name]
    rows = [(code(term), with_code(meaning)) for term, meaning in topic.terms.items()]
    after = [filled(with_code(each)) for each in topic.after.split("\n\n")]
    return [filled(with_code(topic.before)), table(header, rows), *after]
