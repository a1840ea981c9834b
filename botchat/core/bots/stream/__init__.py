"""Reads a reply from a server's response: bytes, chunks, deltas, text, reasoning, tool calls and finish reasons."""
