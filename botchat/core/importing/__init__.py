"""Imports sessions from files: detects the format, reads it within limits, and loads the sessions into a store."""
