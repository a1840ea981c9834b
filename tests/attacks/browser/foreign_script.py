"""The page /docs runs scripts from another server in the API's origin."""

import re

from support.attack import Refused, Target, run


def attack(target: Target) -> str:
    page = target.client(target.serve_api()).get("/docs")
    page.raise_for_status()
    if foreign := re.findall(r'<script[^>]* src="(https?:[^"]*)"', page.text):
        return f"/docs loads {foreign[0]}"
    raise Refused("every script of /docs is the server's own")


run(attack)
