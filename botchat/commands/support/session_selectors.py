"""Which sessions a person means, and whether they mean it."""

import difflib
import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from botchat.commands.support.exit_codes import FAILED, SOME_FAILED
from botchat.commands.support.options import say
from botchat.core.errors import (
    BotchatError,
    InvalidInput,
    MessageNotFound,
    ReplyRunning,
    SessionChanged,
    SessionNotFound,
    SessionTooLarge,
    StoreError,
)
from botchat.core.models import SessionSummary

if TYPE_CHECKING:
    from botchat.core.chat import Chat
    from botchat.tui.backend import AnyChat

SHORTEST_PREFIX = 4
"""Characters of an id that are taken for its beginning; fewer would too often be a slip."""

# Errors of one session alone: the next one may go.
_OF_THIS_SESSION = (SessionNotFound, SessionChanged, SessionTooLarge, InvalidInput, ReplyRunning)

_LOOKED_AT_FOR_NEAREST = 500
_EXAMPLES = 3

YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Only tell which: print the ids, change nothing.")]


def chosen(chat: "AnyChat", user: str, text: str) -> SessionSummary:
    """Find the one session that is meant: by its id, the beginning of it, its name, @last, or @N of the list.

    Raises:
        SessionNotFound: there is none; the error names the nearest.
        InvalidInput: it could be several.
    """
    if text.startswith("@") and (found := _by_place(chat, user, text)):
        return found
    several = chat.find(user, text)
    exact = [session for session in several if session.id == text]
    if not exact and len(text) < SHORTEST_PREFIX:
        several = [session for session in several if session.name == text]
    match exact or several:
        case []:
            raise SessionNotFound(text, near=_nearest(chat, user, text))
        case [session]:
            return session
        case _:
            listed = "; ".join(f"{session.id} ({session.name})" for session in several)
            raise InvalidInput(f"{text!r} could be {listed}: say more of the id.")


def several_chosen(chat: "Chat", user: str, texts: Sequence[str]) -> list[SessionSummary]:
    """Find the sessions that are meant, each once; `-` stands for those that stdin names, one a line.

    Raises:
        SessionNotFound, InvalidInput: one of them is not to be found; nothing should be done to the others then.
    """
    named = [name for text in texts for name in (_from_stdin() if text == "-" else [text])]
    return list({session.id: session for session in (chosen(chat, user, name) for name in named)}.values())


def message_id_of(chat: "Chat", session: SessionSummary, text: str) -> str:
    """Find the message that is meant: by its number, from 1 on, or its id.

    Raises:
        MessageNotFound: there is no message of that number.
    """
    if not text.isdecimal():
        return text
    number = int(text)
    if not 1 <= number <= session.message_count:
        raise MessageNotFound(text)
    return chat.messages_before(session.user, session.id, number, 1)[0].id


def confirm(what: str, examples: Iterable[str], *, yes: bool, can_look: bool = True) -> None:
    """Ask whether to go on, on stderr; a person who declines ends the command with exit code 1.

    Raises:
        InvalidInput: there is nobody to ask, and `--yes` was not said.
    """
    if yes:
        return
    if not sys.stdin.isatty():
        look = " (or look with --dry-run)" if can_look else ""
        raise InvalidInput(f"{what}: without a terminal to ask on this needs --yes{look}.")
    say(f"{what}:")
    for example in examples:
        typer.echo(f"  {example}", err=True)
    if not typer.confirm("Go on?", err=True):
        raise typer.Exit(FAILED)


def examples_of(sessions: Sequence[SessionSummary]) -> list[str]:
    """Describe the first of some sessions, and count the others."""
    from botchat.core.exporting import one_line

    described = [f"{s.id}  {one_line(s.name)}  ({s.message_count} messages)" for s in sessions[:_EXAMPLES]]
    rest = len(sessions) - _EXAMPLES
    return [*described, f"and {rest} more"] if rest > 0 else described


def counted(number: int, thing: str = "session") -> str:
    """Say a number of things: 1 session, 1,234 sessions."""
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def do_each(sessions: Iterable[SessionSummary], change: Callable[[SessionSummary], object]) -> Iterator[SessionSummary]:
    """Change sessions one by one, and give each that was. What fails is told, and ends in exit code 7 if others went.

    Raises:
        StoreError: the store is down, full or read-only, so that the others would fail too.
        BotchatError: none could be changed.
    """
    done = 0
    failures: list[BotchatError] = []
    for session in sessions:
        try:
            change(session)
        except _OF_THIS_SESSION as error:
            failures.append(error)
            say(f"{session.id}: {error}")
        except StoreError:
            say(f"{counted(done)} were changed before this:")
            raise
        else:
            done += 1
            yield session
    if failures and not done:
        raise failures[-1]
    if failures:
        say(f"{counted(len(failures))} could not be changed, {done:,} were.")
        raise typer.Exit(SOME_FAILED)


def print_ids(sessions: Iterable[SessionSummary]) -> None:
    """Write ids to stdout, one a line, each as soon as it is known."""
    from botchat.commands.support.streams import write

    write(f"{id_line(session.id)}\n" for session in sessions)


def id_line(session_id: str) -> str:
    """Write an id so that it comes back from a line: one that a line or a terminal would change as a JSON string."""
    is_plain = session_id.isprintable() and session_id == session_id.strip() and not session_id.startswith(('"', "-"))
    return session_id if is_plain else json.dumps(session_id)


def _by_place(chat: "AnyChat", user: str, text: str) -> SessionSummary | None:
    if text == "@last":
        if session := chat.latest(user):
            return session
        raise SessionNotFound(text)
    if not re.fullmatch(r"@[1-9]\d{0,4}", text):
        return None
    place = int(text[1:])
    sessions = chat.page(user, limit=place).sessions
    if len(sessions) < place:
        raise SessionNotFound(text)
    return sessions[place - 1]


def _nearest(chat: "AnyChat", user: str, text: str) -> list[str]:
    sessions = chat.page(user, limit=_LOOKED_AT_FOR_NEAREST).sessions
    names = {key: session for session in sessions for key in (session.name.lower(), session.id)}
    near = difflib.get_close_matches(text.lower(), names, cutoff=0.5)
    return [f"{names[key].id} ({names[key].name})" for key in near]


def _from_stdin() -> list[str]:
    lines = (line.rstrip("\r\n") for line in sys.stdin)
    return [_id_of(line) for line in lines if line.strip()]


def _id_of(line: str) -> str:
    if not line.startswith('"'):
        return line
    try:
        return str(json.loads(line))
    except ValueError:  # a name that begins with a quotation mark
        return line
