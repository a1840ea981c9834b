"""Writes docs/reference/cli.md out of the commands themselves, or with --check tells whether it is as they are.

What stands above the line MARK is written by hand, and stays.
"""

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from typer.main import get_command

from botchat.cli import app

PAGE = Path(__file__).resolve().parents[1] / "reference" / "cli.md"
MARK = "<!-- From here on this page is written by `make docs`, out of the commands themselves. -->\n"


def main() -> int:
    """Write the page, or compare it."""
    there = PAGE.read_text(encoding="utf-8")
    page = "\n".join([there.partition(MARK)[0] + MARK, *sections(get_command(app), "botchat")])
    if "--check" not in sys.argv[1:]:
        PAGE.write_text(page, encoding="utf-8")
    elif there != page:
        print(f"{os.path.relpath(PAGE)} is not what the commands say: make docs", file=sys.stderr)  # noqa: T201
        return 1
    return 0


def sections(command: Any, path: str) -> Iterator[str]:
    """Give the sections of a command and of those below it, in the order of --help."""
    below = getattr(command, "commands", None)
    if below is None:
        yield section(command, path)
        return
    for name, each in below.items():
        if not each.hidden:
            yield from sections(each, f"{path} {name}")


def section(command: Any, path: str) -> str:
    """Write one command: what it does, how to type it, its options, an example."""
    words, _, example = (command.help or "").partition("Example: ")
    shown = [parameter for parameter in command.params if not parameter.hidden]
    parts = [f"## {path}", words.strip(), f"```\n{usage(path, shown)}\n```", table(shown)]
    if example:
        parts.append(f"Example:\n\n```sh\n{example.strip()}\n```")
    return "\n\n".join(part for part in parts if part) + "\n"


def usage(path: str, parameters: list[Any]) -> str:
    """Write a command as it is typed, [] around what can be left out."""
    names = [
        name(parameter) if parameter.required else f"[{name(parameter)}]"
        for parameter in parameters
        if parameter.param_type_name == "argument"
    ]
    options = ["[OPTIONS]"] if len(names) < len(parameters) else []
    return " ".join([path, *options, *names])


def table(parameters: list[Any]) -> str:
    """Write the arguments and options as a Markdown table."""
    rows = [[cell.replace("|", "\\|") for cell in (term(each), meaning(each))] for each in parameters]
    lines = [f"| {left} | {right} |" for left, right in rows]
    return "\n".join(["| | |", "|---|---|", *lines]) if lines else ""


def term(parameter: Any) -> str:
    """Write an option with its short name and the name of its value, or an argument."""
    if parameter.param_type_name == "argument":
        return f"`{name(parameter)}`"
    value = "" if parameter.is_flag else f" {name(parameter)}"
    names = [*parameter.opts, *parameter.secondary_opts]
    return ", ".join(f"`{option}{value if option.startswith('--') else ''}`" for option in names)


def name(parameter: Any) -> str:
    """Name what a parameter takes: one of some words, or what the command calls it."""
    descriptor = parameter.type_descriptor
    if descriptor.is_choice and not parameter.metavar:
        return "|".join(str(getattr(choice, "value", choice)) for choice in descriptor.choices)
    word = str(parameter.metavar or parameter.name).upper()
    return f"{word.rstrip('…')}…" if parameter.nargs == -1 else word


def meaning(parameter: Any) -> str:
    """Say what a parameter is for, and what it is when it is not given."""
    default = parameter.default
    says = parameter.show_default is not False and default not in (None, False) and not callable(default)
    return (parameter.help or "") + (f" Without it: {getattr(default, 'value', default)}." if says else "")


if __name__ == "__main__":
    sys.exit(main())
