"""The page's server: security headers, host and origin checks, the page token, and socket options."""
