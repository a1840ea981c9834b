"""An admin forges a line of the audit log by a line break in a parameter."""

from support.attack import Refused, Target, run

FORGED = "bob read the session 1 of eve"


def attack(target: Target) -> str:
    target.configure('admins = ["root"]\n[api]\nadmins_read = true\n')
    log = target.home / "log"
    with log.open("wb") as file:
        address = target.serve_api(stderr=file)
        token = target.token("root", "read", "admin")
        answer = target.client(address, token=token).get("/admin/sessions", params={"user": f"x\n{FORGED}\x1b[2J"})
        answer.raise_for_status()
    lines = log.read_text().split("\n")
    if any(line.startswith(FORGED) for line in lines):
        return f"the log has the line {FORGED!r}"
    if "\x1b" in log.read_text():
        return "the log has an escape sequence"
    if not any(FORGED in line for line in lines):
        raise RuntimeError(f"The request is not in the log: {lines}")
    raise Refused("the parameter is escaped within its own line")


run(attack)
