"""Parses the base_url of a bot into the parts that its client needs."""

from typing import NamedTuple
from urllib.parse import parse_qsl, unquote

from botchat.core.urls import without_password

_ENDPOINT = "/chat/completions"


class BotAddress(NamedTuple):
    """The address of a bot's server.

    Attributes:
        base_url: the URL that the paths of the API are appended to; without credentials, query and fragment.
        query: sent with every request, such as Azure's `api-version`.
        credentials: user name and password, sent as Basic authentication.
        display_url: the URL without its secrets, for messages.
    """

    base_url: str
    query: dict[str, str]
    credentials: tuple[str, str] | None
    display_url: str


def parse_base_url(base_url: str) -> BotAddress:
    """Parse a base_url; an endpoint at its end, as in `…/v1/chat/completions`, is removed."""
    url, _, query = base_url.partition("#")[0].partition("?")
    url = url.rstrip("/").removesuffix(_ENDPOINT)
    scheme, _, rest = url.partition("://")
    authority, slash, path = rest.partition("/")
    userinfo, at, host = authority.rpartition("@")
    user, _, password = userinfo.partition(":")
    return BotAddress(
        base_url=f"{scheme}://{host}{slash}{path}",
        query=dict(parse_qsl(query, keep_blank_values=True)),
        credentials=(unquote(user), unquote(password)) if at else None,
        display_url=without_password(base_url).rstrip("/").removesuffix(_ENDPOINT),
    )
