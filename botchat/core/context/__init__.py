"""What a bot gets to see of a session: the context window, token counts, summaries and topics."""
