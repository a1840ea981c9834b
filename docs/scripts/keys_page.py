"""The page about the keys of the terminal app, from its keymap."""

from markup import code, page, table

from botchat.tui.commands import display_key
from botchat.tui.keymap import KEYMAP, scope_bindings

_INTRODUCTION = """\
All keys of `botchat tui`, with the names that the config file uses. To change a key, see
[Change keys](../use/terminal.md#change-keys). Press `f1` in the terminal for the keys of your configuration."""

_SCOPES = {
    "global": "Work everywhere in the main screen.",
    "composer": "Work while the composer has the focus.",
    "chat list": "Work while the chat list has the focus.",
    "messages": "Work while the messages have the focus: press `escape` in the composer.",
}

_FIXED = (
    ("Composer", "`up`, `down` in the first or last line", "Previous or next message in your history"),
    ("Chat list", "`up`, `down`, `page up`, `page down`", "Select another chat"),
    ("Chat list", "`home`, `end`", "Select the first or the last loaded chat"),
    ("Search field", "`enter`", "Go to the results"),
    ("Search field", "`escape`", "Clear the search"),
    ("Everywhere", "`tab`, `shift+tab`", "Move the focus"),
    ("Everywhere", "`ctrl+c`", "Copy selected text, or press twice to quit"),
    ("Dialogs", "`escape`", "Cancel"),
)
"""Keys of the widgets themselves, which have no name."""


def pages() -> dict[str, str]:
    """Return the text of the page by its path below docs/reference/."""
    parts = []
    for scope in KEYMAP:
        rows = [
            (code(display_key(each, {})), code(each.id or ""), each.tooltip or each.description)
            for each in scope_bindings(scope)
        ]
        parts += [f"## {scope[:1].upper()}{scope[1:]}", _SCOPES[scope], table(("Key", "Name", "Action"), rows)]
    fixed = ["## Fixed keys", "These keys can't be changed.", table(("Where", "Key", "Action"), _FIXED)]
    return {"terminal_keys.md": page("Terminal keys", _INTRODUCTION, *parts, *fixed)}
