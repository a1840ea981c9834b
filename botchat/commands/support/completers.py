"""Shell completion from the config and the store: bots, sessions, users, API tokens and columns.

A completer raises no errors and writes nothing. It returns nothing if MongoDB doesn't answer within TIMEOUT_SECONDS.

Shells evaluate the results (Typer's zsh script with eval), and a name may come from a bot or from another user: so
values and help texts contain only letters, digits and safe punctuation.
"""

import os
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING

import typer

from botchat.core.errors import BotchatError

if TYPE_CHECKING:
    from botchat.core.chat import Chat
    from botchat.settings import Settings

COMPLETE_VARIABLE = "_BOTCHAT_COMPLETE"
"""The environment variable with the request of a shell's completion script: `complete_bash`, `complete_zsh`, …"""

TIMEOUT_SECONDS = 2.0
"""Time limit for MongoDB."""
_MAX_ITEMS = 200
_SAFE_PUNCTUATION = " .,-_@"

Item = tuple[str, str]
"""A value, and the help text that the shell shows next to it."""


def complete_bot(incomplete: str) -> list[str]:
    """Complete the name of a bot, from the config."""
    from botchat.bootstrap import build_turns
    from botchat.settings import load_settings

    try:
        return [bot_id for bot_id in build_turns(load_settings()).bots if bot_id.startswith(incomplete)]
    except BotchatError:  # completion prints no errors
        return []


def complete_session(ctx: typer.Context, incomplete: str) -> list[Item]:
    """Complete the ID or the name of a session, newest first."""

    def read(chat: "Chat", user: str) -> Iterator[Item]:
        for session in chat.page(user, limit=_MAX_ITEMS).sessions:
            yield session.id, session.name
            yield session.name, session.id

    return _complete_from_store(ctx, incomplete, read)


def complete_user(ctx: typer.Context, incomplete: str) -> list[Item]:
    """Complete the name of a user who has an account or sessions."""

    def read(chat: "Chat", _: str) -> Iterator[Item]:
        accounts = {account.user for account in chat.auth.accounts()}
        with_sessions = {each.user for each in islice(chat.for_admins().users(), _MAX_ITEMS)}
        for user in sorted(accounts | with_sessions):
            yield user, "has an account" if user in accounts else "has sessions"

    return _complete_from_store(ctx, incomplete, read)


def complete_token(ctx: typer.Context, incomplete: str) -> list[Item]:
    """Complete the ID of an API token; the help text is its user and name."""

    def read(chat: "Chat", _: str) -> Iterator[Item]:
        for token in chat.auth.tokens():
            yield token.id, f"{token.user} {token.name}"

    return _complete_from_store(ctx, incomplete, read)


def columns_completer(names: Iterable[str]) -> Callable[[str], list[str]]:
    """Return a completer of `--fields` for a list with these columns; it completes the name after the last comma."""
    known = tuple(names)

    def complete(incomplete: str) -> list[str]:
        before, comma, last = incomplete.rpartition(",")
        used = before.split(",")
        return [f"{before}{comma}{name}" for name in known if name.startswith(last) and name not in used]

    return complete


def _complete_from_store(
    ctx: typer.Context, incomplete: str, read: "Callable[[Chat, str], Iterator[Item]]"
) -> list[Item]:
    from botchat.bootstrap import is_mongodb, sqlite_path
    from botchat.settings import load_settings

    found: list[Item] = []
    with suppress(BotchatError):
        settings = load_settings(store=ctx.params.get("store"), user=ctx.params.get("user"))
        collect = partial(_collect, settings, read, incomplete, found)
        if is_mongodb(settings.store):
            reader = threading.Thread(target=collect, daemon=True)  # doesn't keep the process alive
            reader.start()
            reader.join(TIMEOUT_SECONDS)
        elif sqlite_path(settings.store).is_file():  # opening it would create it
            collect()
    return list(found)


def _collect(
    settings: "Settings", read: "Callable[[Chat, str], Iterator[Item]]", incomplete: str, found: list[Item]
) -> None:
    from botchat.bootstrap import open_store

    with suppress(BotchatError), open_store(settings, create=False) as chat:
        found.extend(islice(_matching(read(chat, settings.user), incomplete), _MAX_ITEMS))


def _matching(items: Iterable[Item], incomplete: str) -> Iterator[Item]:
    for value, shown in items:
        if value.startswith(incomplete) and value and all(map(_is_safe, value)):
            yield _shell_value(value), "".join(c if _is_safe(c) else " " for c in shown).strip()


def _is_safe(character: str) -> bool:
    return character.isalnum() or character in _SAFE_PUNCTUATION


class _BashValue(str):
    """A value whose formatted text has escaped spaces, as bash needs; other shells escape them themselves."""

    __slots__ = ()

    def __format__(self, spec: str) -> str:
        return format(self.replace(" ", "\\ "), spec)


def _shell_value(value: str) -> str:
    return _BashValue(value) if os.environ.get(COMPLETE_VARIABLE, "").endswith("bash") else value
