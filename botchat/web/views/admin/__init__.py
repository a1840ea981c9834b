"""The admin page: usage, charts and users. It shows counts, never messages."""
