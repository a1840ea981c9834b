"""The command `help`: topics that concern all commands, such as formats, ids and exit codes."""

from collections.abc import Callable, Iterator
from typing import Annotated

import typer

from botchat.commands.support import exit_codes
from botchat.commands.support.options import suggestion
from botchat.commands.support.streams import write_stdout
from botchat.core.errors import InvalidInput

_ENVIRONMENT = """\
An option wins over the environment, and that over the config file.

  BOTCHAT_CONFIG     the config file, `botchat config path` prints it
  BOTCHAT_STORE      where sessions are, as --store
  BOTCHAT_USER       whose sessions, as --user
  BOTCHAT_BOT        which bot answers, as --bot
  BOTCHAT_HOST       where `botchat web` serves, as --host
  BOTCHAT_PORT       and its port, as --port
  BOTCHAT_TOKEN      what `botchat tui --server` shows: botchat tokens create
  OPENAI_API_KEY     the key for OpenAI, and for the server at OPENAI_BASE_URL
  OPENAI_BASE_URL    a server that speaks as OpenAI does
  OPENAI_MODEL       its model; without it the first that the server lists
  NO_COLOR           when set, nothing is coloured
"""

_FORMATS = """\
What a command finds is on stdout, what it has to say about it on stderr.
A list is a table on a terminal and tab-separated lines elsewhere;
-F (--format) says otherwise:

  table   columns; a narrow terminal leaves some out, and cuts one
  tsv     a line for each, without a header and with nothing cut;
          tabs and line breaks in a value become spaces
  csv     the same with a header, for spreadsheets
  json    {"items": [...], "next": ...}; --after takes next for the
          following page, at the end it is null
  jsonl   a JSON object on each line
  ids     the ids alone, a line for each, to pipe on

--fields A,B takes these columns alone, in this order.
Times are UTC, as in 2026-11-21T12:30:00.000Z (RFC 3339); only a table
shows them in your own time zone.
"""

_IDS = """\
Where a command takes a session's ID, it can be:

  3f1c2f0e-6c3f-4a4e-9a52-0c8f4f5b2f11
                        the whole id, as `botchat sessions list` prints it
  3f1c                  its beginning, at least 4 characters of it,
                        where no other session begins so
  "What is a heron?"    the exact name, where no other session has it
  @last                 the session that you used last
  @1                    the first row of the list; @2 is the second
"""

_STORE = """\
Sessions are in one place, which --store names, else BOTCHAT_STORE, else
the config file:

  mongodb://NAME:PASSWORD@HOST/DATABASE
                        a MongoDB, also mongodb+srv://;
                        without a DATABASE it is the one named botchat
  sqlite:///PATH, PATH  a file on this machine; an absolute PATH makes
                        four slashes: sqlite:////home/ann/botchat.db
  nothing               the file botchat.db in your data folder;
                        `botchat config show` tells where that is

A MongoDB that is down is an error: no other store takes its place.
A file that you have named is made by commands that write, not by those
that only read. A password is never printed; it is best in BOTCHAT_STORE,
because other users of the machine can see a command's options.
"""


def _exit_codes() -> str:
    return "".join(f"{code:>5}  {meaning}\n" for code, meaning in exit_codes.MEANINGS.items())


_TOPICS: dict[str, tuple[str, Callable[[], str]]] = {
    "exit-codes": ("what the exit code of a command says", _exit_codes),
    "environment": ("the variables that botchat reads", lambda: _ENVIRONMENT),
    "formats": ("how lists are written, for people and for programs", lambda: _FORMATS),
    "ids": ("how to say which session is meant", lambda: _IDS),
    "store": ("where sessions are kept, and how to say so", lambda: _STORE),
}


def topics() -> Iterator[tuple[str, str]]:
    """Yield the title and the text of each topic."""
    for name, (_, text) in _TOPICS.items():
        yield name.replace("-", " "), text()


def help_(
    topic: Annotated[
        str | None, typer.Argument(help="One of the topics.", metavar="TOPIC", autocompletion=lambda: list(_TOPICS))
    ] = None,
) -> None:
    """Explain exit codes, formats, ids and more.

    Without a topic it lists them.

    Example: botchat help exit-codes
    """
    if topic is None:
        write_stdout(f"{name:<12} {about}\n" for name, (about, _) in _TOPICS.items())
        return
    if topic not in _TOPICS:
        raise InvalidInput(
            f"There is no topic {topic!r}. {suggestion(topic, _TOPICS)} Of a command: botchat COMMAND --help"
        )
    write_stdout([_TOPICS[topic][1]()])
