"""What can follow at Tab, out of the config and the store: bots, sessions, users, tokens and columns.

A completer never fails and never writes: whoever presses Tab hasn't asked for an error. It gives up on a server that
doesn't answer within SECONDS.

Shells evaluate the answers (Typer's script for zsh with eval), and a bot or another person may have written a name:
values and help texts have letters, digits and harmless punctuation only.
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
"""The environment variable in which a shell's script says what it asks for: `complete_bash`, `complete_zsh`, …"""

SECONDS = 2.0
"""How long a person waits for an answer to Tab from MongoDB."""
_MOST = 200
_HARMLESS = " .,-_@"

Item = tuple[str, str]
"""A value, and what the shell shows beside it."""


def bot_names(incomplete: str) -> list[str]:
    """Complete the name of a bot, out of the config alone."""
    from botchat.bootstrap import build_turns
    from botchat.settings import load_settings

    try:
        return [bot_id for bot_id in build_turns(load_settings()).bots if bot_id.startswith(incomplete)]
    except BotchatError:
        return []


def session_names(ctx: typer.Context, incomplete: str) -> list[Item]:
    """Complete a session's ID or name, newest first."""

    def read(chat: "Chat", user: str) -> Iterator[Item]:
        for session in chat.page(user, limit=_MOST).sessions:
            yield session.id, session.name
            yield session.name, session.id

    return _completed(ctx, incomplete, read)


def user_names(ctx: typer.Context, incomplete: str) -> list[Item]:
    """Complete the name of a user who has an account or sessions."""

    def read(chat: "Chat", _: str) -> Iterator[Item]:
        accounts = {account.user for account in chat.access.accounts()}
        with_sessions = {each.user for each in islice(chat.for_admins().users(), _MOST)}
        for user in sorted(accounts | with_sessions):
            yield user, "has an account" if user in accounts else "has sessions"

    return _completed(ctx, incomplete, read)


def token_ids(ctx: typer.Context, incomplete: str) -> list[Item]:
    """Complete the ID of an API token; its user and name are shown beside it."""

    def read(chat: "Chat", _: str) -> Iterator[Item]:
        for token in chat.access.tokens():
            yield token.id, f"{token.user} {token.name}"

    return _completed(ctx, incomplete, read)


def column_names(names: Iterable[str]) -> Callable[[str], list[str]]:
    """Make the completer of `--fields` for a list with these columns: the last name after a comma."""
    known = tuple(names)

    def complete(incomplete: str) -> list[str]:
        before, comma, last = incomplete.rpartition(",")
        chosen = before.split(",")
        return [f"{before}{comma}{name}" for name in known if name.startswith(last) and name not in chosen]

    return complete


def _completed(ctx: typer.Context, incomplete: str, read: "Callable[[Chat, str], Iterator[Item]]") -> list[Item]:
    from botchat.bootstrap import is_mongodb, sqlite_path
    from botchat.settings import load_settings

    found: list[Item] = []
    with suppress(BotchatError):
        settings = load_settings(store=ctx.params.get("store"), user=ctx.params.get("user"))
        collect = partial(_collect, settings, read, incomplete, found)
        if is_mongodb(settings.store):
            reader = threading.Thread(target=collect, daemon=True)  # the process ends without it if the store is silent
            reader.start()
            reader.join(SECONDS)
        elif sqlite_path(settings.store).is_file():  # or opening it would make it
            collect()
    return list(found)


def _collect(
    settings: "Settings", read: "Callable[[Chat, str], Iterator[Item]]", incomplete: str, found: list[Item]
) -> None:
    from botchat.bootstrap import open_store

    with suppress(BotchatError), open_store(settings, writing=False) as chat:
        found.extend(islice(_matching(read(chat, settings.user), incomplete), _MOST))


def _matching(items: Iterable[Item], incomplete: str) -> Iterator[Item]:
    for value, shown in items:
        if value.startswith(incomplete) and value and all(map(_is_harmless, value)):
            yield _for_shell(value), "".join(c if _is_harmless(c) else " " for c in shown).strip()


def _is_harmless(character: str) -> bool:
    return character.isalnum() or character in _HARMLESS


class _InBash(str):
    """A value that is compared as it is and written with its spaces quoted, as bash takes it; others quote it."""

    __slots__ = ()

    def __format__(self, spec: str) -> str:
        return format(self.replace(" ", "\\ "), spec)


def _for_shell(value: str) -> str:
    return _InBash(value) if os.environ.get(COMPLETE_VARIABLE, "").endswith("bash") else value
