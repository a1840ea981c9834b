"""The commands about accounts: who may come in from elsewhere, through the API or a page with a sign-in."""

import sys
from typing import Annotated

import typer

from botchat.commands.support.options import StoreOption, opened_store, say, settings_with
from botchat.commands.users import UserArgument
from botchat.core.errors import InvalidInput

NoPasswordOption = Annotated[
    bool, typer.Option("--no-password", help="Only tokens let this user in, or a proxy that signs people in.")
]


def add(user: UserArgument, no_password: NoPasswordOption = False, store: StoreOption = None) -> None:
    """Make an account, so that a user may sign in.

    The password is asked for, or is the line that stdin has; nobody sees it, and only an argon2id hash is stored. The
    name is stored in its normal form (NFKC), and must differ from others' by more than case and what can't be seen.

    Example: botchat users add ann
    """
    with opened_store(settings_with(store, user)) as (chat, _):
        made = chat.auth.add_account(user, None if no_password else _password(user))
        say(f"{made} has an account in {chat.store}.")


def passwd(user: UserArgument, store: StoreOption = None) -> None:
    """Give an account another password. Whoever is signed in with the old one is signed out.

    Tokens stay as they are: botchat tokens revoke ends one.

    Example: botchat users passwd ann
    """
    with opened_store(settings_with(store, user), writing=False) as (chat, _):
        chat.auth.set_password(user, _password(user))
        say(f"{user} has another password, and is signed out everywhere.")


def disable(user: UserArgument, store: StoreOption = None) -> None:
    """Let a user not come in any more, whatever they show. Their sessions stay.

    Servers that are running send them away within a second.

    Example: botchat users disable ann
    """
    with opened_store(settings_with(store, user), writing=False) as (chat, _):
        chat.auth.disable(user)
        say(f"{user} can't come in any more: botchat users enable takes it back.")


def enable(user: UserArgument, store: StoreOption = None) -> None:
    """Let a user who was disabled come in again, with the same password and tokens.

    Example: botchat users enable ann
    """
    with opened_store(settings_with(store, user), writing=False) as (chat, _):
        chat.auth.enable(user)
        say(f"{user} may come in again.")


def _password(user: str) -> str:
    """Ask twice for a password on a terminal, else read it from the one line of stdin.

    Raises:
        InvalidInput: stdin is at its end.
    """
    if sys.stdin.isatty():
        return str(typer.prompt(f"Password of {user}", hide_input=True, confirmation_prompt=True, err=True))
    line = sys.stdin.readline()
    if not line:
        raise InvalidInput("There is no password: without a terminal to ask on, give it as a line on stdin.")
    return line.rstrip("\r\n")
