"""The store in a local SQLite file: one row per session, one row per message."""
