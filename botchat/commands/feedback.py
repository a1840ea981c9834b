"""The commands of `botchat feedback`: give, list, export."""

from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from botchat.commands.output.tables import Columns, FormatOption, Row, RowFormat, fields_option, format_rows, print_rows
from botchat.commands.sessions_export import check_output
from botchat.commands.support.options import (
    AllUsersOption,
    BotFilterOption,
    IdArgument,
    StoreOption,
    UserOption,
    check_user_options,
    open_user_store,
    print_notice,
    settings_from_options,
)
from botchat.commands.support.session_selectors import find_message_id, find_session, pluralize
from botchat.commands.support.streams import write_file, write_stdout
from botchat.core.models import SessionFilter

if TYPE_CHECKING:
    from botchat.core.chat import Chat

_NAMES = ("session_id", "message_id", "rating", "comment", "time", "bot_id", "user")
_FEEDBACK = Columns(
    names=_NAMES, in_table=("session_id", "rating", "comment", "time", "bot_id"), flexible="comment", key="session_id"
)


class FeedbackFileFormat(StrEnum):
    """The file format of exported feedback."""

    csv = "csv"
    json = "json"
    jsonl = "jsonl"


def give(
    session_id: IdArgument,
    rating: Annotated[
        Literal["up", "down", "none"], typer.Argument(help="up, down, or none to remove the rating.", metavar="RATING")
    ],
    message: Annotated[
        str | None,
        typer.Option("--message", "-m", help="Message number or ID.", metavar="N", show_default="last message"),
    ] = None,
    comment: Annotated[str, typer.Option("--comment", help="Comment.", metavar="TEXT")] = "",
    store: StoreOption = None,
    user: UserOption = None,
) -> None:
    """Rate a message, or remove a rating.

    Example: botchat feedback give @last down --comment "No heron is blue."
    """
    with open_user_store(settings_from_options(store, user), create=False) as (chat, user_name):
        session = find_session(chat, user_name, session_id)
        message_id = find_message_id(chat, session, message or str(session.message_count))
        chat.give_feedback(user_name, session.id, message_id, None if rating == "none" else rating, comment)


def list_feedback(
    user: UserOption = None,
    all_users: AllUsersOption = False,
    bot: BotFilterOption = None,
    output_format: FormatOption = None,
    fields: Annotated[str | None, fields_option(*_FEEDBACK.names)] = None,
    store: StoreOption = None,
) -> None:
    """List feedback.

    Feedback without a message_id is on the whole session.

    Example: botchat feedback list --all-users
    """
    check_user_options(user, all_users=all_users)
    with open_user_store(settings_from_options(store, user), create=False) as (chat, name):
        if not print_rows(_rows(chat, None if all_users else name, bot), _FEEDBACK, output_format, fields):
            print_notice(f"No matching feedback in {chat.store}.")


def export_feedback(
    output: Annotated[str, typer.Option("--output", "-o", help="Output file; - is stdout.", metavar="FILE")],
    output_format: Annotated[
        FeedbackFileFormat, typer.Option("--format", "-F", help="File format.", metavar="FORMAT")
    ] = FeedbackFileFormat.csv,
    user: UserOption = None,
    all_users: AllUsersOption = False,
    bot: BotFilterOption = None,
    store: StoreOption = None,
) -> None:
    """Export feedback to a file.

    Example: botchat feedback export --all-users -o feedback.csv
    """
    check_user_options(user, all_users=all_users)
    with open_user_store(settings_from_options(store, user), create=False) as (chat, name):
        rows = list(_rows(chat, None if all_users else name, bot))
        parts = format_rows(rows, _NAMES, RowFormat(output_format.value))
        target = check_output(output, chat.store)
        if target is None:
            write_stdout(parts)
            return
        write_file(Path(target), parts)
        print_notice(f"Exported {pluralize(len(rows), 'rating')} to {output}.")


def _rows(chat: "Chat", user: str | None, bot: str | None) -> Iterator[Row]:
    for given in chat.for_admins().feedback(SessionFilter(user=user, state=None, bot_id=bot)):
        fields = {name: given.feedback.get(name) for name in ("rating", "comment", "time")}
        yield given._asdict() | fields
