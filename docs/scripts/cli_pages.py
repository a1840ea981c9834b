"""Generates docs/reference/cli.md from the commands' help. With --check it only compares the page with the help.

The text above the line MARK is not generated.
"""

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from typer.main import get_command

from botchat.cli import app
from botchat.commands.support.help_text import description, example, meaning, term, usage

PAGE = Path(__file__).resolve().parents[1] / "reference" / "cli.md"
MARK = "<!-- From here on this page is written by `make docs`, out of the commands themselves. -->\n"


def main() -> int:
    """Write the page, or compare it; return the exit code."""
    there = PAGE.read_text(encoding="utf-8")
    page = "\n".join([there.partition(MARK)[0] + MARK, *sections(get_command(app), "botchat")])
    if "--check" not in sys.argv[1:]:
        PAGE.write_text(page, encoding="utf-8")
    elif there != page:
        print(f"{os.path.relpath(PAGE)} is out of date. Run: make docs", file=sys.stderr)  # noqa: T201
        return 1
    return 0


def sections(command: Any, path: str) -> Iterator[str]:
    """Yield the sections of a command and of those below it, in the order of --help."""
    below = getattr(command, "commands", None)
    if below is None:
        yield section(command, path)
        return
    for name, each in below.items():
        if not each.hidden:
            yield from sections(each, f"{path} {name}")


def section(command: Any, path: str) -> str:
    """Return a command's section: description, usage, options and example."""
    shown = [parameter for parameter in command.params if not parameter.hidden]
    parts = [f"## {path}", description(command), f"```\n{usage(path, shown)}\n```", table(shown)]
    if line := example(command):
        parts.append(f"Example:\n\n```sh\n{line}\n```")
    return "\n\n".join(part for part in parts if part) + "\n"


def table(parameters: list[Any]) -> str:
    """Return the arguments and options as a Markdown table."""
    rows = [[cell.replace("|", "\\|") for cell in (term(each), meaning(each))] for each in parameters]
    lines = [f"| {left} | {right} |" for left, right in rows]
    return "\n".join(["| | |", "|---|---|", *lines]) if lines else ""


if __name__ == "__main__":
    sys.exit(main())
