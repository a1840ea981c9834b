"""`/v1`: the bots for any OpenAI client, with each conversation kept in a session."""
