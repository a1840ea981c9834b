"""How commands write results: tables, key-value lists, checks, progress and replies."""
