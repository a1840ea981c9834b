"""A message becomes a formula when its CSV export is opened in a spreadsheet."""

import csv
import io

from support.attack import Refused, Target, run

FORMULAS = ("\n=1+1", "\uff1d1+1", "\uff0b1+1", "\uff0d1+1", "\uff20SUM(1)", "=1+1", "\t=1+1")


def attack(target: Target) -> str:
    session = target.session("Sums", *FORMULAS, session_id="sums")
    rows = list(csv.DictReader(io.StringIO(target.succeed("sessions", "export", session, "-F", "csv"), newline="")))
    cells = [row["content"] for row in rows]
    if len(cells) != len(FORMULAS) + 1:
        raise RuntimeError(f"The export has other cells: {cells}")
    if found := [cell for cell in cells if cell in FORMULAS]:
        return f"cells are exported as they are: {found!r}"
    raise Refused(f"each has a quote before it: {cells[1:]!r}")


run(attack)
