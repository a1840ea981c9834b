"""All keys of the terminal's main screen, by scope and widget: to add a key, start here.

Each widget's `BINDINGS` are `bindings(WIDGET)`, and the widget has the method `action_...` of each of its actions. A
binding with an `id` is configurable, and is listed in the F1 screen, the command palette and
`docs/reference/terminal_keys.md`. The keys of a dialog are in the dialog's module.
"""

from textual.binding import Binding, BindingType

KEYMAP: dict[str, dict[str, list[Binding]]] = {
    "global": {
        "app": [  # app.py
            Binding("ctrl+n", "new", "New", id="new", tooltip="Start a new chat"),
            Binding("ctrl+l", "sessions", "Chats", id="sessions", tooltip="Show, focus or hide the chat list"),
            Binding("f1", "keys", "Keys", id="keys", tooltip="Show keyboard shortcuts"),
            Binding("ctrl+r", "rename", "Rename chat", id="rename", show=False, tooltip="Rename the open chat"),
            Binding("ctrl+b", "choose_bot", "Model", id="bot", tooltip="Choose the model for this chat"),
            Binding("escape", "stop", "Stop", id="stop", tooltip="Stop the reply"),
            Binding("escape", "cancel", "Cancel", id="cancel", tooltip="Cancel the edit or the search"),
            Binding("escape", "switch_focus", "Switch", id="switch", tooltip="Move between composer and messages"),
            Binding("ctrl+p", "command_palette", "Menu", id="palette", show=False, tooltip="Open the command palette"),
            Binding("ctrl+q", "quit", "Quit", id="quit", show=False, tooltip="Quit; the current reply is saved"),
        ],
    },
    "composer": {
        "composer": [  # conversation/composer.py
            Binding("enter", "send", "Send", id="send", tooltip="Send the message"),
            Binding(
                "ctrl+j,alt+enter,shift+enter",
                "new_line",
                "New line",
                id="new_line",
                key_display="^j",
                tooltip="Insert a new line",
            ),
            Binding(
                "ctrl+g",
                "open_editor",
                "Editor",
                id="editor",
                show=False,
                tooltip="Edit the text in your own editor (VISUAL or EDITOR)",
            ),
        ],
    },
    "chat list": {
        "sidebar": [  # sidebar/pane.py
            Binding("m", "more", "Load more", id="more", tooltip="Load the next 50 chats"),
            Binding("slash", "search", "Search", id="search", key_display="/", tooltip="Search names and messages"),
            Binding("b", "filter_bot", "Filter by model", id="filter", show=False, tooltip="Show one model's chats"),
            Binding("v", "view", "View", id="view", tooltip="Switch between chats, archive and trash"),
            Binding("f5", "reload", "Refresh list", id="refresh", show=False, tooltip="Reload the list"),
        ],
        "session actions": [  # sidebar/actions.py
            Binding("r", "rename", "Rename", id="list.rename", show=False, tooltip="Rename the selected chat"),
            Binding("p", "pin", "Pin", id="pin", tooltip="Pin or unpin; pinned chats are never auto-deleted"),
            Binding("a", "archive", "Archive", id="archive", tooltip="Archive or unarchive; in trash: restore"),
            Binding("d", "delete", "Delete", id="delete", tooltip="Move to trash; in trash: delete permanently"),
            Binding("u", "undo", "Undo", id="undo", show=False, tooltip="Undo the last delete or archive"),
        ],
        "session list": [  # sidebar/session_list.py
            Binding("up", "move(-1)", "Up", show=False),
            Binding("down", "move(1)", "Down", show=False),
            Binding("pageup", "page(-1)", "Page up", show=False),
            Binding("pagedown", "page(1)", "Page down", show=False),
            Binding("home", "first", "First chat", show=False),
            Binding("end", "last", "Last loaded chat", show=False),
            Binding("enter", "select", "Open", id="open", tooltip="Open the selected chat"),
        ],
    },
    "messages": {
        "conversation": [  # conversation/pane.py
            Binding("r", "regenerate", "Regenerate", id="again", tooltip="Regenerate the reply, or retry a failed one"),
            Binding("e", "edit", "Edit", id="edit", tooltip="Edit your message and send it again"),
            Binding(
                "left_square_bracket",
                "branch(-1)",
                "Previous version",
                id="branch.before",
                show=False,
                key_display="[",
                tooltip="Show the previous version of a message",
            ),
            Binding(
                "right_square_bracket",
                "branch(1)",
                "Next version",
                id="branch.after",
                show=False,
                key_display="]",
                tooltip="Show the next version of a message",
            ),
            Binding(
                "plus",
                "rate('up')",
                "Good response",
                id="good",
                show=False,
                key_display="+",
                tooltip="Rate a reply as good; press again to undo",
            ),
            Binding(
                "minus",
                "rate('down')",
                "Bad response",
                id="bad",
                show=False,
                key_display="-",
                tooltip="Rate a reply as bad; press again to undo",
            ),
            Binding(
                "t",
                "toggle_reasoning",
                "Reasoning",
                id="thoughts",
                show=False,
                tooltip="Expand or collapse the reasoning",
            ),
            Binding(
                "i", "details", "Details", id="details", show=False, tooltip="Show or hide time, model and token usage"
            ),
            Binding("y", "copy", "Copy message", id="copy", show=False, tooltip="Copy the selected or last message"),
            Binding(
                "c",
                "copy_code",
                "Copy code",
                id="copy_code",
                show=False,
                tooltip="Copy a code block; press again for the next",
            ),
            Binding(
                "f",
                "forget",
                "Clear context above",
                id="forget",
                show=False,
                tooltip="Clear the context above, or restore it",
            ),
            Binding(
                "n",
                "from_here",
                "Branch in new chat",
                id="from_here",
                show=False,
                tooltip="Copy a message and those after it to a new chat",
            ),
            Binding(
                "o", "topics", "Mark topic changes", id="topics", show=False, tooltip="Mark topic changes, or stop"
            ),
            Binding("f5", "read", "Refresh chat", id="read", show=False, tooltip="Reload the chat"),
        ],
        "redaction": [  # conversation/redaction.py
            Binding(
                "x",
                "redact",
                "Redact",
                id="redact",
                show=False,
                tooltip="Permanently remove the selected message's text",
            ),
        ],
        "transcript": [  # transcript/selection.py
            Binding("up", "select(-1)", "Previous message", show=False, id="transcript.up"),
            Binding("down", "select(1)", "Next message", show=False, id="transcript.down"),
            Binding("left", "select_link(-1)", "Previous link", show=False, id="transcript.left"),
            Binding("right", "select_link(1)", "Next link", show=False, id="transcript.right"),
            Binding("enter", "open_link", "Open link", show=False, id="transcript.enter"),
            Binding("pageup", "page(-1)", "Page up", show=False, id="transcript.pageup"),
            Binding("pagedown", "page(1)", "Page down", show=False, id="transcript.pagedown"),
            Binding("home", "go_home", "Jump to first message", show=False, id="transcript.home"),
            Binding("end", "go_end", "Jump to latest", show=False, id="transcript.end"),
        ],
    },
}
"""The bindings, by the scope in which they apply, then by widget."""


def bindings(widget: str) -> list[BindingType]:
    """Return the bindings of a widget, for its `BINDINGS`."""
    [found] = [widgets[widget] for widgets in KEYMAP.values() if widget in widgets]
    return list(found)


def scope_bindings(scope: str) -> list[Binding]:
    """Return the configurable bindings of a scope: those with an ID."""
    return [binding for found in KEYMAP[scope].values() for binding in found if binding.id]
