"""The commands about what a bot is shown: forget what came before, and begin a new session out of another."""

from typing import TYPE_CHECKING, Annotated

import typer

from botchat.commands.support.options import IdArgument, StoreOption, UserOption, opened_store, say, settings_with
from botchat.commands.support.session_selectors import chosen, message_id_of, print_ids
from botchat.commands.support.streams import write
from botchat.core.errors import InvalidInput

if TYPE_CHECKING:
    from botchat.core.chat import Chat
    from botchat.core.models import Session


def forget(
    session_id: IdArgument,
    before: Annotated[
        str | None,
        typer.Option(help="The first message that the bot is shown: its number as `show` tells it.", metavar="N"),
    ] = None,
    undo: Annotated[bool, typer.Option("--undo", help="Let the bot be shown all of it again.")] = False,
    store: StoreOption = None,
    user: UserOption = None,
) -> None:
    """Let the bot forget what came before a message.

    Nothing is removed: the bot is not shown it any more. --undo takes it back.

    Example: botchat sessions forget @last --before 5
    """
    if (before is None) != undo:
        raise InvalidInput("Say --before N or --undo.")
    with opened_store(settings_with(store, user), writing=False) as (chat, whose):
        summary = chosen(chat, whose, session_id)
        message_id = None if before is None else message_id_of(chat, summary, before)
        chat.set_context_start(whose, chat.open(whose, summary.id), message_id)
        print_ids([summary])


def fork(
    session_id: IdArgument,
    at: Annotated[int | None, typer.Option("--at", help="Copy only up to this message.", metavar="N")] = None,
    from_: Annotated[
        str | None, typer.Option("--from", help="Copy only this message and what follows it.", metavar="N")
    ] = None,
    store: StoreOption = None,
    user: UserOption = None,
) -> None:
    """Begin a new session with a copy of another's messages.

    Its id is on stdout.

    Example: botchat sessions fork @last --at 4
    """
    if at is not None and from_ is not None:
        raise InvalidInput("Say --at or --from, not both.")
    with opened_store(settings_with(store, user), writing=False) as (chat, whose):
        summary = chosen(chat, whose, session_id)
        if from_ is None:
            session = chat.fork(whose, summary.id, at)
        else:
            session = chat.continue_in_new_session(
                whose, chat.open(whose, summary.id), message_id_of(chat, summary, from_)
            )
        write([f"{session.id}\n"])


def lines_above(chat: "Chat", session: "Session") -> "dict[str, list[str]]":
    """Return what stands above messages in Markdown: where the bot's part begins, and new topics if they are wanted."""
    from botchat.core.chat import branch_of, shown, topics_of

    lines: dict[str, list[str]] = {}
    if told := shown(session):
        lines[told.first] = [f"\n---\n\n*{told.sentence}*\n"]
        if told.summary:
            lines[told.first].append(f"\n{_quoted(told.summary)}\n")
    if chat.preferences(session.user).topics == "shown":
        for message_id in topics_of(branch_of(session.messages, session.head)):
            lines.setdefault(message_id, []).append("\n---\n\n*New topic*\n")
    return lines


def tell_shown(session: "Session") -> None:
    """Say how many of a session's messages its bot was sent, where that is not all."""
    from botchat.core.chat import shown

    if told := shown(session):
        say(told.sentence)


def _quoted(text: str) -> str:
    return "\n".join(f"> {line}".rstrip() for line in text.splitlines())
