"""The command `help`: what is true of every command, by topics."""

from collections.abc import Callable
from typing import Annotated

import typer

from botchat.cli import exits
from botchat.cli.common import near
from botchat.cli.printing import write
from botchat.core.errors import InvalidInput

_ENVIRONMENT = """\
An option wins over the environment, and that over the config file.

  BOTCHAT_CONFIG     the config file, in the place of the one that `botchat config path` prints
  BOTCHAT_STORE      where sessions are, as --store
  BOTCHAT_USER       whose sessions, as --user
  BOTCHAT_BOT        which bot answers, as --bot
  BOTCHAT_HOST       where `botchat web` serves, as --host
  BOTCHAT_PORT       and its port, as --port
  OPENAI_API_KEY     the key for OpenAI, and for the server at OPENAI_BASE_URL
  OPENAI_BASE_URL    a server that speaks as OpenAI does
  OPENAI_MODEL       its model; without it the first that the server lists
  NO_COLOR           when set, nothing is coloured
"""

_FORMATS = """\
What a command finds is on stdout, what it has to say about it on stderr.
A list is a table on a terminal and tab-separated lines elsewhere; -F (--format) says otherwise:

  table   columns as wide as needed; a narrow terminal leaves some out, and cuts one
  tsv     a line for each, without a header, nothing cut; tabs and line breaks in a value become spaces
  csv     the same with a header, for spreadsheets
  json    {"items": [...], "next": ...}, where next is what --after takes for the following page, or null
  jsonl   a JSON object on each line
  ids     the ids alone, a line for each, to pipe on

--fields A,B takes these columns alone, in this order. Times are UTC as in 2026-11-21T12:30:00.000Z (RFC 3339);
only a table shows them in your own time zone.
"""

_IDS = """\
Where a command takes a session's ID, it can be:

  3f1c2f0e-6c3f-4a4e-9a52-0c8f4f5b2f11   the whole id, as `botchat sessions list -F ids` prints it
  3f1c                                   its beginning, at least 4 characters, where no other session has it
  "What is a heron?"                     the exact name, where no other session has it
  @last                                  the session you used last
  @1                                     the first row of the list, the newest; @2 is the second
"""

_STORE = """\
Sessions are in one place, which --store, else BOTCHAT_STORE, else the config file names:

  mongodb://NAME:PASSWORD@HOST/DATABASE   a MongoDB, also mongodb+srv://; without a DATABASE it is botchat
  sqlite:///PATH, or PATH alone           a file on this machine
  nothing                                 the file botchat.db in your data folder; `botchat config show` tells where

A MongoDB that is down is an error: no other store takes its place. A command that only reads makes no file that you
have named. Passwords are best in BOTCHAT_STORE: other users of the machine can see options. They are never printed.
"""


def _exit_codes() -> str:
    return "".join(f"{code:>5}  {meaning}\n" for code, meaning in exits.MEANINGS.items())


_TOPICS: dict[str, tuple[str, Callable[[], str]]] = {
    "exit-codes": ("what the exit code of a command says", _exit_codes),
    "environment": ("the variables that botchat reads", lambda: _ENVIRONMENT),
    "formats": ("how lists are written, for people and for programs", lambda: _FORMATS),
    "ids": ("how to say which session is meant", lambda: _IDS),
    "store": ("where sessions are kept, and how to say so", lambda: _STORE),
}


def help_(
    topic: Annotated[
        str | None, typer.Argument(help="One of the topics.", metavar="TOPIC", autocompletion=lambda: list(_TOPICS))
    ] = None,
) -> None:
    """Explain what is true of every command: exit codes, formats, ids and more; without a topic, list them.

    Example: botchat help exit-codes
    """
    if topic is None:
        write(f"{name:<12} {about}\n" for name, (about, _) in _TOPICS.items())
        return
    if topic not in _TOPICS:
        raise InvalidInput(f"There is no topic {topic!r}. {near(topic, _TOPICS)} Of a command: botchat COMMAND --help")
    write([_TOPICS[topic][1]()])
