"""The sessions over HTTP, for programs and for people who must not hold the store's password."""
