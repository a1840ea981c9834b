"""The OpenAI-compatible API below `/v1`; each conversation is stored in a session."""
