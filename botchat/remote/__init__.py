"""The sessions of a botchat server: what the terminal asks of a store, asked of the API instead."""
