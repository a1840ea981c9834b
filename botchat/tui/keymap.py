"""All keys of the terminal's main screen, by scope and widget: to add a key, start here.

Each widget's `BINDINGS` are `bindings(WIDGET)`, and the widget has the method `action_...` of each of its actions. A
binding with an `id` is configurable, is shown by F1 and in the palette, and is in the table of `docs/use/terminal.md`. The keys
of a dialog are in the dialog's module.
"""

from textual.binding import Binding, BindingType

KEYMAP: dict[str, dict[str, list[Binding]]] = {
    "everywhere": {
        "app": [  # app.py
            Binding("ctrl+n", "new", "New", id="new", tooltip="Begin a new session"),
            Binding("ctrl+l", "sessions", "List", id="sessions", tooltip="Go to the list of sessions, or hide it"),
            Binding(
                "ctrl+r", "rename", "Rename it", id="rename", show=False, tooltip="Rename the session that is shown"
            ),
            Binding(
                "ctrl+b", "choose_bot", "Bot", id="bot", tooltip="Let another bot answer in this session from now on"
            ),
            Binding("escape", "escape", "Stop", id="stop", tooltip="Stop the reply and keep what came; else leave"),
            Binding("f1", "keys", "Keys", id="keys", tooltip="Show all keys"),
            Binding("ctrl+q", "quit", "Quit", id="quit", show=False, tooltip="Leave; a reply under way is kept"),
        ],
    },
    "in the prompt": {
        "composer": [  # conversation/composer.py
            Binding("enter", "send", "Send", id="send", tooltip="Send what stands in the prompt"),
            Binding(
                "shift+enter,ctrl+j,alt+enter",
                "new_line",
                "New line",
                id="new_line",
                show=False,
                tooltip="Begin a new line",
            ),
        ],
    },
    "in the list": {
        "sidebar": [  # sidebar/pane.py
            Binding("m", "more", "50 more", id="more", tooltip="Load the next 50 sessions"),
            Binding("slash", "search", "Search", id="search", key_display="/", tooltip="Search in names and messages"),
            Binding(
                "b", "filter_bot", "Of bot", id="filter", show=False, tooltip="Show only the sessions with one bot"
            ),
            Binding("v", "view", "View", id="view", tooltip="Show the archive, then the trash, then the list again"),
            Binding("f5", "reload", "Refresh", id="refresh", show=False, tooltip="Read the list from the store again"),
        ],
        "session actions": [  # sidebar/actions.py
            Binding("r", "rename", "Rename", id="list.rename", show=False, tooltip="Rename the marked session"),
            Binding("p", "pin", "Pin", id="pin", tooltip="Pin it, so that no policy removes it; or unpin it"),
            Binding("a", "archive", "Archive", id="archive", tooltip="Put it into the archive, or back from there"),
            Binding("d", "delete", "Delete", id="delete", tooltip="Put it into the trash for 30 days; asks first"),
            Binding("u", "undo", "Undo", id="undo", tooltip="Take back the last deletion or archiving"),
        ],
        "session list": [  # sidebar/session_list.py
            Binding("up", "move(-1)", "Up", show=False),
            Binding("down", "move(1)", "Down", show=False),
            Binding("pageup", "page(-1)", "Page up", show=False),
            Binding("pagedown", "page(1)", "Page down", show=False),
            Binding("home", "first", "First", show=False),
            Binding("end", "last", "Last of those loaded", show=False),
            Binding("enter", "select", "Open", id="open", tooltip="Open the session that is marked"),
        ],
    },
    "in the messages": {
        "conversation": [  # conversation/pane.py
            Binding(
                "r", "regenerate", "Ask again", id="again", tooltip="Let the bot answer again; its answer before stays"
            ),
            Binding("e", "edit", "Edit", id="edit", tooltip="Say something else in the place of a message of yours"),
            Binding(
                "left_square_bracket",
                "branch(-1)",
                "Branch before",
                id="branch.before",
                show=False,
                key_display="[",
                tooltip="Show the branch before, where you edited or asked again",
            ),
            Binding(
                "right_square_bracket",
                "branch(1)",
                "Branch after",
                id="branch.after",
                show=False,
                key_display="]",
                tooltip="Show the branch after it",
            ),
            Binding(
                "plus",
                "rate('up')",
                "Good answer",
                id="good",
                show=False,
                key_display="+",
                tooltip="Say that an answer is good, and why; again takes it back",
            ),
            Binding(
                "minus",
                "rate('down')",
                "Bad answer",
                id="bad",
                show=False,
                key_display="-",
                tooltip="Say that it is bad, and why; again takes it back",
            ),
            Binding(
                "t",
                "toggle_reasoning",
                "Thoughts",
                id="thoughts",
                show=False,
                tooltip="Fold or unfold the bot's reasoning",
            ),
            Binding(
                "i", "details", "Details", id="details", show=False, tooltip="Show times, bots, tokens and latency"
            ),
            Binding(
                "y", "copy", "Copy message", id="copy", show=False, tooltip="Copy the marked message, or the last one"
            ),
            Binding(
                "c", "copy_code", "Copy code", id="copy_code", show=False, tooltip="Copy its code; again: the next"
            ),
            Binding(
                "f",
                "forget",
                "Forget",
                id="forget",
                show=False,
                tooltip="Let the bot forget what stands above; or take it back",
            ),
            Binding(
                "n", "from_here", "From here", id="from_here", show=False, tooltip="Begin a new session with a message"
            ),
            Binding(
                "o", "topics", "Topics", id="topics", show=False, tooltip="Show or hide where topics seem to change"
            ),
            Binding("f5", "read", "Read again", id="read", show=False, tooltip="Read the session from the store again"),
        ],
        "redaction": [  # conversation/redaction.py
            Binding("x", "redact", "Redact", id="redact", show=False, tooltip="Redact the marked message; asks first"),
        ],
        "transcript": [  # transcript/selection.py
            Binding("up", "select(-1)", "Message before", show=False, id="transcript.up"),
            Binding("down", "select(1)", "Next message", show=False, id="transcript.down"),
            Binding("left", "select_link(-1)", "Link before", show=False, id="transcript.left"),
            Binding("right", "select_link(1)", "Next link", show=False, id="transcript.right"),
            Binding("enter", "open_link", "Open link", show=False, id="transcript.enter"),
            Binding("pageup", "page(-1)", "Page up", show=False, id="transcript.pageup"),
            Binding("pagedown", "page(1)", "Page down", show=False, id="transcript.pagedown"),
            Binding("home", "go_home", "Beginning", show=False, id="transcript.home"),
            Binding("end", "go_end", "End", show=False, id="transcript.end"),
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
