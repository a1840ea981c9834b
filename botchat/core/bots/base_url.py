"""Reads the base_url of a bot into what its client needs."""

from typing import NamedTuple
from urllib.parse import parse_qsl, unquote

from botchat.core.urls import without_password

_ENDPOINT = "/chat/completions"


class BotAddress(NamedTuple):
    """Where a bot's server is.

    Attributes:
        base: the URL that the paths of the API are put behind; without credentials, query and fragment.
        query: sent with every request, such as Azure's `api-version`.
        login: user name and password, sent as Basic authentication.
        shown: the URL as it may be seen.
    """

    base: str
    query: dict[str, str]
    login: tuple[str, str] | None
    shown: str


def read_address(base_url: str) -> BotAddress:
    """Read a base_url; where it names the endpoint, as in `…/v1/chat/completions`, that part is left out."""
    url, _, query = base_url.partition("#")[0].partition("?")
    url = url.rstrip("/").removesuffix(_ENDPOINT)
    scheme, _, rest = url.partition("://")
    authority, slash, path = rest.partition("/")
    credentials, at, host = authority.rpartition("@")
    user, _, password = credentials.partition(":")
    return BotAddress(
        base=f"{scheme}://{host}{slash}{path}",
        query=dict(parse_qsl(query, keep_blank_values=True)),
        login=(unquote(user), unquote(password)) if at else None,
        shown=without_password(base_url).rstrip("/").removesuffix(_ENDPOINT),
    )
