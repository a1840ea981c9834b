"""Reads shell blocks of the docs: the programs in them, and the commands of botchat."""

import re
import shlex
from collections.abc import Iterator

from typer.main import get_command

from botchat.cli import app

_HERE_DOCUMENT = re.compile(r"<<-?[ ]*'?(\w+)'?(.*)\n(?:.*\n)*?\s*\1$", re.MULTILINE)
_IN_QUOTES = re.compile(r"\$\(([^()]*)\)")
_SEPARATORS = set("|&;()")
_KEYWORDS = {"if", "then", "else", "elif", "fi", "do", "done", "while", "until", "!", "time", "{", "}"}
_ROOT = get_command(app)


def commands(text: str) -> Iterator[list[str]]:
    """Yield the words of each command in a shell text, its program first."""
    for line in _HERE_DOCUMENT.sub(r"\2", text.replace("\\\n", " ")).splitlines():
        lexer = shlex.shlex(line, posix=True, punctuation_chars="|&;()<>")
        lexer.whitespace_split = True
        words: list[str] = []
        for token in [*lexer, ";"]:
            if set(token) <= _SEPARATORS:
                yield from [words] if words else []
                words = []
            elif words or not (token in _KEYWORDS or "=" in token):
                words.append(token)
            for inner in _IN_QUOTES.findall(token):
                yield from commands(inner)


def programs(text: str) -> list[str]:
    """Return the programs that a shell text runs, in order."""
    return [words[0] for words in commands(text) if words[0] != "for"]


def botchat_commands(text: str) -> Iterator[list[str]]:
    """Yield the words of each command of botchat in a shell text, without the program and redirections."""
    for words in commands(text):
        if words[0] == "botchat":
            end = next((i for i, word in enumerate(words) if set(word) <= set("<>")), len(words))
            yield words[1:end]


def problem_of(words: list[str]) -> str | None:
    """Return what is wrong with the words of a command of botchat, as far as it shows without running it."""
    command, names = _ROOT, [word for word in words if not word.startswith("-")]
    while hasattr(command, "commands") and names and (below := command.commands.get(names[0])):
        command, names = below, names[1:]
    if hasattr(command, "commands") and names:
        return f"there is no command {names[0]!r}"
    known = {"--help", "-h"} | {name for each in command.params for name in (*each.opts, *each.secondary_opts)}
    options = [word.partition("=")[0] for word in words if re.match(r"--?[A-Za-z]", word)]
    unknown = [each for each in options if each not in known and each[:2] not in known]
    return f"there is no option {unknown[0]}" if unknown else None
