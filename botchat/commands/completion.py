"""The command `completion`, and the answers to a shell that asks what could follow."""

import os
import sys
from enum import StrEnum
from pathlib import PurePath
from typing import Annotated

import typer

from botchat.commands.support.options import print_notice
from botchat.commands.support.streams import write_stdout
from botchat.core.errors import InvalidInput

_COMPLETE_VARIABLE = "_BOTCHAT_COMPLETE"
"""The variable in which the script of a shell says what it asks."""


class Shell(StrEnum):
    """A shell that can complete."""

    bash = "bash"
    zsh = "zsh"
    fish = "fish"
    powershell = "powershell"


_INSTALL_HINTS = {
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

    How to install it is said on stderr.

    Example: botchat completion bash
    """
    from typer.completion import get_completion_script  # type: ignore[attr-defined]

    chosen = shell or _detect_shell()
    write_stdout(
        [get_completion_script(prog_name="botchat", complete_var=_COMPLETE_VARIABLE, shell=chosen.value) + "\n"]
    )
    if sys.stdout.isatty():  # who sends it to a file knows already
        print_notice(f"to install it: {_INSTALL_HINTS[chosen]}; then open a new shell")


def handle_completion_request() -> None:
    """Get ready to answer when it is a shell that asks. Typer does so itself only where it shows its own options."""
    if _COMPLETE_VARIABLE in os.environ:
        from typer.completion import completion_init  # type: ignore[attr-defined]

        completion_init()


def _detect_shell() -> Shell:
    name = PurePath(os.environ.get("SHELL", "")).name
    if name not in set(Shell):
        raise InvalidInput(f"Which shell is it? Say botchat completion {'|'.join(Shell)}.")
    return Shell(name)
