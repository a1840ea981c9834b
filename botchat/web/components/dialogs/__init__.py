"""Dialogs of the page, and their buttons."""
