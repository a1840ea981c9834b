"""The provider's sign-in and sign-out URLs, which Streamlit's OpenID Connect login doesn't cover.

Signing out at the provider follows OpenID Connect RP-Initiated Logout 1.0.
"""

import re
from urllib.parse import urlsplit

from starlette.datastructures import URL
from starlette.requests import Request
from streamlit.user_info import generate_login_redirect_url

from botchat.core.errors import BotchatError
from botchat.settings import OidcSettings
from botchat.web.auth.sign_out_cookies import read_id_token

_URL = re.compile(r"https?://[!-~]+")


class OidcProvider:
    """The configured identity provider, with the URLs of its discovery document."""

    def __init__(self, settings: OidcSettings) -> None:
        self._settings = settings

    @property
    def name(self) -> str:
        """The host name of the provider."""
        return urlsplit(self._settings.provider).hostname or ""

    def sign_in_url(self) -> str:
        """Return the URL where Streamlit redirects to the provider. It is valid for a few minutes."""
        return generate_login_redirect_url("default")

    async def sign_out_url(self, request: Request, state: str) -> str | None:
        """Return the URL that signs this browser out of the provider, or None if the provider has none.

        Args:
            request: has the ID token of the sign-in in a cookie, unless the token is too long.
            state: a parameter that the provider returns.

        Raises:
            BotchatError: the provider's discovery document can't be read.
        """
        from botchat.core.bots.http_client import get_json, is_valid_url

        described = await get_json(self._settings.provider)
        address = described.get("end_session_endpoint") if isinstance(described, dict) else None
        if not address:
            return None
        if not isinstance(address, str) or not _URL.fullmatch(address) or not is_valid_url(address):
            raise BotchatError(f"{self.name} has no valid sign-out URL.")
        hint = read_id_token(request)
        return str(
            URL(address).include_query_params(
                **({"id_token_hint": hint} if hint else {}),
                client_id=self._settings.client_id,
                post_logout_redirect_uri=self._settings.address.rstrip("/") + "/sign-in",
                state=state,
            )
        )
