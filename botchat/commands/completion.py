"""The command `completion`, and the completion requests that a shell sends at Tab."""

import os
import sys
from enum import StrEnum
from pathlib import PurePath
from typing import Annotated

import typer

from botchat.commands.support.completers import COMPLETE_VARIABLE
from botchat.commands.support.options import print_notice
from botchat.commands.support.streams import write_stdout
from botchat.core.errors import InvalidInput


class Shell(StrEnum):
    """A shell with a completion script."""

    bash = "bash"
    zsh = "zsh"
    fish = "fish"
    powershell = "powershell"


_INSTALL_HINTS = {
    Shell.bash: "botchat completion bash > ~/.local/share/bash-completion/completions/botchat",
    Shell.zsh: "botchat completion zsh > ~/.zfunc/_botchat (with `fpath+=~/.zfunc; autoload -Uz compinit; compinit` "
    "in ~/.zshrc)",
    Shell.fish: "botchat completion fish > ~/.config/fish/completions/botchat.fish",
    Shell.powershell: "botchat completion powershell >> $PROFILE",
}


def completion(
    shell: Annotated[
        Shell | None,
        typer.Argument(help="Shell to generate the script for.", metavar="SHELL", show_default="current shell"),
    ] = None,
) -> None:
    """Print a shell completion script.

    It completes commands, options, fields, and the IDs and names of sessions, users, bots and API tokens. On a
    terminal, the installation command is printed on stderr.

    Example: botchat completion bash
    """
    from typer.completion import get_completion_script  # type: ignore[attr-defined]

    chosen = shell or _detect_shell()
    write_stdout(
        [get_completion_script(prog_name="botchat", complete_var=COMPLETE_VARIABLE, shell=chosen.value) + "\n"]
    )
    if sys.stdout.isatty():  # with a redirection the user knows how to install it
        print_notice(f"To install it, run: {_INSTALL_HINTS[chosen]} Then open a new shell.")


def handle_completion_request() -> None:
    """Set up Typer for a completion request, if this is one. Typer only does so itself if `add_completion` is on."""
    if COMPLETE_VARIABLE in os.environ:
        from typer.completion import completion_init  # type: ignore[attr-defined]

        completion_init()


def _detect_shell() -> Shell:
    name = PurePath(os.environ.get("SHELL", "")).name
    if name not in set(Shell):
        raise InvalidInput(f"Can't detect the shell. Run: botchat completion {'|'.join(Shell)}")
    return Shell(name)
