"""The messages of a session in MongoDB: append, change, read, and move to blocks when the document is full."""
