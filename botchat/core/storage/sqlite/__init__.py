"""The SQLite store in a local file: one row per session, one row per message."""
