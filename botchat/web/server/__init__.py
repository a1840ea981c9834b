"""Security headers and socket options of the page's server."""
