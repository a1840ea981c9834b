"""Imports sessions from files: detects the format, reads it within limits, and loads the sessions into a store."""

from botchat.core.importing.detect import read_sessions
from botchat.core.importing.load import SessionImporter, unsupported_sentence

__all__ = ["SessionImporter", "read_sessions", "unsupported_sentence"]
