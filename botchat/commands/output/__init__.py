"""Output formats of commands: tables, key-value lists, checks, progress and replies."""
