"""The chat in a terminal: a front end over the core, made with Textual."""
