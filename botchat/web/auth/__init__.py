"""Sign-in to the page: passwords, OpenID Connect, proxies, and the middleware that checks every request."""
