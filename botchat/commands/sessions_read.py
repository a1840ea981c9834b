"""The commands of `botchat sessions` that read: list, search, show, tail, stats."""

import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from botchat.commands.output.tables import Columns, FormatOption, Row, RowFormat, fields_option, print_rows
from botchat.commands.sessions_context import context_annotations, print_context_usage
from botchat.commands.support.exit_codes import PARTIAL_FAILURE
from botchat.commands.support.options import (
    AllUsersOption,
    ArchivedOption,
    BotFilterOption,
    DeletedOption,
    IdArgument,
    SinceOption,
    StoreOption,
    UntilOption,
    UserOption,
    check_user_options,
    filter_from_options,
    open_user_store,
    print_notice,
    settings_from_options,
)
from botchat.commands.support.session_selectors import find_one, find_session, pluralize
from botchat.commands.support.streams import write_stdout
from botchat.core.errors import InvalidInput
from botchat.core.models import PAGE_SIZE, SessionFilter, now
from botchat.durations import parse_time

if TYPE_CHECKING:
    from botchat.core.chat import Chat
    from botchat.core.models import Message, Page, Session, SessionSummary

AfterOption = Annotated[str | None, typer.Option(help="Cursor of the previous page.", metavar="CURSOR")]
LimitOption = Annotated[
    int, typer.Option("--limit", "-n", help="Maximum number of results.", min=1, max=1_000_000, metavar="N")
]

_NAMES = ("id", "name", "bot_id", "message_count", "create_time", "update_time", "state", "pinned", "user")
_COLUMNS = Columns(
    names=_NAMES, in_table=("id", "name", "create_time", "message_count", "bot_id", "update_time"), flexible="name"
)
_ALL_USERS_COLUMNS = Columns(
    names=_NAMES, in_table=("id", "user", "name", "create_time", "message_count", "bot_id"), flexible="name"
)
_SEARCH_COLUMNS = Columns(
    names=(*_NAMES, "message", "excerpt"), in_table=("id", "excerpt", "name", "create_time"), flexible="excerpt"
)
_STATS = (
    "sessions",
    "messages",
    "prompt_tokens",
    "completion_tokens",
    "latency_p50_ms",
    "latency_p95_ms",
    "up",
    "down",
)

# Another process stores its reply in progress once a second.
_POLL_SECONDS = 0.5


def list_sessions(
    user: UserOption = None,
    all_users: AllUsersOption = False,
    bot: BotFilterOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    archived: ArchivedOption = False,
    deleted: DeletedOption = False,
    after: AfterOption = None,
    limit: LimitOption = PAGE_SIZE,
    output_format: FormatOption = None,
    fields: Annotated[str | None, fields_option(*_ALL_USERS_COLUMNS.names)] = None,
    ids_only: Annotated[bool, typer.Option("--ids-only", help="Print only the IDs, as -F ids.")] = False,
    store: StoreOption = None,
) -> None:
    """List sessions, newest first.

    If there are more results, the cursor of the next page is printed on stderr.

    Example: botchat sessions list --since 7d
    """
    where = filter_from_options(bot=bot, since=since, until=until, archived=archived, deleted=deleted)
    check_user_options(user, all_users=all_users)
    with open_user_store(settings_from_options(store, user), create=False) as (chat, name):
        page = _page(chat, name, after, limit, where, all_users=all_users)
        rows = (session._asdict() for session in page.sessions)
        columns = _ALL_USERS_COLUMNS if all_users else _COLUMNS
        print_rows(rows, columns, effective_format(output_format, ids_only=ids_only), fields, page.next)
        if not page.sessions:
            owner = "" if all_users else f" of {name}"
            print_notice(f"No {'more ' if after else ''}sessions{owner} found in {chat.store}.")


def search(
    words: Annotated[list[str], typer.Argument(help="Words that the session must contain.", metavar="WORD")],
    user: UserOption = None,
    all_users: AllUsersOption = False,
    bot: BotFilterOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    archived: ArchivedOption = False,
    deleted: DeletedOption = False,
    after: AfterOption = None,
    limit: LimitOption = PAGE_SIZE,
    output_format: FormatOption = None,
    fields: Annotated[str | None, fields_option(*_SEARCH_COLUMNS.names)] = None,
    ids_only: Annotated[bool, typer.Option("--ids-only", help="Print only the IDs, as -F ids.")] = False,
    store: StoreOption = None,
) -> None:
    """Search sessions by name and content, newest first.

    A session matches if its name and messages contain all the words. Case is ignored. The field message is the number
    of the first matching message.

    Example: botchat sessions search heron lake
    """
    text = " ".join(words)
    where = filter_from_options(bot=bot, since=since, until=until, archived=archived, deleted=deleted, text=text)
    check_user_options(user, all_users=all_users)
    with open_user_store(settings_from_options(store, user), create=False) as (chat, name):
        page = _page(chat, name, after, limit, where, all_users=all_users)
        selected_format = effective_format(output_format, ids_only=ids_only)
        rows: Iterator[Row] = (session._asdict() for session in page.sessions)
        if selected_format != "ids":
            rows = (_with_excerpt(chat, session, text) for session in page.sessions)
        print_rows(rows, _SEARCH_COLUMNS, selected_format, fields, page.next)
        if not page.sessions:
            print_notice(f"No results in {chat.store}.")


def show(
    session_id: IdArgument,
    last: Annotated[
        int, typer.Option(help="Number of newest messages.", min=1, max=1_000_000, metavar="N")
    ] = PAGE_SIZE,
    output_format: Annotated[
        Literal["md", "json"],
        typer.Option("--format", "-F", help="json prints the complete record, even a damaged one.", metavar="FORMAT"),
    ] = "md",
    all_users: AllUsersOption = False,
    store: StoreOption = None,
    user: UserOption = None,
) -> None:
    """Show a session's newest messages, with their numbers.

    If the session is damaged, use -F json to print the record as stored.

    Example: botchat sessions show @last
    """
    check_user_options(user, all_users=all_users)
    with open_user_store(settings_from_options(store, user), create=False) as (chat, name):
        found = find_one(chat, name, session_id, all_users=all_users)
        if output_format == "json":
            _write_record(chat, found.user, found.id)
            return
        session = chat.open(found.user, found.id, last)
        _write_printable(_transcript(session, context_annotations(chat, session)))
        print_context_usage(session)
        if session.first:
            print_notice(f"{pluralize(session.first, 'earlier message')} not shown. To show more, use: --last N")
        if session.state == "trash":
            print_notice(f"This session is in the trash. To restore it: botchat sessions restore {session.id}")


def tail(
    session_id: IdArgument,
    last: Annotated[int, typer.Option(help="Number of newest messages to start with.", min=1, metavar="N")] = 10,
    store: StoreOption = None,
    user: UserOption = None,
) -> None:
    """Follow a session, and print new messages as they are saved.

    Starts with the newest messages. Press Ctrl+C to stop.

    Example: botchat sessions tail @last
    """
    with open_user_store(settings_from_options(store, user), create=False) as (chat, name):
        found = find_session(chat, name, session_id).id
        written: dict[str, Message] = {}
        while True:
            session = chat.open(name, found, last)
            for number, message in enumerate(session.messages, session.first + 1):
                _write_printable(_new_text(message, number, session.bot_id, written))
            last = PAGE_SIZE
            time.sleep(_POLL_SECONDS)


def stats(
    by: Annotated[
        Literal["user", "bot", "model", "day"], typer.Option(help="Group: user, bot, model or day.", metavar="GROUP")
    ] = "day",
    user: UserOption = None,
    all_users: AllUsersOption = False,
    bot: BotFilterOption = None,
    since: Annotated[
        str | None, typer.Option(help="Only messages since a time: 2026-11-01, or 7d (7 days ago).", metavar="TIME")
    ] = None,
    until: Annotated[str | None, typer.Option(help="Only messages before a time.", metavar="TIME")] = None,
    output_format: FormatOption = None,
    fields: Annotated[str | None, fields_option("user", "bot", "model", "day", *_STATS)] = None,
    store: StoreOption = None,
) -> None:
    """Show usage: sessions, messages, tokens, latency and ratings.

    Archived sessions and sessions in the trash count too. The latency of replies is given as p50 (median) and p95, in
    milliseconds. By model, only replies count, under the model that the server reported.

    Example: botchat sessions stats --all-users --by bot --since 30d
    """
    check_user_options(user, all_users=all_users)
    start, end = (parse_time(text, now()) if text is not None else None for text in (since, until))
    with open_user_store(settings_from_options(store, user), create=False) as (chat, name):
        where = SessionFilter(user=None if all_users else name, state=None, bot_id=bot)
        found = chat.for_admins().stats(by, where, start, end)
        rows = (
            {by: stat.key, "latency_p50_ms": stat.latency_ms(50), "latency_p95_ms": stat.latency_ms(95)}
            | {name: getattr(stat, name) for name in _STATS if not name.startswith("latency")}
            for stat in found
        )
        columns = Columns(names=(by, *_STATS), in_table=(by, *_STATS), flexible="", key=by)
        if not print_rows(rows, columns, output_format, fields):
            print_notice("No activity in this period.")


def effective_format(output_format: RowFormat | None, *, ids_only: bool) -> RowFormat | None:
    """Return the output format; `--ids-only` means `--format ids`.

    Raises:
        InvalidInput: --ids-only and another format are given.
    """
    if ids_only and output_format not in (None, RowFormat.ids):
        raise InvalidInput("Use --ids-only or another --format, not both.")
    return RowFormat.ids if ids_only else output_format


def _page(chat: "Chat", user: str, after: str | None, limit: int, where: SessionFilter, *, all_users: bool) -> "Page":
    if all_users:
        return chat.for_admins().page(after, limit, where)
    return chat.page(user, after, limit, where)


def _with_excerpt(chat: "Chat", session: "SessionSummary", text: str) -> Row:
    excerpt = chat.excerpt(session.user, session.id, text)
    return session._asdict() | {
        "message": excerpt.number if excerpt else None,
        "excerpt": excerpt.text if excerpt else session.name,
    }


def _transcript(session: "Session", above: dict[str, list[str]]) -> Iterator[str]:
    """Yield the shown branch as Markdown; a message's number is its position among all messages of the session."""
    from botchat.core.chat import branch_of
    from botchat.core.exporting import message_to_markdown, title_to_markdown

    numbers = {message.id: number for number, message in enumerate(session.messages, session.first + 1)}
    yield title_to_markdown(session)
    for message in branch_of(session.messages, session.head):
        yield from above.get(message.id, ())
        yield message_to_markdown(message, session.bot_id, numbers[message.id])


def _new_text(message: "Message", number: int, bot_id: str, written: "dict[str, Message]") -> Iterator[str]:
    """Yield the part of a message that was not written yet, and record the message in `written`."""
    from botchat.core.exporting import ending_to_markdown, message_to_markdown

    before = written.get(message.id)
    written[message.id] = message
    if before is None and message.status == "streaming":
        yield message_to_markdown(replace(message, payload=None), bot_id, number).rstrip("\n")
    elif before is None:
        yield message_to_markdown(message, bot_id, number)
    else:
        yield message.content[len(before.content) :]
        if before.status == "streaming" != message.status:
            yield "\n" + ending_to_markdown(message)


def _write_record(chat: "Chat", user: str, session_id: str) -> None:
    """Write a record as JSON; if it is damaged, write it as stored, report the reason, and exit with code 7."""
    from botchat.core.admin import DamagedRecord
    from botchat.core.exporting import printable, to_json, to_raw_json

    record = chat.for_admins().record(user, session_id)
    parts = [to_raw_json(record.raw), "\n"] if isinstance(record, DamagedRecord) else to_json(record)
    write_stdout(map(printable, parts) if sys.stdout.isatty() else parts)
    if isinstance(record, DamagedRecord):
        print_notice(str(record))
        raise typer.Exit(PARTIAL_FAILURE)


def _write_printable(parts: Iterable[str]) -> None:
    from botchat.core.exporting import printable

    write_stdout(printable(part) for part in parts)
