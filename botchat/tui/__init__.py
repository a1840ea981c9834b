"""The terminal app: a front end over the core, made with Textual."""
