"""A conversation for screenshots in tests and docs, the same every time."""

from datetime import UTC, datetime, timedelta

from botchat.core.models import Message, Session

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)

_ANSWER = """\
Look for a **grey heron** in shallow water: it stands still for minutes, then strikes.

- early morning, before the walkers come
- a *slow* stream or the edge of a pond
- behind reeds, not in front of them

To list your sightings by month:

```python
from collections import Counter

months = Counter(seen.date.month for seen in sightings)
for month, number in sorted(months.items()):
    print(f"{month:>2}  {'#' * number}")
```
"""
_NAMES = (
    "Where do I find herons?",
    "Trip to Rome in April",
    "Why is the sky dark at night",
    "Letter to the landlord",
    "Sourdough, third try",
    "Names for a grey cat",
    "A budget for 2027",
)


def sessions() -> list[Session]:
    """Make the sessions, oldest first."""
    made = [_session(i, name) for i, name in enumerate(_NAMES)]
    made[0].messages = [
        _says("user", "Where do I find herons, and how do I count what I saw?", 4),
        _says("assistant", _ANSWER, 3, reasoning_content="They watch birds, and they seem to program."),
        _says("user", "Thanks! And where in winter?", 2),
        _says("assistant", "On rivers that do not freeze, and on the coast.", 1, usage={"total_tokens": 812}),
    ]
    made[2].pinned = True
    return made[::-1]


def _session(place: int, name: str) -> Session:
    time = NOW - timedelta(hours=1 + 7 * place**2)
    messages = [_says("user", name, 0), _says("assistant", "Gladly.", 0)]
    session_id = f"00000000-0000-0000-0000-{place:012}"
    return Session(
        id=session_id, user="ann", name=name, bot_id="demo", create_time=time, update_time=time, messages=messages
    )


def _says(role: str, content: str, minutes: int, **more) -> Message:
    time = NOW - timedelta(minutes=minutes)
    message_id = f"{role}-{minutes}-{len(content)}"
    return Message(id=message_id, role=role, content=content, create_time=time, **more)
