"""Edits a text in the user's own editor."""

import os
import shlex
import subprocess
import tempfile
from pathlib import Path

from botchat.core.errors import BotchatError

DEFAULT_EDITOR = "vi"
"""The editor if neither VISUAL nor EDITOR is set: the one that POSIX requires."""


class EditorError(BotchatError):
    """The editor couldn't be started, or it reported an error; the text is unchanged."""


def editor_command() -> list[str]:
    """Return the command of the user's editor: VISUAL, EDITOR or vi.

    Raises:
        EditorError: the variable isn't a valid command line.
    """
    chosen = os.environ.get("VISUAL") or os.environ.get("EDITOR") or DEFAULT_EDITOR
    try:
        return shlex.split(chosen)
    except ValueError as error:
        raise EditorError(f"Can't read the editor's command {chosen!r}: {error}. Check VISUAL and EDITOR.") from error


def edit_text(text: str) -> str:
    """Return the text after the user has edited it, without the line feed that editors append.

    The text is in a temporary file that only the user can read, and that is removed afterwards.

    Raises:
        EditorError: the editor couldn't be started or failed, or the file isn't UTF-8 any longer.
    """
    command = editor_command()
    with tempfile.TemporaryDirectory(prefix="botchat-") as folder:
        path = Path(folder) / "message.md"
        path.write_text(text, encoding="utf-8", newline="")
        try:
            subprocess.run([*command, str(path)], check=True)  # noqa: S603  (the user chose the program)
            edited = path.read_bytes().decode()
        except FileNotFoundError as error:
            raise EditorError(f"Can't find the editor {command[0]!r}. Set EDITOR in the environment.") from error
        except (OSError, subprocess.CalledProcessError, UnicodeDecodeError) as error:
            raise EditorError(f"The editor failed ({error}). Your text is unchanged.") from error
    edited = edited.replace("\r\n", "\n")
    return edited if text.endswith("\n") else edited.removesuffix("\n")
