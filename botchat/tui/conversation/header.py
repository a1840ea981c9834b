"""The header: the session's name, bot, user, store and length."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from rich.cells import cell_len
from rich.text import Text
from textual.widget import Widget

from botchat.core.exporting import one_line
from botchat.tui.formatting import count_label, fit_width

_MIN_NAME_WIDTH = 20


@dataclass(frozen=True)
class HeaderState:
    """The header's content; `store_answers` is None until known."""

    name: str = "New chat"
    bot: str = ""
    label: str = ""
    user: str = ""
    store: str = ""
    store_answers: bool | None = None
    messages: int = 0
    note: str = ""
    sent: str = ""


class SessionHeader(Widget):
    """One line. Fields that don't fit are dropped; the name stays longest."""

    def __init__(self, state: HeaderState, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.state = state

    def update_state(self, **changes: str | int | bool | None) -> None:
        """Update fields and redraw if anything changed."""
        state = replace(self.state, **changes)  # type: ignore[arg-type]
        if state != self.state:
            self.state = state
            self.refresh()

    def render(self) -> Text:
        """Draw the line."""
        state = self.state
        name = one_line(state.name) + (f" ({state.note})" if state.note else "")
        room = self.size.width - min(cell_len(name), _MIN_NAME_WIDTH) - 2
        right = next((about for about in _variants(state) if cell_len(about) <= room), "")
        left = fit_width(name, self.size.width - cell_len(right) - 1)
        return Text.assemble((left, "bold"), " ", right, no_wrap=True, end="")


def _variants(state: HeaderState) -> Iterator[str]:
    """Yield the right side's variants, from longest to shortest."""
    label = f"{state.bot} ({state.label})" if state.label else state.bot
    messages = state.sent or (count_label(state.messages, "message") if state.messages else "")
    dot = {True: "●", False: "○", None: "…"}[state.store_answers]
    store, short_store = one_line(state.store), re.split(r"[/\\]", state.store)[-1]
    for parts in (
        (label, state.user, f"{store} {dot}", messages),
        (label, state.user, f"{short_store} {dot}", messages),
        (state.bot, state.user, f"{short_store} {dot}", messages),
        (state.bot, state.user, dot, f"{state.messages:,}" if state.messages else ""),
        (state.bot, dot),
    ):
        yield " · ".join(one_line(part) for part in parts if part)
