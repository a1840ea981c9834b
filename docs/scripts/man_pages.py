"""Generates the man pages: one for botchat and one for each command, from the commands' help.

Run by `make man`. The format is that of man(7): https://man7.org/linux/man-pages/man7/man.7.html.
"""

import re
import sys
from pathlib import Path
from typing import Any

from typer.main import get_command

from botchat import __version__
from botchat.cli import app
from botchat.commands.help_topics import topics
from botchat.commands.support.help_text import description, example, leaf_commands, meaning, summary, term, usage

_BACKSLASH, _BREAK = "\\", "\n"


def main(arguments: list[str]) -> int:
    """Write the pages into the given folder; return the exit code."""
    if len(arguments) != 1:
        print("Usage: man_pages.py FOLDER", file=sys.stderr)  # noqa: T201
        return 2
    folder = Path(arguments[0]) / "man1"
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in pages().items():
        (folder / f"{name}.1").write_text(text, encoding="utf-8")
    print(f"Man pages written to {folder}. To read them: man -M {arguments[0]} botchat")  # noqa: T201
    return 0


def pages() -> dict[str, str]:
    """Return the text of each page by its name, such as `botchat-sessions-list`."""
    root = get_command(app)
    commands = dict(leaf_commands(root))
    made = {path.replace(" ", "-"): _page(command, path) for path, command in commands.items()}
    return {"botchat": _overview(root, commands), **made}


def _overview(root: Any, commands: dict[str, Any]) -> str:
    listed = [
        f".TP{_BREAK}.BR {_escaped(path.replace(' ', '-'))} (1){_BREAK}{_escaped(summary(command))}"
        for path, command in commands.items()
    ]
    parts = [
        _head("botchat", root.help or ""),
        f".SH SYNOPSIS{_BREAK}.B botchat{_BREAK}.I COMMAND{_BREAK}…",
        f".SH DESCRIPTION{_BREAK}Without a command, botchat opens the chat in the terminal.",
        ".SH COMMANDS",
        *listed,
        *(f".SH {_escaped(title.upper())}{_BREAK}.nf{_BREAK}{_escaped(text)}{_BREAK}.fi" for title, text in topics()),
    ]
    return _BREAK.join(parts) + _BREAK


def _page(command: Any, path: str) -> str:
    shown = [parameter for parameter in command.params if not parameter.hidden]
    paragraphs = [_escaped(" ".join(part.split())) for part in description(command).split("\n\n")]
    parts = [
        _head(path.replace(" ", "-"), summary(command)),
        f".SH SYNOPSIS{_BREAK}.nf{_BREAK}.B {_escaped(usage(path, shown))}{_BREAK}.fi",
        ".SH DESCRIPTION",
        f"{_BREAK}.PP{_BREAK}".join(paragraphs),
    ]
    if shown:
        parts += [".SH OPTIONS", *map(_option, shown)]
    if line := example(command):
        parts.append(f".SH EXAMPLE{_BREAK}.nf{_BREAK}{_escaped(line)}{_BREAK}.fi")
    parts.append(f".SH SEE ALSO{_BREAK}.BR botchat (1)")
    return _BREAK.join(parts) + _BREAK


def _head(name: str, about: str) -> str:
    title = _escaped(name)
    first = about.strip().partition("\n")[0].rstrip(".")
    heading = f'.TH "{title.upper()}" "1" "" "botchat {__version__}" "botchat"'
    return f"{heading}{_BREAK}.SH NAME{_BREAK}{title} \\- {_escaped(first)}"


def _option(parameter: Any) -> str:
    described = " ".join(meaning(parameter).split())
    return (
        f".TP{_BREAK}.B {_escaped(term(parameter).replace('`', ''))}{_BREAK}{_escaped(described) or _BACKSLASH + '&'}"
    )


def _escaped(text: str) -> str:
    """Escape a text for roff: backslashes, hyphens, and lines that would start with a request."""
    escaped = text.replace("\\", "\\e").replace("-", "\\-")
    return re.sub(r"^(?=[.'])", r"\\&", escaped, flags=re.MULTILINE)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
