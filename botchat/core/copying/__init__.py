"""Copies sessions from one store to another, and merges two copies of the same session without losing a message."""

from botchat.core.copying.copy import Copied, copied, replaced

__all__ = ["Copied", "copied", "replaced"]
