"""The commands `sessions forget` and `sessions fork`, and the notes about the bot's context in a transcript."""

from typing import TYPE_CHECKING, Annotated

import typer

from botchat.commands.support.options import (
    IdArgument,
    StoreOption,
    UserOption,
    open_user_store,
    print_notice,
    settings_from_options,
)
from botchat.commands.support.session_selectors import find_message_id, find_session, print_ids
from botchat.commands.support.streams import write_stdout
from botchat.core.errors import InvalidInput

if TYPE_CHECKING:
    from botchat.core.chat import Chat
    from botchat.core.models import Session


def forget(
    session_id: IdArgument,
    before: Annotated[
        str | None,
        typer.Option(
            help="First message to send to the bot: its number in `botchat sessions show`, or its ID.", metavar="N"
        ),
    ] = None,
    undo: Annotated[bool, typer.Option("--undo", help="Send all messages to the bot again.")] = False,
    store: StoreOption = None,
    user: UserOption = None,
) -> None:
    """Clear the context above a message.

    Messages above it are kept but no longer sent to the bot. --undo restores the context.

    Example: botchat sessions forget @last --before 5
    """
    if (before is None) != undo:
        raise InvalidInput("Use either --before N or --undo.")
    with open_user_store(settings_from_options(store, user), create=False) as (chat, user_name):
        summary = find_session(chat, user_name, session_id)
        message_id = None if before is None else find_message_id(chat, summary, before)
        chat.set_context_start(user_name, chat.open(user_name, summary.id), message_id)
        print_ids([summary])


def fork(
    session_id: IdArgument,
    at: Annotated[int | None, typer.Option("--at", help="Copy the messages up to this number.", metavar="N")] = None,
    from_: Annotated[
        str | None, typer.Option("--from", help="Copy this message (number or ID) and the ones after it.", metavar="N")
    ] = None,
    store: StoreOption = None,
    user: UserOption = None,
) -> None:
    """Copy messages to a new session.

    By default it copies all messages of the shown branch. The ID of the new session is printed on stdout.

    Example: botchat sessions fork @last --at 4
    """
    if at is not None and from_ is not None:
        raise InvalidInput("Use --at or --from, not both.")
    with open_user_store(settings_from_options(store, user), create=False) as (chat, user_name):
        summary = find_session(chat, user_name, session_id)
        if from_ is None:
            session = chat.fork(user_name, summary.id, at)
        else:
            session = chat.continue_in_new_session(
                user_name, chat.open(user_name, summary.id), find_message_id(chat, summary, from_)
            )
        write_stdout([f"{session.id}\n"])


def context_annotations(chat: "Chat", session: "Session") -> "dict[str, list[str]]":
    """Return the Markdown notes above messages, by message id: the start of the context, and new topics if enabled."""
    from botchat.core.chat import branch_of, context_usage, topic_starts

    lines: dict[str, list[str]] = {}
    if usage := context_usage(session):
        lines[usage.first_id] = [f"\n---\n\n*{usage.description}*\n"]
        if usage.summary:
            lines[usage.first_id].append(f"\n{_blockquote(usage.summary)}\n")
    if chat.preferences(session.user).topics == "shown":
        for message_id in topic_starts(branch_of(session.messages, session.head)):
            lines.setdefault(message_id, []).append("\n---\n\n*New topic*\n")
    return lines


def print_context_usage(session: "Session") -> None:
    """Print how many messages of a session are sent to its bot, if not all."""
    from botchat.core.chat import context_usage

    if usage := context_usage(session):
        print_notice(usage.description)


def _blockquote(text: str) -> str:
    return "\n".join(f"> {line}".rstrip() for line in text.splitlines())
