"""The backend of `botchat tui --server`: a server's sessions over its API, instead of a store."""
