"""An OpenID Connect provider on this machine that signs everybody in."""

import json
import threading
import time
from typing import Self

import jwt
import uvicorn
from cryptography.hazmat.primitives.asymmetric import rsa
from starlette.applications import Starlette
from starlette.responses import JSONResponse, RedirectResponse
from starlette.routing import Route
from support.stores.servers import free_port


class Provider:
    """Issues `claims` for everybody; with `forges` it signs with another key than the published one.

    It accepts a code any number of times, which no provider should. With `signs_out` it has a sign-out endpoint, which
    redirects back; `signed_out` has the parameters of the requests to it.
    """

    def __init__(self) -> None:
        self.secret = "the client's secret"
        self.claims: dict[str, object] = {}
        self.forges = False
        self.signs_out = False
        self.signed_out: list[dict[str, str]] = []
        self._key, self._other = (rsa.generate_private_key(public_exponent=65537, key_size=2048) for _ in range(2))
        self._nonces: dict[str, str] = {}
        self.address = f"http://127.0.0.1:{free_port()}"
        self.description = f"{self.address}/.well-known/openid-configuration"
        routes = [
            Route("/.well-known/openid-configuration", self._describe),
            Route("/authorize", self._authorize),
            Route("/token", self._token, methods=["POST"]),
            Route("/keys", self._keys),
            Route("/end", self._end),
        ]
        port = int(self.address.rpartition(":")[2])
        self._server = uvicorn.Server(uvicorn.Config(Starlette(routes=routes), port=port, log_level="error"))
        self._thread = threading.Thread(target=self._server.run)

    def __enter__(self) -> Self:
        self._thread.start()
        while not self._server.started:
            time.sleep(0.01)
        return self

    def __exit__(self, *_error: object) -> None:
        self.stop()

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join()

    async def _describe(self, _request):
        return JSONResponse(
            {
                "issuer": self.address,
                "authorization_endpoint": f"{self.address}/authorize",
                "token_endpoint": f"{self.address}/token",
                "jwks_uri": f"{self.address}/keys",
                "id_token_signing_alg_values_supported": ["RS256"],
                "code_challenge_methods_supported": ["S256"],
            }
            | ({"end_session_endpoint": f"{self.address}/end?from=page"} if self.signs_out else {})
        )

    async def _authorize(self, request):
        parameters = request.query_params
        assert parameters["code_challenge_method"] == "S256"
        code = f"code {len(self._nonces)}"
        self._nonces[code] = parameters["nonce"]
        return RedirectResponse(f"{parameters['redirect_uri']}?code={code}&state={parameters['state']}")

    async def _end(self, request):
        parameters = dict(request.query_params)
        self.signed_out.append(parameters)
        return RedirectResponse(f"{parameters['post_logout_redirect_uri']}?state={parameters['state']}")

    async def _token(self, request):
        form = await request.form()
        at = int(time.time())
        standard_claims = {
            "iss": self.address,
            "aud": "botchat",
            "iat": at,
            "exp": at + 300,
            "nonce": self._nonces[form["code"]],
        }
        key = self._other if self.forges else self._key
        token = jwt.encode(standard_claims | self.claims, key, algorithm="RS256", headers={"kid": "1"})
        return JSONResponse({"access_token": "none", "token_type": "Bearer", "id_token": token})

    async def _keys(self, _request):
        key = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(self._key.public_key()))
        return JSONResponse({"keys": [key | {"kid": "1", "use": "sig"}]})
