"""The command `help`: the help of any command, and topics that concern all commands, such as formats, IDs, exit codes.

TOPICS has the topics as data, for the reference pages and the man page of botchat.
"""

import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import typer

from botchat.commands.support import exit_codes
from botchat.commands.support.streams import write_stdout
from botchat.commands.support.suggestions import did_you_mean, similar
from botchat.core.errors import InvalidInput

_WIDTH = 78


@dataclass(frozen=True, kw_only=True)
class Topic:
    """A topic of `botchat help`: a paragraph, a table of terms, and more paragraphs.

    Attributes:
        name: as it is typed.
        summary: one line for the list of topics.
        before: the paragraph above the table.
        terms: the table: each term and its meaning.
        after: the paragraphs below the table, separated by an empty line.
    """

    name: str
    summary: str
    before: str = ""
    terms: Mapping[str, str]
    after: str = ""

    @property
    def text(self) -> str:
        """The topic as plain text with lines of at most 78 characters."""
        after = [_wrapped(paragraph) for paragraph in self.after.split("\n\n")]
        parts = [_wrapped(self.before), "\n".join(self._term_lines()), *after]
        return "\n\n".join(filter(None, parts)) + "\n"

    def _term_lines(self) -> Iterator[str]:
        indent = min(max(map(len, self.terms)), 20) + 4
        for term, meaning in self.terms.items():
            lines = textwrap.wrap(meaning, _WIDTH - indent)
            first = f"  {term}".ljust(indent)
            if len(first) > indent:
                yield first.rstrip()
                first = " " * indent
            yield first + lines[0]
            yield from (" " * indent + line for line in lines[1:])


def _wrapped(paragraph: str) -> str:
    return "\n".join(textwrap.wrap(paragraph, _WIDTH))


TOPICS: tuple[Topic, ...] = (
    Topic(
        name="exit-codes",
        summary="Exit codes",
        terms={str(code): meaning for code, meaning in exit_codes.MEANINGS.items()},
    ),
    Topic(
        name="environment",
        summary="Environment variables",
        before="An option overrides an environment variable, which overrides the config file.",
        terms={
            "BOTCHAT_CONFIG": "Config file (default: the path that `botchat config path` prints).",
            "BOTCHAT_STORE": "Store address, as --store.",
            "BOTCHAT_USER": "User name, as --user.",
            "BOTCHAT_BOT": "Bot, as --bot.",
            "BOTCHAT_HOST": "Host that `botchat web` and `botchat api` listen on, as --host.",
            "BOTCHAT_PORT": "Port that they listen on, as --port.",
            "BOTCHAT_TOKEN": "API token for `botchat tui --server` (see `botchat tokens create`).",
            "OPENAI_API_KEY": "API key for OpenAI, or for the server at OPENAI_BASE_URL.",
            "OPENAI_BASE_URL": "URL of an OpenAI-compatible server.",
            "OPENAI_MODEL": "Model (default: the first one that the server lists).",
            "NO_COLOR": "If set, the output has no color.",
        },
    ),
    Topic(
        name="formats",
        summary="Output formats of lists",
        before="Results are printed on stdout; notices, prompts and errors on stderr. A list is a table on a terminal, "
        "and tab-separated lines elsewhere. Use -F (--format) to choose another format:",
        terms={
            "table": "Aligned columns. On a narrow terminal the last columns are left out and one is shortened.",
            "tsv": "One tab-separated line per row, without a header, not shortened. Tabs and line breaks in values "
            "become spaces.",
            "csv": "Comma-separated values with a header, for spreadsheets.",
            "json": 'One object: {"items": [...], "next": ...}. Pass "next" to --after for the next page; it is null '
            "on the last page.",
            "jsonl": "One JSON object per line.",
            "ids": "Only the IDs, one per line, for pipes.",
        },
        after="--fields A,B selects columns and their order.\n\n"
        "Times are in UTC, such as 2026-11-21T12:30:00.000Z (RFC 3339). Tables show local time.",
    ),
    Topic(
        name="ids",
        summary="Ways to specify a session",
        before="Wherever a command takes a session ID, you can use:",
        terms={
            "3f1c2f0e-6c3f-4a4e-9a52-0c8f4f5b2f11": "The full ID, as `botchat sessions list` prints it.",
            "3f1c": "The start of the ID, at least 4 characters, if no other session's ID starts with it.",
            '"What is a heron?"': "The exact name, if no other session has it.",
            "@last": "The session that you used last.",
            "@1": "The first session in the list; @2 is the second.",
        },
    ),
    Topic(
        name="storage",
        summary="Store addresses",
        before="All sessions are in one store. Set it with --store, BOTCHAT_STORE or the config file, in this order of "
        "precedence:",
        terms={
            "mongodb://NAME:PASSWORD@HOST/DATABASE": "A MongoDB database; also mongodb+srv://. The default DATABASE is "
            "botchat.",
            "sqlite:///PATH, or PATH": "A SQLite file on this machine. An absolute path makes four slashes: "
            "sqlite:////home/ann/botchat.db",
            "env:NAME": "The address in the environment variable NAME.",
            "file:PATH": "The address in a file.",
        },
        after="By default the store is the SQLite file botchat.db in your data folder (see `botchat config show`).\n\n"
        "If the store is unreachable, botchat reports an error; it never falls back to another store. Commands that "
        "only read don't create a missing SQLite file.\n\n"
        "Passwords are never printed. For an address with a password, use BOTCHAT_STORE, env: or file: instead of "
        "typing it: other users of the machine can see the options of a command.",
    ),
)


def topics() -> Iterator[tuple[str, str]]:
    """Yield the title and the text of each topic."""
    for topic in TOPICS:
        yield topic.name.replace("-", " "), topic.text


def listed_topics() -> str:
    """Return the list of topics for the end of `botchat --help`."""
    width = max(len(topic.name) for topic in TOPICS) + 2
    lines = (f"  {topic.name.ljust(width)}{topic.summary}\n" for topic in TOPICS)
    return "Help topics (botchat help TOPIC):\n" + "".join(lines)


def _complete(ctx: typer.Context, incomplete: str) -> list[str]:
    """Complete the next word: a topic or a command, then a command of the group."""
    names: list[str] = [] if ctx.params.get("words") else [topic.name for topic in TOPICS]
    command: Any = ctx.find_root().command
    for word in ctx.params.get("words") or []:
        command = getattr(command, "commands", {}).get(word)
    return [name for name in [*names, *getattr(command, "commands", {})] if name.startswith(incomplete)]


def help_(
    ctx: typer.Context,
    words: Annotated[
        list[str] | None,
        typer.Argument(
            help="A command such as `sessions list`, or a topic.", metavar="COMMAND|TOPIC", autocompletion=_complete
        ),
    ] = None,
) -> None:
    """Show help for a command or a topic.

    Without arguments it lists the commands and topics.

    Example: botchat help sessions list
    """
    root = ctx.find_root()
    if words and len(words) == 1 and (found := [topic for topic in TOPICS if topic.name == words[0]]):
        write_stdout([found[0].text])
        return
    write_stdout([_command_help(root, words or []) + "\n"])


def _command_help(root: Any, words: list[str]) -> str:
    """Return the help of a command.

    Raises:
        InvalidInput: there is no such command or topic.
    """
    context: Any = root
    for number, word in enumerate(words):
        commands = getattr(context.command, "commands", {})
        if word not in commands:
            names = [*commands, *(topic.name for topic in TOPICS)] if number == 0 else [*commands]
            hint = did_you_mean(similar(word, names)) or f"Run {context.command_path} --help for a list of commands."
            raise InvalidInput(f"No help for {' '.join(words)!r}. {hint}")
        context = context.command.context_class(commands[word], info_name=word, parent=context)
    return str(context.get_help())
