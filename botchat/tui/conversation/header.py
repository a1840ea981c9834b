"""The line above a session: its name; at the right who answers, whose it is, where it is stored and how long it is."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from rich.cells import cell_len
from rich.text import Text
from textual.widget import Widget

from botchat.core.exporting import one_line
from botchat.tui.formatting import counted, fitted

_LEAST_NAME = 20


@dataclass(frozen=True)
class Heading:
    """What the line tells; `store_answers` is None while that is not known."""

    name: str = "New session"
    bot: str = ""
    label: str = ""
    user: str = ""
    store: str = ""
    store_answers: bool | None = None
    messages: int = 0
    note: str = ""
    sent: str = ""


class SessionHeader(Widget):
    """One line; what is longer than the terminal is wide is left out, the name last."""

    def __init__(self, heading: Heading, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.heading = heading

    def tell(self, **changes: str | int | bool | None) -> None:
        """Tell something new."""
        heading = replace(self.heading, **changes)  # type: ignore[arg-type]
        if heading != self.heading:
            self.heading = heading
            self.refresh()

    def render(self) -> Text:
        """Draw the line."""
        heading = self.heading
        name = one_line(heading.name) + (f" ({heading.note})" if heading.note else "")
        room = self.size.width - min(cell_len(name), _LEAST_NAME) - 2
        right = next((about for about in _abouts(heading) if cell_len(about) <= room), "")
        left = fitted(name, self.size.width - cell_len(right) - 1)
        return Text.assemble((left, "bold"), " ", right, no_wrap=True, end="")


def _abouts(heading: Heading) -> Iterator[str]:
    """Give what can be told of a session, from all of it to the least."""
    label = f"{heading.bot} ({heading.label})" if heading.label else heading.bot
    messages = heading.sent or counted(heading.messages, "message")
    dot = {True: "●", False: "○", None: "…"}[heading.store_answers]
    store, short_store = one_line(heading.store), re.split(r"[/\\]", heading.store)[-1]
    for parts in (
        (label, heading.user, f"{store} {dot}", messages),
        (label, heading.user, f"{short_store} {dot}", messages),
        (heading.bot, heading.user, f"{short_store} {dot}", messages),
        (heading.bot, heading.user, dot, f"{heading.messages:,}"),
        (heading.bot, dot),
    ):
        yield " · ".join(one_line(part) for part in parts if part)
