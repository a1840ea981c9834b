"""The MongoDB store: one document per session, with the older messages of long sessions in blocks."""
