"""The command `completion`, and the answers to a shell that asks what could follow."""

import os
import sys
from enum import StrEnum
from pathlib import PurePath
from typing import Annotated

import typer

from botchat.commands.support.completers import COMPLETE_VARIABLE
from botchat.commands.support.options import say
from botchat.commands.support.streams import write
from botchat.core.errors import InvalidInput


class Shell(StrEnum):
    """A shell that can complete."""

    bash = "bash"
    zsh = "zsh"
    fish = "fish"
    powershell = "powershell"


_TO_INSTALL = {
    Shell.bash: "botchat completion bash > ~/.local/share/bash-completion/completions/botchat",
    Shell.zsh: "botchat completion zsh > ~/.zfunc/_botchat, with `fpath+=~/.zfunc; autoload -Uz compinit; compinit` "
    "in ~/.zshrc",
    Shell.fish: "botchat completion fish > ~/.config/fish/completions/botchat.fish",
    Shell.powershell: "botchat completion powershell >> $PROFILE",
}


def completion(
    shell: Annotated[Shell | None, typer.Argument(help="Whose script; the shell you are in if not said.")] = None,
) -> None:
    """Print the script that makes your shell complete at Tab.

    Besides commands and options it completes the IDs and names of sessions, users, bots, API tokens and columns. How to
    install it is printed on stderr.

    Example: botchat completion bash
    """
    from typer.completion import get_completion_script  # type: ignore[attr-defined]

    chosen = shell or _own_shell()
    write([get_completion_script(prog_name="botchat", complete_var=COMPLETE_VARIABLE, shell=chosen.value) + "\n"])
    if sys.stdout.isatty():  # who sends it to a file knows already
        say(f"to install it: {_TO_INSTALL[chosen]}; then open a new shell")


def answer_shell() -> None:
    """Get ready to answer when it is a shell that asks. Typer does so itself only where it shows its own options."""
    if COMPLETE_VARIABLE in os.environ:
        from typer.completion import completion_init  # type: ignore[attr-defined]

        completion_init()


def _own_shell() -> Shell:
    name = PurePath(os.environ.get("SHELL", "")).name
    if name not in set(Shell):
        raise InvalidInput(f"Which shell is it? Say botchat completion {'|'.join(Shell)}.")
    return Shell(name)
