"""Copies sessions from one store to another, and merges two copies of the same session without losing a message."""
