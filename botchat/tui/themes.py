"""botchat's dark and light themes, in addition to Textual's."""

from textual.theme import Theme

DARK = Theme(
    name="dark",
    dark=True,
    primary="#7aa2c4",
    secondary="#8fb39a",
    accent="#d0a468",
    foreground="#d6d9dc",
    background="#14171a",
    surface="#191d21",
    panel="#20262b",
    success="#86b386",
    warning="#d6a95a",
    error="#e07a6a",
    variables={"footer-key-foreground": "#7aa2c4", "border": "#34414c"},
)

LIGHT = Theme(
    name="light",
    dark=False,
    primary="#2e5c8a",
    secondary="#3f6f58",
    accent="#8a5a1e",
    foreground="#24282c",
    background="#fafaf7",
    surface="#f2f2ee",
    panel="#e6e6e0",
    success="#37733f",
    warning="#8a6510",
    error="#b03a2e",
    variables={"footer-key-foreground": "#2e5c8a", "border": "#c4c8c4"},
)
