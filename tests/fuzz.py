"""Fuzz all parsers in turns for some seconds: `python tests/fuzz.py SECONDS [NAME…]`; `make fuzz` runs it.

Failing examples are stored in .hypothesis and tried first the next time. The exit code is 1 if one fails.
"""

import sys
import time
import warnings
from collections import Counter
from itertools import cycle
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import HypothesisWarning
from support.fuzz_targets import TARGETS

_AT_ONCE = 50
_PHASES = (Phase.reuse, Phase.generate, Phase.shrink)


def main(seconds: float, names: list[str]) -> None:
    warnings.simplefilter("ignore", HypothesisWarning)  # about the time to print long examples
    end = time.monotonic() + seconds
    tried: Counter[str] = Counter()
    for i, name in enumerate(cycle(names)):
        if i >= len(names) and time.monotonic() >= end:
            break
        _try(name, tried)
    for name in names:
        sys.stdout.write(f"{name}: {tried[name]:,} examples\n")


def _try(name: str, tried: Counter[str]) -> None:
    target, examples = TARGETS[name]

    def counted(example: Any) -> None:
        tried[name] += 1
        target(example)

    quiet = settings(max_examples=_AT_ONCE, phases=_PHASES, deadline=None, suppress_health_check=list(HealthCheck))
    quiet(given(examples)(counted))()


if __name__ == "__main__":
    main(float(sys.argv[1]), sys.argv[2:] or list(TARGETS))
