"""Reads the error responses of bots' servers: the message, the retry delay, and whether the prompt was too long."""
