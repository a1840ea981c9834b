"""The commands about feedback: give it, list it, write it to a file."""

from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from botchat.commands.output.tables import Columns, FormatOption, Row, RowFormat, fields_option, print_rows, row_parts
from botchat.commands.sessions_export import checked_output
from botchat.commands.support.options import (
    AllUsersOption,
    IdArgument,
    OfBotOption,
    StoreOption,
    UserOption,
    check_whose,
    opened_store,
    say,
    settings_with,
)
from botchat.commands.support.session_selectors import chosen, counted, message_id_of
from botchat.commands.support.streams import write, write_file
from botchat.core.models import SessionFilter

if TYPE_CHECKING:
    from botchat.core.chat import Chat

_NAMES = ("session_id", "message_id", "rating", "comment", "time", "bot_id", "user")
_FEEDBACK = Columns(
    names=_NAMES, in_table=("session_id", "rating", "comment", "time", "bot_id"), flexible="comment", key="session_id"
)


class FileFormat(StrEnum):
    """How feedback is written to a file."""

    csv = "csv"
    json = "json"
    jsonl = "jsonl"


def give(
    session_id: IdArgument,
    rating: Annotated[Literal["up", "down", "none"], typer.Argument(help="none takes back what was given.")],
    message: Annotated[
        str | None, typer.Option("--message", "-m", help="Its number or id; the last one if not said.", metavar="N")
    ] = None,
    comment: Annotated[str, typer.Option("--comment", help="Why.", metavar="WORDS")] = "",
    store: StoreOption = None,
    user: UserOption = None,
) -> None:
    """Say what you think of a message, or take it back.

    Example: botchat feedback give @last down --comment "No heron is blue."
    """
    with opened_store(settings_with(store, user), writing=False) as (chat, whose):
        session = chosen(chat, whose, session_id)
        message_id = message_id_of(chat, session, message or str(session.message_count))
        chat.give_feedback(whose, session.id, message_id, None if rating == "none" else rating, comment)


def list_feedback(
    user: UserOption = None,
    all_users: AllUsersOption = False,
    bot: OfBotOption = None,
    form: FormatOption = None,
    fields: Annotated[str | None, fields_option(*_FEEDBACK.names)] = None,
    store: StoreOption = None,
) -> None:
    """List the feedback that was given.

    Without a message_id it is on the whole session. The fields: session_id, message_id, rating, comment, time, bot_id,
    user.

    Example: botchat feedback list --all-users --bot local
    """
    check_whose(user, all_users=all_users)
    with opened_store(settings_with(store, user), writing=False) as (chat, name):
        if not print_rows(_rows(chat, None if all_users else name, bot), _FEEDBACK, form, fields):
            say(f"There is no such feedback in {chat.store}.")


def export_feedback(
    output: Annotated[str, typer.Option("--output", "-o", help="The file to write.", metavar="FILE")],
    form: Annotated[FileFormat, typer.Option("--format", "-F", help="How to write it.")] = FileFormat.csv,
    user: UserOption = None,
    all_users: AllUsersOption = False,
    bot: OfBotOption = None,
    store: StoreOption = None,
) -> None:
    """Write the feedback that was given to a file.

    Example: botchat feedback export --all-users -o feedback.csv
    """
    check_whose(user, all_users=all_users)
    with opened_store(settings_with(store, user), writing=False) as (chat, name):
        rows = list(_rows(chat, None if all_users else name, bot))
        parts = row_parts(rows, _NAMES, RowFormat(form.value))
        to = checked_output(output, chat.store)
        if to is None:
            write(parts)
            return
        write_file(Path(to), parts)
        say(f"{counted(len(rows), 'line')} of feedback exported to {output}.")


def _rows(chat: "Chat", user: str | None, bot: str | None) -> Iterator[Row]:
    for given in chat.for_admins().feedback(SessionFilter(user=user, state=None, bot_id=bot)):
        said = {name: given.feedback.get(name) for name in ("rating", "comment", "time")}
        yield given._asdict() | said
