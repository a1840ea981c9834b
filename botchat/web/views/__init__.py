"""The views of the page: the chat, the settings and the admin page."""
