"""Search on the page: the results in the sidebar, and the chat opened at a message that was found."""
