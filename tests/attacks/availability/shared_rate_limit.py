"""One client uses up the rate limit of all clients behind the same proxy."""

from support.attack import Refused, Target, run


def attack(target: Target) -> str:
    target.configure('[web]\nsign_in = "header"\n[api]\nrequests_per_minute_by_address = 5\n')
    proxy = target.client(target.serve("--api"))

    def status(sender: str) -> int:
        headers = {"X-Forwarded-For": sender, "X-Forwarded-User": sender}
        return proxy.get("/api/healthz", headers=headers).status_code

    attacker = [status("10.6.6.6") for _ in range(10)]
    others = [status(f"10.1.1.{number}") for number in range(10)]
    if 429 in others:
        return f"{others.count(429)} of 10 other clients get 429"
    raise Refused(f"the attacker gets 429 {attacker.count(429)} times, nobody else does")


run(attack)
