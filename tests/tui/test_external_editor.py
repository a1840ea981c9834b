"""The user's own editor: the text before and after, and its failures."""

import stat
import sys
from pathlib import Path

import pytest
from support.environment import environment

from botchat.tui.external_editor import EditorError, edit_text, editor_command


def editor(folder: Path, code: str) -> str:
    """The command of an editor that runs this code, with the file in `path`."""
    script = folder / "my editor.py"
    script.write_text(f"import sys, pathlib\npath = pathlib.Path(sys.argv[1])\n{code}\n")
    return f"{sys.executable} '{script}'"


def test_the_text_goes_to_the_editor_and_comes_back(tmp_path):
    code = "old = path.read_text()\npath.write_text(old + ' and é\\n')"
    with environment(VISUAL=editor(tmp_path, code)):
        assert edit_text("one\ntwo") == "one\ntwo and é"
        assert edit_text("") == " and é"


def test_the_file_is_the_users_own_and_removed(tmp_path):
    code = f"pathlib.Path({str(tmp_path / 'seen')!r}).write_text(f'{{path}} {{path.parent.stat().st_mode}}')"
    with environment(EDITOR=editor(tmp_path, code), VISUAL=None):
        assert edit_text("words") == "words"
    path, mode = (tmp_path / "seen").read_text().split()
    assert stat.S_IMODE(int(mode)) == 0o700
    assert not Path(path).exists()


@pytest.mark.parametrize(
    ("command", "says"),
    [
        ("no-such-editor-here", "Can't find the editor 'no-such-editor-here'. Set EDITOR"),
        ("vi 'unclosed", "Check VISUAL and EDITOR."),
    ],
)
def test_an_editor_that_can_not_be_started_is_named(command, says):
    with environment(VISUAL=command), pytest.raises(EditorError, match=says):
        edit_text("words")


@pytest.mark.parametrize("code", ["sys.exit(1)", "path.write_bytes(b'\\xff')", "path.unlink()"])
def test_an_editor_that_fails_changes_nothing(tmp_path, code):
    with environment(VISUAL=editor(tmp_path, code)), pytest.raises(EditorError):
        edit_text("words")


def test_visual_comes_before_editor_and_vi_is_the_last():
    with environment(VISUAL="code --wait", EDITOR="nano"):
        assert editor_command() == ["code", "--wait"]
    with environment(VISUAL=None, EDITOR=None):
        assert editor_command() == ["vi"]
