"""Finds the sessions and messages that arguments select, asks for confirmation, and changes several sessions."""

import difflib
import json
import re
import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from botchat.commands.support.exit_codes import FAILED, PARTIAL_FAILURE
from botchat.commands.support.options import print_notice
from botchat.commands.support.progress import with_progress
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
from botchat.core.models import SessionFilter, SessionSummary

if TYPE_CHECKING:
    from botchat.core.chat import Chat
    from botchat.tui.backend import ChatBackend

MIN_PREFIX = 4
"""The minimum length of an id prefix; a shorter one would too often be a typing error."""

# Errors that concern one session: the next one may succeed.
_SESSION_ERRORS = (SessionNotFound, SessionChanged, SessionTooLarge, InvalidInput, ReplyRunning)

_SUGGESTION_POOL = 500
_SUGGESTION_CUTOFF = 0.85
_MAX_EXAMPLES = 3
_BATCH = 500

YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Skip the confirmation prompt.")]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Print the IDs without changing anything.")]


def find_session(chat: "ChatBackend", user: str, text: str) -> SessionSummary:
    """Find the session that a text selects: its id, a prefix of the id, its name, @last, or @N of the list.

    Raises:
        SessionNotFound: there is none; the error suggests similar ones.
        InvalidInput: the text matches several sessions.
    """
    if text.startswith("@") and (found := _find_by_position(chat, user, text)):
        return found
    matching = chat.find(user, text)
    exact = [session for session in matching if session.id == text]
    if not exact and len(text) < MIN_PREFIX:
        matching = [session for session in matching if session.name == text]
    match exact or matching:
        case []:
            raise SessionNotFound(text, near=_suggestions(chat, user, text))
        case [session]:
            return session
        case _:
            listed = "; ".join(f"{session.id} ({session.name})" for session in matching)
            raise InvalidInput(f"{text!r} matches several sessions: {listed}. Use more of the ID.")


def find_deleted(chat: "Chat", user: str, text: str) -> SessionSummary:
    """Find a session as `find_session`, but @last is the one that was deleted last, and @N is of the list of the trash.

    Raises:
        SessionNotFound: there is none; the error suggests similar ones.
        InvalidInput: the text matches several sessions.
    """
    is_last, position = text == "@last", re.fullmatch(r"@([1-9]\d{0,4})", text)
    if not (is_last or position):
        return find_session(chat, user, text)
    where = SessionFilter(user=user, state="trash")
    if position:
        found = chat.page(user, limit=int(position[1]), where=where).sessions[int(position[1]) - 1 :]
    else:
        deleted = (record for record in chat.for_admins().records(where) if record.get("deleted_time"))
        latest = max(deleted, key=lambda record: record["deleted_time"], default=None)
        found = tuple(s for s in chat.find(user, latest["_id"]) if s.id == latest["_id"]) if latest else ()
    if not found:
        raise SessionNotFound(text)
    return found[0]


def find_sessions(
    chat: "Chat",
    user: str,
    texts: Sequence[str],
    find: 'Callable[["Chat", str, str], SessionSummary]' = find_session,
    *,
    all_users: bool = False,
) -> list[SessionSummary]:
    """Find the sessions that texts select, without duplicates; `-` reads them from stdin, one per line.

    With `all_users`, the texts are complete IDs of any user's sessions.

    Raises:
        SessionNotFound, InvalidInput: one of them can't be found; then the others shouldn't be changed either.
    """
    named = [name for text in texts for name in (_ids_from_stdin() if text == "-" else [text])]
    if all_users:
        return _find_of_all_users(chat, list(dict.fromkeys(named)))
    return list({session.id: session for session in (find(chat, user, name) for name in named)}.values())


def find_one(chat: "Chat", user: str, text: str, *, all_users: bool) -> SessionSummary:
    """Find the session that a text selects: of the user, or by its complete ID of any user.

    Raises:
        SessionNotFound: there is none.
        InvalidInput: the text matches several sessions.
    """
    return _find_of_all_users(chat, [text])[0] if all_users else find_session(chat, user, text)


def _find_of_all_users(chat: "Chat", ids: Sequence[str]) -> list[SessionSummary]:
    """Find sessions of any user by their complete IDs, in the order of the IDs.

    Raises:
        SessionNotFound: one of them doesn't exist.
        InvalidInput: one of them is the ID of sessions of several users.
    """
    found: dict[str, SessionSummary] = {}
    admin = chat.for_admins()
    for start in range(0, len(ids), _BATCH):
        where = SessionFilter(state=None, ids=tuple(ids[start : start + _BATCH]))
        for session in admin.summaries(where):
            if session.id in found:
                users = " and ".join(sorted({session.user, found[session.id].user}))
                raise InvalidInput(f"{session.id} is a session of {users}. Choose one with --user instead.")
            found[session.id] = session
    if missing := [each for each in ids if each not in found]:
        if re.fullmatch(r"@(last|\d+)", missing[0]):
            raise InvalidInput(f"{missing[0]} can't be used with --all-users: use the complete ID.")
        raise SessionNotFound(missing[0])
    return [found[each] for each in ids]


def find_message_id(chat: "Chat", session: SessionSummary, text: str) -> str:
    """Return the id of the message that a text selects: its number, starting at 1, or its id.

    Raises:
        MessageNotFound: there is no message with that number.
    """
    if not text.isdecimal():
        return text
    number = int(text)
    if not 1 <= number <= session.message_count:
        raise MessageNotFound(text)
    return chat.messages_before(session.user, session.id, number, 1)[0].id


def confirm(question: str, examples: Iterable[str], *, yes: bool, has_dry_run: bool = True) -> None:
    """Ask for confirmation on stderr, below a few examples; if the user declines, exit with code 1.

    Raises:
        InvalidInput: there is no terminal to ask on, and --yes is not given.
    """
    if yes:
        return
    if not sys.stdin.isatty():
        hint = ", or --dry-run to preview" if has_dry_run else ""
        raise InvalidInput(f"{question} Can't prompt without a terminal: pass --yes{hint}.")
    for example in examples:
        typer.echo(f"  {example}", err=True)
    if not typer.confirm(question, err=True):
        print_notice("Canceled. Nothing was changed.")
        raise typer.Exit(FAILED)


def describe_examples(sessions: Sequence[SessionSummary]) -> list[str]:
    """Return lines that describe the first 3 sessions and count the others."""
    from botchat.core.exporting import one_line

    described = [
        f"{s.id}  {one_line(s.name)}  ({pluralize(s.message_count, 'message')})" for s in sessions[:_MAX_EXAMPLES]
    ]
    rest = len(sessions) - _MAX_EXAMPLES
    return [*described, f"and {rest:,} more"] if rest > 0 else described


def pluralize(number: int, thing: str = "session") -> str:
    """Return a number with its noun: 1 session, 1,234 sessions."""
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def count_with_users(sessions: Collection[SessionSummary]) -> str:
    """Return the number of sessions and whose they are: 1 session of ann, 12 sessions of 3 users."""
    users = {session.user for session in sessions}
    return f"{pluralize(len(sessions))} of {users.pop() if len(users) == 1 else pluralize(len(users), 'user')}"


def describe_plan(plan: Mapping[str, Sequence[SessionSummary]]) -> str:
    """Return a question about the sessions of each action: "trash", "purge" or "archive"."""
    actions = {"trash": "move {} to the trash", "purge": "permanently delete {}", "archive": "archive {}"}
    parts = [text.format(count_with_users(plan[action])) for action, text in actions.items() if plan.get(action)]
    sentence = " and ".join(parts)
    warning = " Deletion can't be undone." if len(parts) > 1 else " This can't be undone."
    return f"{sentence[:1].upper()}{sentence[1:]}?{warning if plan.get('purge') else ''}"


def apply_to_each(
    sessions: Sequence[SessionSummary], change: Callable[[SessionSummary], object], done_verb: str = ""
) -> Iterator[SessionSummary]:
    """Change sessions one by one, and yield each changed one. Failures are reported; if others succeeded, exit with 7.

    The progress is shown on a terminal. With `done_verb`, such as "Archived", a line at the end counts several sessions
    and their users.

    Raises:
        StoreError: the store is unavailable, full or read-only, so that the others would fail too.
        BotchatError: no session could be changed.
    """
    done = 0
    users = set[str]()
    failures: list[BotchatError] = []
    for session in with_progress(sessions, len(sessions), "sessions", hidden=sys.stdout.isatty()):
        try:
            change(session)
        except _SESSION_ERRORS as error:
            failures.append(error)
            print_notice(f"{session.id}: {error}")
        except StoreError:
            print_notice(f"Stopped after {pluralize(done)}.")
            raise
        else:
            done += 1
            users.add(session.user)
            yield session
    if failures and not done:
        raise failures[-1]
    if done_verb and done > 1:
        whose = next(iter(users)) if len(users) == 1 else pluralize(len(users), "user")
        print_notice(f"{done_verb} {pluralize(done)} of {whose}.")
    if failures:
        print_notice(f"{pluralize(len(failures))} failed, {done:,} succeeded.")
        raise typer.Exit(PARTIAL_FAILURE)


def print_ids(sessions: Iterable[SessionSummary]) -> None:
    """Write ids to stdout, one per line, each as soon as it is known."""
    from botchat.commands.support.streams import write_stdout

    write_stdout(f"{format_id(session.id)}\n" for session in sessions)


def format_id(session_id: str) -> str:
    """Format an id for one line of a pipe: as a JSON string if a line or a terminal would change it."""
    is_plain = session_id.isprintable() and session_id == session_id.strip() and not session_id.startswith(('"', "-"))
    return session_id if is_plain else json.dumps(session_id)


def _find_by_position(chat: "ChatBackend", user: str, text: str) -> SessionSummary | None:
    if text == "@last":
        if session := chat.latest(user):
            return session
        raise SessionNotFound(text)
    if not re.fullmatch(r"@[1-9]\d{0,4}", text):
        return None
    position = int(text[1:])
    sessions = chat.page(user, limit=position).sessions
    if len(sessions) < position:
        raise SessionNotFound(text)
    return sessions[position - 1]


def _suggestions(chat: "ChatBackend", user: str, text: str) -> list[str]:
    """Return sessions whose name contains the text, or whose name or ID is close to it; never unrelated ones."""
    sessions = chat.page(user, limit=_SUGGESTION_POOL).sessions
    found = [session for session in sessions if len(text) >= MIN_PREFIX and text.lower() in session.name.lower()]
    if not found:
        names = {key: session for session in sessions for key in (session.name.lower(), session.id)}
        found = [names[key] for key in difflib.get_close_matches(text.lower(), names, cutoff=_SUGGESTION_CUTOFF)]
    return [f"{session.id} ({session.name})" for session in found[:_MAX_EXAMPLES]]


def _ids_from_stdin() -> list[str]:
    lines = (line.rstrip("\r\n") for line in sys.stdin)
    return [_parse_id(line) for line in lines if line.strip()]


def _parse_id(line: str) -> str:
    if not line.startswith('"'):
        return line
    try:
        return str(json.loads(line))
    except ValueError:  # a name that starts with a quotation mark
        return line
