"""A user takes a session ID that another user needs, by importing a session with it."""

from support.attack import Refused, Target, run

TEXT = "the diagnosis of case 4712"


def attack(target: Target) -> str:
    target.session("mine", user="mallory", session_id="case-4712")
    try:
        target.session(TEXT, user="ann", session_id="case-4712")
    except Refused as error:
        return f"ann's import is refused: {error}"
    shown = target.run("sessions", "show", "case-4712", "--user", "ann")
    if TEXT not in shown.stdout:
        return f"ann's session isn't there: {shown.stderr}"
    if "mine" not in target.run("sessions", "show", "case-4712", "--user", "mallory").stdout:
        return "ann's import replaced mallory's session"
    raise Refused("each of the two has a session of that id")


run(attack)
