"""A right-to-left override hides a file name's extension in the terminal and in exports."""

from support.attack import Refused, Target, run

REVERSED = "Open invoice_\u202efdp.exe"


def attack(target: Target) -> str:
    session = target.session(REVERSED, session_id="files")
    texts = {
        "sessions show": target.succeed("sessions", "show", session),
        "sessions export": target.succeed("sessions", "export", session, "-F", "md"),
    }
    if found := [command for command, text in texts.items() if "\u202e" in text]:
        return f"U+202E comes out of {' and '.join(found)}"
    if any("invoice_" not in text for text in texts.values()):
        raise RuntimeError(f"The message is not shown: {texts}")
    raise Refused("U+202E is shown as another character")


run(attack)
