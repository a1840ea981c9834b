"""The commands of `botchat sessions` that change: rename, pin, archive, delete, their opposites, and redact."""

import shlex
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Annotated, Unpack

import typer

from botchat.commands.support.options import (
    AllUsersOption,
    IdArgument,
    IdsArgument,
    StoreOption,
    UserOption,
    check_user_options,
    open_user_store,
    print_notice,
    settings_from_options,
)
from botchat.commands.support.session_selectors import (
    DryRunOption,
    YesOption,
    apply_to_each,
    confirm,
    describe_examples,
    describe_plan,
    find_deleted,
    find_message_id,
    find_one,
    find_session,
    find_sessions,
    print_ids,
)
from botchat.core.errors import InvalidInput
from botchat.core.models import SessionChanges, SessionSummary, State

if TYPE_CHECKING:
    from botchat.core.chat import Chat, Quote


def rename(
    session_id: IdArgument,
    name: Annotated[list[str], typer.Argument(help="New name.", metavar="NAME")],
    all_users: AllUsersOption = False,
    store: StoreOption = None,
    user: UserOption = None,
) -> None:
    """Rename a session.

    Example: botchat sessions rename @last Herons of the north
    """
    check_user_options(user, all_users=all_users)
    with open_user_store(settings_from_options(store, user), create=False) as (chat, user_name):
        session = find_one(chat, user_name, session_id, all_users=all_users)
        chat.update(session.user, session.id, name=" ".join(name))
        print_ids([session])


def pin(
    ids: IdsArgument, all_users: AllUsersOption = False, store: StoreOption = None, user: UserOption = None
) -> None:
    """Pin sessions.

    Retention policies and `sessions prune` skip pinned sessions.

    Example: botchat sessions pin @last
    """
    _change_each(ids, store, user, _update_each(pinned=True), all_users, "Pinned")


def unpin(
    ids: IdsArgument, all_users: AllUsersOption = False, store: StoreOption = None, user: UserOption = None
) -> None:
    """Unpin sessions.

    Example: botchat sessions unpin @last
    """
    _change_each(
        ids,
        store,
        user,
        lambda chat, session: chat.update(session.user, session.id, pinned=False),
        all_users,
        "Unpinned",
    )


def tag(
    ids: IdsArgument,
    add: Annotated[list[str] | None, typer.Option("--add", help="Tag to add. Repeatable.", metavar="TAG")] = None,
    remove: Annotated[
        list[str] | None, typer.Option("--remove", help="Tag to remove. Repeatable.", metavar="TAG")
    ] = None,
    all_users: AllUsersOption = False,
    store: StoreOption = None,
    user: UserOption = None,
) -> None:
    """Add tags to sessions, or remove them.

    Example: botchat sessions tag @last --add birds --remove todo
    """
    if not (add or remove):
        raise InvalidInput("Use --add TAG or --remove TAG.")

    def change(chat: "Chat", session: SessionSummary) -> None:
        tags = chat.open(session.user, session.id, 1).tags
        kept = [each for each in tags if each not in (remove or [])]
        chat.update(session.user, session.id, tags=list(dict.fromkeys([*kept, *(add or [])])))

    _change_each(ids, store, user, change, all_users, "Tagged")


def archive(
    ids: IdsArgument, all_users: AllUsersOption = False, store: StoreOption = None, user: UserOption = None
) -> None:
    """Archive sessions.

    Archived sessions are kept, but not listed by default.

    Example: botchat sessions list --until 90d --ids-only | botchat sessions archive -
    """
    _change_each(
        ids, store, user, lambda chat, session: _move(chat, session, "active", "archived"), all_users, "Archived"
    )


def unarchive(
    ids: IdsArgument, all_users: AllUsersOption = False, store: StoreOption = None, user: UserOption = None
) -> None:
    """Unarchive sessions.

    Example: botchat sessions list --archived --ids-only | botchat sessions unarchive -
    """
    _change_each(
        ids, store, user, lambda chat, session: _move(chat, session, "archived", "active"), all_users, "Unarchived"
    )


def restore(
    ids: IdsArgument, all_users: AllUsersOption = False, store: StoreOption = None, user: UserOption = None
) -> None:
    """Restore sessions from the trash.

    Deleted sessions stay in the trash for 30 days. Here @last is the session that was deleted last, and @1 the first of
    `botchat sessions list --deleted`.

    Example: botchat sessions restore @last
    """
    check_user_options(user, all_users=all_users)
    with open_user_store(settings_from_options(store, user), create=False) as (chat, user_name):
        sessions = find_sessions(chat, user_name, ids, find_deleted, all_users=all_users)
        print_ids(apply_to_each(sessions, lambda session: _restore(chat, session), "Restored"))


def delete(
    ids: IdsArgument,
    purge: Annotated[bool, typer.Option("--purge", help="Delete permanently instead of moving to the trash.")] = False,
    all_users: AllUsersOption = False,
    dry_run: DryRunOption = False,
    yes: YesOption = False,
    store: StoreOption = None,
    user: UserOption = None,
) -> None:
    """Move sessions to the trash, or delete them permanently.

    Sessions in the trash are permanently deleted after 30 days. The IDs of the deleted sessions are printed on stdout.

    Example: botchat sessions delete @last
    """
    check_user_options(user, all_users=all_users)
    with open_user_store(settings_from_options(store, user), create=False) as (chat, user_name):
        sessions = find_sessions(chat, user_name, ids, all_users=all_users)
        if dry_run:
            print_ids(sessions)
            return
        confirm(
            describe_plan({"purge" if purge else "trash": sessions}),
            describe_examples(sessions),
            yes=yes or not sessions,
        )
        change = chat.purge if purge else chat.delete
        verb = "Permanently deleted" if purge else "Moved to the trash:"
        print_ids(apply_to_each(sessions, lambda session: change(session.user, session.id), verb))


def redact(
    session_id: IdArgument,
    message: Annotated[
        str,
        typer.Option("--message", "-m", help="Message number in `botchat sessions show`, or message ID.", metavar="N"),
    ],
    with_quotes: Annotated[
        bool, typer.Option("--quotes", help="Also redact its copies and the messages that quote it.")
    ] = False,
    yes: YesOption = False,
    store: StoreOption = None,
    user: UserOption = None,
) -> None:
    """Permanently remove a message's content from the store.

    Removes its content, reasoning, attachments and feedback comments, the session's summary, and the session's name if
    it came from the message. Messages that quote it (six consecutive words, a number or a code) are listed on stderr;
    on a terminal you are asked whether to redact them too.

    Example: botchat sessions redact @last --message 3 --quotes
    """
    with open_user_store(settings_from_options(store, user), create=False) as (chat, user_name):
        session = find_session(chat, user_name, session_id)
        message_id = find_message_id(chat, session, message)
        question = f"Permanently remove the content of message {message} of {session.name!r}? This can't be undone."
        confirm(question, describe_examples([session]), yes=yes, has_dry_run=False)
        found = [] if yes or with_quotes else chat.quotes(user_name, session.id, message_id)
        if found:
            examples = [f"message {quote.number} of session {quote.session_id} ({quote.role})" for quote in found]
            thing = "message that quotes or copies it" if len(found) == 1 else "messages that quote or copy it"
            print_notice(f"{len(found):,} {thing}: {'; '.join(examples)}")
            with_quotes = typer.confirm("Redact them too? This can't be undone.", err=True)
        left = chat.redact(user_name, session.id, message_id, with_quotes=with_quotes)
        print_ids([session])
        _report_quotes(left, message_id)


def _report_quotes(left: Iterable["Quote"], message_id: str) -> None:
    """Report the messages that still quote redacted text, with the command that redacts them."""
    for quote in left:
        what = "A copy of this message is" if quote.message_id == message_id else "This message is quoted"
        again = shlex.join(["botchat", "sessions", "redact", quote.session_id, "-m", quote.message_id])
        print_notice(f"{what} in {quote.session_id}, message {quote.number} ({quote.role}). To redact it too: {again}")


def _change_each(
    ids: list[str],
    store: str | None,
    user: str | None,
    change: Callable[["Chat", SessionSummary], object],
    all_users: bool,  # noqa: FBT001  (as the option)
    done_verb: str,
) -> None:
    """Change the given sessions, and print the ids of those that were changed."""
    check_user_options(user, all_users=all_users)
    with open_user_store(settings_from_options(store, user), create=False) as (chat, user_name):
        sessions = find_sessions(chat, user_name, ids, all_users=all_users)
        print_ids(apply_to_each(sessions, lambda session: change(chat, session), done_verb))


def _update_each(**changes: Unpack[SessionChanges]) -> 'Callable[["Chat", SessionSummary], None]':
    def update(chat: "Chat", session: SessionSummary) -> None:
        chat.update(session.user, session.id, **changes)

    return update


def _restore(chat: "Chat", session: SessionSummary) -> None:
    """Move a session from the trash to the list.

    Raises:
        InvalidInput: it isn't in the trash.
    """
    if session.state != "trash":
        raise InvalidInput(f"Session {session.name!r} isn't in the trash. It was not changed.")
    chat.update(session.user, session.id, state="active")


def _move(chat: "Chat", session: SessionSummary, source: State, target: State) -> None:
    """Move a session from one state to another; do nothing if it is in the new state already.

    Raises:
        InvalidInput: the session is in neither state.
    """
    if session.state not in (source, target):
        descriptions = {"active": "not in the trash", "archived": "archived", "trash": "in the trash"}
        raise InvalidInput(f"This session is {descriptions[session.state]}. It was not changed.")
    if session.state == source:
        chat.update(session.user, session.id, state=target)
