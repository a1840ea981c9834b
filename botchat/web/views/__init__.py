"""What the page shows: the chat, the settings and the admin page."""
