"""The left side of the screen: the list of sessions, search, and the actions on a session."""
