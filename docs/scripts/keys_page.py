"""The page about the keys of the terminal app, from its keymap."""

from markup import code, page, table

from botchat.tui.commands import display_key
from botchat.tui.keymap import KEYMAP, scope_bindings

_INTRODUCTION = """\
The keys of `botchat tui` and the names of their actions. F1 shows them in the app, with your changes. Ctrl+P opens the
command palette, which finds every action by name.

To change a key, set it by the action's name in `config.toml`; a comma separates several keys for one action. An unknown
action or key is an error. So are two actions with one key in the same place.

```toml
[tui.keys]
new = "ctrl+t"
pin = "x"
```

[Keys and theme](config.md#tui) describes the table `[tui]`."""


def pages() -> dict[str, str]:
    """Return the text of the page by its path below docs/reference/."""
    parts = []
    for scope in KEYMAP:
        rows = [
            (code(display_key(each, {})), each.tooltip or each.description, code(each.id or ""))
            for each in scope_bindings(scope)
        ]
        parts += [f"## {scope[:1].upper()}{scope[1:]}", table(("Key", "Purpose", "Action"), rows)]
    return {"terminal_keys.md": page("Keys in the terminal", _INTRODUCTION, *parts)}
