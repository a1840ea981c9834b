"""The page's server: security headers, checks of host and origin, the page's token, and socket options."""
