"""The contract of a bot, and the bots: OpenAI-compatible servers and the offline demo."""
