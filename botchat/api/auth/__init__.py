"""Authentication: the middleware that checks every request, and ending responses when access is revoked."""
