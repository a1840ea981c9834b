"""Chat with any OpenAI-compatible bot and never lose a word."""

__version__ = "0.1.0"
