"""The pages about commands, from their help: an overview, and one page per command or group of commands."""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from markup import anchor, block, code, page, with_code
from markup import table as markdown_table
from typer.main import get_command

from botchat.cli import app
from botchat.commands.support.help_text import description, example, leaf_commands, meaning, summary, term, usage

COMMON = ("--store", "--user", "--format", "--fields", "--all-users")
"""The options that a page of a group explains once, instead of at each command."""

_INTRODUCTION = """\
`botchat COMMAND --help` shows the same text. `botchat help` explains what all commands share:
[exit codes](../exit_codes.md), [output formats and IDs](../formats.md) and
[environment variables](../environment.md)."""


def pages() -> dict[str, str]:
    """Return the text of each page by its path below docs/reference/."""
    groups = {name: each for name, each in get_command(app).commands.items() if not each.hidden}  # type: ignore[attr-defined]
    return {"cli/index.md": overview(groups)} | {
        f"cli/{name}.md": group_page(each, name) for name, each in groups.items()
    }


def overview(groups: dict[str, Any]) -> str:
    """Return the page that lists all commands."""
    rows = []
    for name, group in groups.items():
        for path, command in leaves(group, f"botchat {name}"):
            place = f"{name}.md" + (f"#{anchor(path)}" if is_group(group) else "")
            rows.append((f"[{code(path)}]({place})", summary(command)))
    return page("Commands", _INTRODUCTION, markdown_table(("Command", "Purpose"), rows))


def group_page(group: Any, name: str) -> str:
    """Return the page of a group, or of a command of its own."""
    path = f"botchat {name}"
    if not is_group(group):
        return page(path, *section(group, path, {}))
    commands = dict(leaves(group, path))
    common = common_options(commands.values())
    listed = [(f"[{code(each)}](#{anchor(each)})", summary(command)) for each, command in commands.items()]
    shared = (
        ["## Common options", "Each command below lists the ones that it accepts.", table([*common.values()])]
        if common
        else []
    )
    parts = [part for each, command in commands.items() for part in (f"## {each}", *section(command, each, common))]
    return page(path, (group.help or "").strip(), markdown_table(("Command", "Purpose"), listed), *shared, *parts)


def common_options(commands: Iterable[Any]) -> dict[str, Any]:
    """Return those of the COMMON options that several commands have with the same meaning."""
    options = {row(each): each for command in commands for each in command.params if not each.hidden}
    counts = Counter(row(each) for command in commands for each in command.params if not each.hidden)
    found = ((name, each) for each, _ in counts.most_common() for name in options[each].opts if counts[each] > 1)
    kept = {name: options[each] for name, each in reversed([*found])}
    return {name: kept[name] for name in COMMON if name in kept}


def is_group(command: Any) -> bool:
    """Return whether a command has commands below it."""
    return hasattr(command, "commands")


def leaves(command: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Yield a command, or those below it, with their paths, in the order of --help."""
    return leaf_commands(command, path) if is_group(command) else iter([(path, command)])


def section(command: Any, path: str, common: dict[str, Any]) -> list[str]:
    """Return the parts of a command's section: description, usage, options and example."""
    line = example(command)
    shown = [parameter for parameter in command.params if not parameter.hidden]
    explained = {row(each): option for option, each in common.items()}
    own = [parameter for parameter in shown if row(parameter) not in explained]
    listed = ", ".join(code(option) for each, option in explained.items() if each in map(row, shown))
    return [
        with_code(description(command)),
        block("text", usage(path, shown)),
        table(own),
        f"[Common options](#common-options): {listed}." if listed else "",
        "Example:" if line else "",
        block("sh", line) if line else "",
    ]


def table(parameters: list[Any]) -> str:
    """Return the arguments and options as a Markdown table."""
    return markdown_table(("Argument or option", "Meaning"), map(row, parameters))


def row(parameter: Any) -> tuple[str, str]:
    """Return the cells of an argument or option."""
    return term(parameter), with_code(meaning(parameter))
