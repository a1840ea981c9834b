"""Asking a bot through the API: start a turn, stream its events, and hold sessions that have no message yet."""
