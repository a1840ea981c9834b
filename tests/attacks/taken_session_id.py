"""A user imports a session with an id that another user wants, who then can't have it."""

from target import Refused, Target, run

WORDS = "the diagnosis of case 4712"


def attack(target: Target) -> str:
    target.session("mine", user="mallory", session_id="case-4712")
    try:
        target.session(WORDS, user="ann", session_id="case-4712")
    except Refused as error:
        return f"ann's import is refused: {error}"
    shown = target.run("sessions", "show", "case-4712", "--user", "ann")
    if WORDS not in shown.stdout:
        return f"ann's session isn't there: {shown.stderr}"
    if "mine" not in target.run("sessions", "show", "case-4712", "--user", "mallory").stdout:
        return "ann's import replaced mallory's session"
    raise Refused("each of the two has a session of that id")


run(attack)
