"""A user's own sessions: queries, commands and forks."""
