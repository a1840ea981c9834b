"""Addresses of stores and servers, as they may be shown."""


def without_password(address: str) -> str:
    """Return an address as it may be seen: without its password and its options, either of which can be a secret."""
    scheme, is_url, rest = address.partition("://")
    if not is_url or scheme == "sqlite":
        return address
    place, _, options = rest.partition("?")
    if "@" in options:  # a password with a ? in it, or an option's value with an @: what is what can't be told
        return f"{scheme}://***"
    credentials, at, hosts = place.rpartition("@")
    user = credentials.partition(":")[0] + ":***" if ":" in credentials else credentials
    return f"{scheme}://{user}{at}{hosts}"
