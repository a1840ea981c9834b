"""Limits the sizes in bots' formulas: KaTeX draws any size, and Streamlit doesn't set its limits."""

import re
from dataclasses import dataclass

MAX_SIZE_EM = 50
"""The largest size in a formula, in em: wider than the text column."""

_TOTAL = 1_000
"""The largest sum of the sizes in the formulas of one text, in em."""

# The units that KaTeX knows, in pt: https://katex.org/docs/supported#units. An em is counted as 10 pt.
_POINTS = {
    "pt": 1,
    "mm": 7227 / 2540,
    "cm": 7227 / 254,
    "in": 72.27,
    "bp": 803 / 800,
    "pc": 12,
    "dd": 1238 / 1157,
    "cc": 14856 / 1157,
    "nd": 685 / 642,
    "nc": 1370 / 107,
    "sp": 1 / 65536,
    "px": 803 / 800,
    "ex": 4.31,
    "em": 10,
    "mu": 10 / 18,
}
_POINTS_PER_EM = 10

_SIZE = re.compile(r"(?P<sign>[-+]?) *(?P<number>[0-9]+(?:\.[0-9]*)?|\.[0-9]+) *(?P<unit>[a-z]{2})")
_COMMENT = re.compile(r"(\\.)|%[^\n]*\n?", re.DOTALL)

_ARGUMENT = r"\s*(?:\{[^\\{}]*\}|[-+]?\s*[0-9.]+\s*[a-z]{2})"
_OPTION = r"\s*\[[^\\\[\]{}]*\]"
_GROUP = r"\s*(?:\{(?:[^{}\\]|\\[a-zA-Z]+|\\.)*\}|\\[a-zA-Z]+|\\.|[^{}\\\s])"
_COMMAND = re.compile(
    rf"(?P<sized>\\rule(?![a-zA-Z@])(?:{_OPTION})?{_ARGUMENT}{_ARGUMENT}"
    rf"|\\(?:hspace(?:\*|(?![a-zA-Z@]))|(?:kern|mkern|hskip|mskip|raisebox|above)(?![a-zA-Z@])){_ARGUMENT}"
    rf"|\\(?:\\|(?:cr|newline)(?![a-zA-Z@])){_OPTION})"
    rf"|(?P<before>\\genfrac(?![a-zA-Z@]){_GROUP}{_GROUP})(?P<thickness>{_ARGUMENT})"
    r"|(?P<unclear>\\(?:rule|hspace|kern|mkern|hskip|mskip|raisebox|above|genfrac)(?![a-zA-Z@])"
    # Commands that define or expand macros can multiply a formula, and build sizes that the source doesn't contain.
    r"|\\(?:[egx]?def|let|futurelet|global|long|(?:re)?newcommand|providecommand|expandafter|noexpand|TextOrMath)"
    r"(?![a-zA-Z@])|\\[a-zA-Z]*@)"
    r"|\\[a-zA-Z]+|\\.",
    re.DOTALL,
)


@dataclass
class SizeBudget:
    """The remaining size for the formulas of one text, in em."""

    left: float = _TOTAL

    def limit(self, formula: str) -> str | None:
        """Return a formula with limited sizes; None if its sizes or length can't be determined from its source."""
        formula = _COMMENT.sub(r"\1", formula) if "%" in formula else formula
        if any(found["unclear"] for found in _COMMAND.finditer(formula)):
            return None
        return _COMMAND.sub(self._command, formula)

    def _command(self, found: re.Match[str]) -> str:
        if found["sized"]:
            return _SIZE.sub(self._size, found[0])
        if found["thickness"]:
            return found["before"] + _SIZE.sub(self._size, found["thickness"])
        return found[0]

    def _size(self, found: re.Match[str]) -> str:
        points = _POINTS.get(found["unit"])
        if points is None:  # KaTeX rejects the unit and shows the source
            return found[0]
        size = float(found["number"]) * points / _POINTS_PER_EM
        allowed = min(MAX_SIZE_EM, self.left)
        if size <= allowed:
            self.left -= size
            return found[0]
        self.left -= allowed
        unit = "mu" if found["unit"] == "mu" else "em"  # \mkern and \mskip accept only mu
        return f"{found['sign']}{allowed * (18 if unit == 'mu' else 1):.0f}{unit}"
