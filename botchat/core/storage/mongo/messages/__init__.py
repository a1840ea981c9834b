"""The messages of a session in MongoDB: change, read, and move to blocks when the document is full."""
