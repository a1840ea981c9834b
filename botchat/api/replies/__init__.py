"""Turns through the API: start one, stream its events, and keep sessions that have no message yet."""
