"""The account commands of `botchat users`: add, passwd, disable, enable."""

import sys
from typing import Annotated

import typer

from botchat.commands.support.options import StoreOption, open_user_store, print_notice, settings_from_options
from botchat.commands.users import UserArgument
from botchat.core.errors import InvalidInput

NoPasswordOption = Annotated[
    bool,
    typer.Option(
        "--no-password", help="Create the account without a password: sign-in is by API token or single sign-on only."
    ),
]


def add(user: UserArgument, no_password: NoPasswordOption = False, store: StoreOption = None) -> None:
    """Create a user account.

    The password is prompted for, or read from stdin as one line. Only its argon2id hash is stored. The name is stored
    in its normal form (NFKC). It can't differ from another name only by case or by invisible characters.

    Example: botchat users add ann
    """
    with open_user_store(settings_from_options(store, user)) as (chat, _):
        made = chat.auth.add_account(user, None if no_password else _read_password(user))
        print_notice(f"Created the account {made} in {chat.store}.")


def passwd(user: UserArgument, store: StoreOption = None) -> None:
    """Change a user's password.

    The user is signed out everywhere. API tokens stay valid; to end one, use botchat tokens revoke.

    Example: botchat users passwd ann
    """
    with open_user_store(settings_from_options(store, user), create=False) as (chat, _):
        chat.auth.set_password(user, _read_password(user))
        print_notice(f"Changed the password of {user}, and signed the user out everywhere.")


def disable(user: UserArgument, store: StoreOption = None) -> None:
    """Disable a user's account.

    The user can't sign in or use API tokens. Sessions are kept. Running servers apply it within a second.

    Example: botchat users disable ann
    """
    with open_user_store(settings_from_options(store, user), create=False) as (chat, _):
        chat.auth.disable(user)
        print_notice(f"Disabled {user}. To enable the account again: botchat users enable {user}")


def enable(user: UserArgument, store: StoreOption = None) -> None:
    """Enable a disabled account.

    The user's password and API tokens work again.

    Example: botchat users enable ann
    """
    with open_user_store(settings_from_options(store, user), create=False) as (chat, _):
        chat.auth.enable(user)
        print_notice(f"Enabled {user}.")


def _read_password(user: str) -> str:
    """Prompt for a password twice on a terminal, else read it from a line of stdin.

    Raises:
        InvalidInput: stdin is empty.
    """
    if sys.stdin.isatty():
        return str(typer.prompt(f"Password for {user}", hide_input=True, confirmation_prompt=True, err=True))
    line = sys.stdin.readline()
    if not line:
        raise InvalidInput("No password given. Without a terminal, pass it on stdin as one line.")
    return line.rstrip("\r\n")
