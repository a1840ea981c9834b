"""The HTTP API to sessions, for programs and for users without database credentials."""
