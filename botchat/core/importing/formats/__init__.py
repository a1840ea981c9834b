"""One reader per import format."""
