"""The dialogs: text input, selection, confirmation, and the list of keys."""
