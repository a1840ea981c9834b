"""The commands of `botchat sessions` that change: rename, pin, archive, delete, their opposites, redact, prune."""

import shlex
from collections import Counter
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Annotated

import typer

from botchat.commands.output.tables import Columns, FormatOption, print_rows
from botchat.commands.support.options import (
    AllUsersOption,
    BotFilterOption,
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
    find_message_id,
    find_session,
    find_sessions,
    pluralize,
    print_ids,
)
from botchat.core.errors import InvalidInput, SessionChanged
from botchat.core.models import SessionFilter, SessionSummary, State
from botchat.durations import parse_duration

if TYPE_CHECKING:
    from botchat.core.admin import DueSession, Rule
    from botchat.core.chat import Chat, Quote

_DUE = Columns(
    names=("id", "action", "name", "update_time", "user"),
    in_table=("id", "action", "name", "update_time", "user"),
    flexible="name",
)


def rename(
    session_id: IdArgument,
    name: Annotated[list[str], typer.Argument(help="Its new name.", metavar="NAME")],
    store: StoreOption = None,
    user: UserOption = None,
) -> None:
    """Give a session another name.

    Example: botchat sessions rename @last Herons of the north
    """
    with open_user_store(settings_from_options(store, user), create=False) as (chat, user_name):
        session = find_session(chat, user_name, session_id)
        chat.update(user_name, session.id, name=" ".join(name))
        print_ids([session])


def pin(ids: IdsArgument, store: StoreOption = None, user: UserOption = None) -> None:
    """Pin sessions: what is pinned no policy removes.

    Example: botchat sessions pin @last
    """
    _change_each(ids, store, user, lambda chat, session: chat.update(session.user, session.id, pinned=True))


def unpin(ids: IdsArgument, store: StoreOption = None, user: UserOption = None) -> None:
    """Take the pin from sessions.

    Example: botchat sessions unpin "Herons of the north"
    """
    _change_each(ids, store, user, lambda chat, session: chat.update(session.user, session.id, pinned=False))


def archive(ids: IdsArgument, store: StoreOption = None, user: UserOption = None) -> None:
    """Put sessions into the archive: out of the list, nothing lost.

    Example: botchat sessions list --until 90d --ids-only -n 10000 | botchat sessions archive -
    """
    _change_each(ids, store, user, lambda chat, session: _move(chat, session, "active", "archived"))


def unarchive(ids: IdsArgument, store: StoreOption = None, user: UserOption = None) -> None:
    """Bring sessions back from the archive.

    Example: botchat sessions unarchive @last
    """
    _change_each(ids, store, user, lambda chat, session: _move(chat, session, "archived", "active"))


def restore(ids: IdsArgument, store: StoreOption = None, user: UserOption = None) -> None:
    """Bring deleted sessions back; they are in the trash for 30 days.

    Example: botchat sessions list --deleted --ids-only -n 10000 | botchat sessions restore -
    """
    _change_each(ids, store, user, lambda chat, session: _move(chat, session, "trash", "active"))


def delete(
    ids: IdsArgument,
    purge: Annotated[bool, typer.Option("--purge", help="For ever, instead of into the trash.")] = False,
    dry_run: DryRunOption = False,
    yes: YesOption = False,
    store: StoreOption = None,
    user: UserOption = None,
) -> None:
    """Delete sessions: into the trash for 30 days, or for ever.

    The ids of the deleted are on stdout.

    Example: botchat sessions delete 3f1c2f0e --yes
    """
    with open_user_store(settings_from_options(store, user), create=False) as (chat, user_name):
        sessions = find_sessions(chat, user_name, ids)
        if dry_run:
            print_ids(sessions)
            return
        what = f"Delete {pluralize(len(sessions))}" + (" for ever" if purge else "")
        confirm(what, describe_examples(sessions), yes=yes or not sessions)
        change = chat.purge if purge else chat.delete
        print_ids(apply_to_each(sessions, lambda session: change(session.user, session.id)))


def redact(
    session_id: IdArgument,
    message: Annotated[
        str, typer.Option("--message", "-m", help="Its number as `show` tells it, or its id.", metavar="N")
    ],
    with_quotes: Annotated[
        bool, typer.Option("--quotes", help="Redact the messages that quote it, and its copies, too.")
    ] = False,
    yes: YesOption = False,
    store: StoreOption = None,
    user: UserOption = None,
) -> None:
    """Take a message's words out of the store for ever.

    That is its content, its reasoning, its files, comments on it, the session's name if it was made of them, and the
    session's summary. Messages that quote it are listed on stderr: six words in a row in common, or a number or a code.
    A terminal asks whether to redact them too.

    Example: botchat sessions redact @last --message 3 --quotes
    """
    with open_user_store(settings_from_options(store, user), create=False) as (chat, user_name):
        session = find_session(chat, user_name, session_id)
        message_id = find_message_id(chat, session, message)
        confirm(f"Redact message {message} of {session.name!r} for ever", [session.id], yes=yes, has_dry_run=False)
        found = [] if yes or with_quotes else chat.quotes(user_name, session.id, message_id)
        if found:
            examples = [f"message {quote.number} of session {quote.session_id} ({quote.role})" for quote in found]
            print_notice(f"{pluralize(len(found), 'message')} quoting or copying it: {'; '.join(examples)}")
            with_quotes = typer.confirm("Redact them too?", err=True)
        left = chat.redact(user_name, session.id, message_id, with_quotes=with_quotes)
        print_ids([session])
        _report_quotes(left, message_id)


def _report_quotes(left: Iterable["Quote"], message_id: str) -> None:
    """Report the messages that still quote redacted text, with the command that redacts them."""
    for quote in left:
        what = "A copy of this message is" if quote.message_id == message_id else "This message is quoted"
        again = shlex.join(["botchat", "sessions", "redact", quote.session_id, "-m", quote.message_id])
        print_notice(f"{what} in {quote.session_id}, message {quote.number} ({quote.role}). Redact it too: {again}")


def prune(
    older_than: Annotated[
        str | None,
        typer.Option(help="Not written to for this long: 90d, 12h, 2w, 1y.", metavar="AGE"),
    ] = None,
    bot: BotFilterOption = None,
    to_archive: Annotated[bool, typer.Option("--archive", help="With --older-than: archive them.")] = False,
    purge: Annotated[bool, typer.Option("--purge", help="With --older-than: for ever, not into the trash.")] = False,
    all_users: AllUsersOption = False,
    dry_run: DryRunOption = False,
    yes: YesOption = False,
    output_format: FormatOption = None,
    store: StoreOption = None,
    user: UserOption = None,
) -> None:
    """Delete or archive sessions that nobody wrote to for long.

    Pinned ones stay. Without --older-than it carries out the policy of the config ([[retention]]): what that deletes is
    gone for ever. What went is on stdout: id, action, name, update_time, user.

    Example: botchat sessions prune --all-users --dry-run
    """
    check_user_options(user, all_users=all_users)
    with open_user_store(settings_from_options(store, user), create=False) as (chat, user_name):
        rules = _rules_from_options(chat, older_than, bot, to_archive=to_archive, purge=purge)
        due = {
            (d.session.user, d.session.id): d for d in chat.for_admins().due(None if all_users else user_name, rules)
        }
        if not due:
            print_notice("Nothing is that old.")
        elif dry_run:
            print_rows(map(_due_row, due.values()), _DUE, output_format)
        else:
            into_trash = older_than is not None and not purge
            confirm(
                _describe_plan(due.values(), into_trash=into_trash),
                describe_examples([d.session for d in due.values()]),
                yes=yes,
            )
            act = _due_action(chat, into_trash=into_trash)
            done = apply_to_each([d.session for d in due.values()], lambda session: act(due[session.user, session.id]))
            print_rows((_due_row(due[s.user, s.id]) for s in done), _DUE, output_format)


def _describe_plan(due: Iterable["DueSession"], *, into_trash: bool) -> str:
    """Return a sentence with the planned actions: Delete 3 sessions for ever and archive 2 sessions."""
    actions: Counter[str] = Counter(d.action for d in due)
    plans = {
        "delete": f"delete {pluralize(actions['delete'])}{'' if into_trash else ' for ever'}",
        "archive": f"archive {pluralize(actions['archive'])}",
    }
    plan = " and ".join(plans[action] for action in plans if actions[action])
    return plan[0].upper() + plan[1:]


def _change_each(
    ids: list[str], store: str | None, user: str | None, change: Callable[["Chat", SessionSummary], object]
) -> None:
    """Change the given sessions, and print the ids of those that were changed."""
    with open_user_store(settings_from_options(store, user), create=False) as (chat, user_name):
        sessions = find_sessions(chat, user_name, ids)
        print_ids(apply_to_each(sessions, lambda session: change(chat, session)))


def _move(chat: "Chat", session: SessionSummary, source: State, target: State) -> None:
    """Move a session from one state to another; do nothing if it is in the new state already.

    Raises:
        InvalidInput: the session is in neither state.
    """
    if session.state not in (source, target):
        descriptions = {"active": "not deleted", "archived": "in the archive", "trash": "in the trash"}
        raise InvalidInput(f"This session is {descriptions[session.state]}: nothing was done to it.")
    if session.state == source:
        chat.update(session.user, session.id, state=target)


def _rules_from_options(
    chat: "Chat", older_than: str | None, bot: str | None, *, to_archive: bool, purge: bool
) -> "tuple[Rule, ...] | None":
    """Return the retention rule of the options; None is the policy of the config.

    Raises:
        InvalidInput: options that require --older-than, or exclude each other.
    """
    from botchat.core.admin import Rule

    if older_than is None:
        if bot or to_archive or purge:
            raise InvalidInput("--bot, --archive and --purge go with --older-than; the policy says its own.")
        if not chat.for_admins().has_policy:
            raise InvalidInput("The config has no policy ([[retention]], see `botchat config init`): say --older-than.")
        return None
    if to_archive and purge:
        raise InvalidInput("Say --archive or --purge, not both.")
    return (Rule(older_than=parse_duration(older_than), action="archive" if to_archive else "delete", bot_id=bot),)


def _due_action(chat: "Chat", *, into_trash: bool) -> "Callable[[DueSession], None]":
    def act(due: "DueSession") -> None:
        """Delete or archive the session, unless it was written to or pinned since it was listed."""
        session = due.session
        if due.action == "delete" and not into_trash:
            chat.purge(session.user, session.id, unless_written_since=session.update_time)
            return
        found = chat.for_admins().page(where=SessionFilter(user=session.user, state=None, ids=(session.id,))).sessions
        if not found or found[0].update_time != session.update_time:
            raise SessionChanged
        chat.update(session.user, session.id, state="trash" if due.action == "delete" else "archived")

    return act


def _due_row(due: "DueSession") -> dict[str, object]:
    return due.session._asdict() | {"action": due.action}
