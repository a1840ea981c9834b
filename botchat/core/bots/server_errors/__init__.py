"""Error responses of bots: what the server said, when to retry, and whether the prompt was too long."""
