"""Copies sessions from one store to another, and merges two copies of the same session without losing a message."""

from botchat.core.copying.copy import CopyResult, copy_session, replace_session

__all__ = ["CopyResult", "copy_session", "replace_session"]
