"""The messages of a session in one widget that lays out and draws only visible rows."""
