"""Alternating measurements of botchat and a baseline, and the rows of the benchmark table."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

WARM_UP = 10
"""Rounds that aren't counted: the first calls import, connect and fill caches."""


@dataclass(frozen=True)
class Row:
    what: str
    ours: str
    floor: str
    compared: str = "-"
    goal: str = "-"
    reached: bool | None = None

    @property
    def cells(self) -> tuple[str, ...]:
        reached = "-" if self.reached is None else "yes" if self.reached else "no"
        return (self.what, self.ours, self.floor, self.compared, self.goal, reached)


def seconds(call: Callable[..., object], *arguments: object) -> float:
    """Return the duration of one call."""
    start = time.perf_counter()
    call(*arguments)
    return time.perf_counter() - start


def alternate(
    floor: Callable[[], float], ours: Callable[[], float], *, rounds: int, warm_up: int = WARM_UP
) -> tuple[float, float]:
    """Return the median times of the baseline (`floor`) and of botchat (`ours`), in seconds.

    Both run in turn, and take turns at going first, so that a machine that is busy for a while affects both equally.
    """
    taken: dict[Callable[[], float], list[float]] = {floor: [], ours: []}
    for i in range(-warm_up, rounds):
        for side in (floor, ours) if i % 2 else (ours, floor):
            took = side()
            if i >= 0:
                taken[side].append(took)
    return median(taken[floor]), median(taken[ours])


def ratio_row(what: str, medians: tuple[float, float], *, at_most: float | None = None) -> Row:
    floor, ours = medians
    ratio = ours / floor
    goal, reached = ("-", None) if at_most is None else (f"at most {at_most:g}", ratio <= at_most)
    return Row(what, milliseconds(ours), milliseconds(floor), f"{ratio:.2f}", goal, reached)


def difference_row(what: str, medians: tuple[float, float], *, at_most_ms: float) -> Row:
    floor, ours = medians
    more = (ours - floor) * 1000
    goal = f"at most {at_most_ms:g} ms more"
    return Row(what, milliseconds(ours), milliseconds(floor), f"{more:+.1f} ms", goal, more <= at_most_ms)


def count_row(what: str, ours: int, floor: int | None, *, at_most: int, unit: str = "") -> Row:
    """Return a row of counts, which are the same in every run."""
    of_floor = "-" if floor is None else f"{floor:,}{unit}"
    return Row(what, f"{ours:,}{unit}", of_floor, goal=f"at most {at_most:,}{unit}", reached=ours <= at_most)


def milliseconds(time_taken: float) -> str:
    return f"{time_taken * 1000:.2f} ms"
