"""An account whose name looks like that of another user."""

from support.attack import Refused, Target, run

LOOKALIKES = ("\u0430nn", "Ann", "a\u200bnn", "\uff41nn")  # a Cyrillic a, a capital, a zero-width space, a full-width a


def attack(target: Target) -> str:
    target.succeed("users", "add", "ann", "--no-password")
    done = {name: target.run("users", "add", name, "--no-password") for name in LOOKALIKES}
    if made := [name for name, each in done.items() if each.returncode == 0]:
        return f"accounts beside ann: {', '.join(map(ascii, made))}"
    raise Refused(done[LOOKALIKES[0]].stderr)


run(attack)
