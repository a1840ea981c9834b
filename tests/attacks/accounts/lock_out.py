"""Wrong passwords from another address lock the user out."""

from support.attack import Refused, Target, run

PASSWORD = "correct horse battery"


def attack(target: Target) -> str:
    target.succeed("users", "add", "ann", stdin=f"{PASSWORD}\n")
    target.environment["BOTCHAT_SIGNING_KEY"] = "k" * 44
    address = target.serve_api()
    attacker = target.client(address, source="127.0.0.66")
    for _ in range(12):
        attacker.post("/auth/sign-in", json={"user": "ann", "password": "wrong"})
    answer = target.client(address).post("/auth/sign-in", json={"user": "ann", "password": PASSWORD})
    if answer.status_code == 429:
        return f"the right password is answered with 429: {answer.json()['detail']}"
    answer.raise_for_status()
    raise Refused(f"the right password is answered with {answer.status_code}")


run(attack)
