"""The callback URL of a completed sign-in at a provider signs in again after the user has signed out."""

import re

import httpx2
from support.attack import Refused, Target, run


def attack(target: Target) -> str:
    address = target.serve_oidc("ann@example.org")
    with httpx2.Client(trust_env=False, follow_redirects=True, timeout=30) as browser:

        def is_signed_in() -> bool:
            return browser.get(f"{address}/export?form=json").status_code == 200

        page = browser.get(f"{address}/", headers={"Accept": "text/html"})
        arrived = browser.get(
            page.url.join(re.search('<a class="button" href="([^"]*)">Continue with single sign-on', page.text)[1])
        )
        callback = next(each.url for each in arrived.history if each.url.path == "/oauth2callback")
        if not is_signed_in():
            raise RuntimeError("The provider signed nobody in")
        form = re.search(r'name="form" value="([^"]*)"', browser.get(f"{address}/sign-out").text)[1]
        browser.post(f"{address}/sign-out", data={"form": form}, follow_redirects=False)
        if is_signed_in():
            raise RuntimeError("Signing out signed nobody out")
        again = browser.get(callback)
        if is_signed_in():
            return "the callback of an ended sign-in signs in again"
        raise Refused(f"the callback is answered with {again.status_code} the second time")


run(attack)
