"""The sidebar: search, the paged list of sessions, and their count."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.timer import Timer
from textual.widgets import Input, Static

from botchat.core.errors import BotchatError
from botchat.core.exporting import one_line
from botchat.core.models import PAGE_SIZE, Page, SessionFilter, SessionSummary, State, now
from botchat.tui.backend import ChatBackend
from botchat.tui.formatting import count_label, title_of
from botchat.tui.keymap import bindings
from botchat.tui.messages import StoreFailed, StoreResponded
from botchat.tui.screens.select_dialog import SelectDialog
from botchat.tui.sidebar.actions import SessionActions
from botchat.tui.sidebar.session_list import SessionList

_SEARCH_PAUSE = 0.3
_VIEWS: dict[State, State] = {"active": "archived", "archived": "trash", "trash": "active"}
_VIEW_NAMES: dict[State, str] = {"active": "", "archived": "archive", "trash": "trash"}
_EMPTY: dict[State, str] = {
    "active": "No chats yet. Send a message to start one.",
    "archived": "No archived chats.",
    "trash": "Trash is empty. Deleted chats are kept for 30 days.",
}


class SessionsPane(SessionActions):
    """Loads the list in the store's order, 50 at a time, for the current filter."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("sidebar")

    @dataclass
    class PageLoaded(StoreResponded):
        """A page was loaded; `after` is the cursor that it starts at, None for the first."""

        where: SessionFilter
        after: str | None
        page: Page

    @dataclass
    class PageFailed(StoreFailed):
        """A page couldn't be loaded."""

        where: SessionFilter
        after: str | None

    @dataclass
    class TotalCounted(StoreResponded):
        """The number of sessions that match the filter is known."""

        where: SessionFilter
        number: int

    def __init__(self, user: str, *, clock: Callable[[], datetime] = now, id: str | None = None) -> None:  # noqa: A002
        super().__init__(user, id=id)
        self.list = SessionList(clock=clock, id="sessions-list")
        self._search = Input(placeholder="Search names and messages", id="search", select_on_focus=False)
        self._count = Static(id="sessions-count")
        self._where = SessionFilter()
        self._next: str | None = None
        self._total: int | None = None
        self._failed_after: str | None = None
        self._typing: Timer | None = None

    def compose(self) -> ComposeResult:
        """Yield the search field, the list and the count."""
        yield self._search
        yield self.list
        yield self._count

    @property
    def current(self) -> SessionSummary | None:
        """The session under the list's cursor."""
        return self.list.current

    def attach_chat(self, chat: ChatBackend) -> None:
        """Load the first page, now that the store is open."""
        self.chat = chat
        self.action_reload()

    def show_failure(self, error: BotchatError) -> None:
        """Show the error instead of the list, and how to retry."""
        self.list.show_tail("error", f"{one_line(str(error))} Press Enter to retry.")

    def upsert(self, summary: SessionSummary, *, is_found: bool = False) -> None:
        """Update or insert a session if it matches the filter; `is_found`: the current search matches it."""
        known = any(row.id == summary.id for row in self.list.rows)
        where = self._where
        if (
            summary.state == where.state
            and where.bot_id in {None, summary.bot_id}
            and (known or is_found or not where.text)
        ):
            is_new = self.list.upsert(summary)
            if is_new and self._total is not None:
                self._total += 1
            if self.list.tail[0] == "empty":
                self.list.show_tail("none")
        elif known:
            self.list.remove_session(summary.id)
            self._total = self._total - 1 if self._total else self._total
        self._show_count()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer to load more only if there is more."""
        return self.list.tail[0] in {"more", "error"} if action == "more" else super().check_action(action, parameters)

    def action_reload(self) -> None:
        """Reload the list from the start."""
        if self.chat is None:
            self.post_message(SessionList.RetryRequested())
            return
        self._next, self._total = None, None
        self.list.show_tail("loading", "Loading…")
        self._load(self._where, None)

    def action_more(self) -> None:
        """Load the next page."""
        if self.list.tail[0] == "more":
            self.list.show_tail("loading", "Loading…")
            self._load(self._where, self._next)
        elif self.list.tail[0] == "error":
            self._try_again()

    def action_search(self) -> None:
        """Show and focus the search field."""
        self._search.display = True
        self._search.focus()

    def action_view(self) -> None:
        """Switch between the list, the archive and the trash."""
        self._show(replace(self._where, state=_VIEWS[self._where.state or "trash"]))

    def action_filter_bot(self) -> None:
        """Ask for the bot to filter the list by."""
        if self.chat is None:
            return
        options = {"": "All models"} | {
            bot: one_line(f"{bot} ({info.label})") for bot, info in self.chat.bots_for(self.user).items()
        }
        dialog = SelectDialog("Filter by model", options, selected=self._where.bot_id or "")
        self.app.push_screen(
            dialog, lambda bot: None if bot is None else self._show(replace(self._where, bot_id=bot or None))
        )

    @property
    def is_searching(self) -> bool:
        """Whether the search field is shown."""
        return self._search.display

    def leave_search(self) -> None:
        """Clear the search and show the whole list."""
        self._search.clear()
        self._search.display = False
        self._search_now()
        self.list.focus()

    @on(Input.Changed, "#search")
    def _typed(self) -> None:
        if self._typing:
            self._typing.stop()
        self._typing = self.set_timer(_SEARCH_PAUSE, self._search_now)

    @on(Input.Submitted, "#search")
    def _submitted(self) -> None:
        self._search_now()
        self.list.focus()

    def _search_now(self) -> None:
        if self._typing:
            self._typing.stop()
        text = self._search.value.strip()
        if text != self._where.text:
            self._show(replace(self._where, text=text))

    def _show(self, where: SessionFilter) -> None:
        self._where = where
        self.list.set_rows([])
        self.action_reload()
        self._show_count()

    @on(SessionList.MoreRequested)
    def _more_wanted(self) -> None:
        self.action_more()

    @on(SessionList.RetryRequested)
    def _try_again(self) -> None:
        if self.chat is not None:
            self.list.show_tail("loading", "Loading…")
            self._load(self._where, self._failed_after)

    @work(thread=True, group="page", exclusive=True)
    def _load(self, where: SessionFilter, after: str | None) -> None:
        try:
            chat = self._require_chat()
            page = chat.page(self.user, after, PAGE_SIZE, where)
            self.post_message(self.PageLoaded(where, after, page))
            if after is None and not where.text:  # counting search results would mean searching everything
                number = chat.count(self.user, where) if page.next else len(page.sessions)
                self.post_message(self.TotalCounted(where, number))
        except BotchatError as error:
            self.post_message(self.PageFailed(error, where, after))

    @on(PageLoaded)
    def _page_loaded(self, event: PageLoaded) -> None:
        if event.where != self._where or (event.after is not None and event.after != self._next):
            return  # the page of a previous filter
        self._next = event.page.next
        if event.after is None:
            self.list.set_rows(list(event.page.sessions))
        else:
            self.list.append_rows(list(event.page.sessions))
        if self._next:
            self.list.show_tail("more", "Load more (m)")
        elif self.list.rows:
            self.list.show_tail("none")
        else:
            self.list.show_tail("empty", self._empty_text())
        self._show_count()

    @on(PageFailed)
    def _page_failed(self, event: PageFailed) -> None:
        if event.where == self._where:
            self._failed_after = event.after
            self.show_failure(event.error)

    @on(TotalCounted)
    def _total_counted(self, event: TotalCounted) -> None:
        if event.where == self._where:
            self._total = event.number
            self._show_count()

    @on(SessionActions.Changed)
    def _changed(self, event: SessionActions.Changed) -> None:
        if event.after:
            self.upsert(event.after, is_found=True)
        else:
            self.list.remove_session(event.before.id)
        if not self.list.rows and self.list.tail[0] == "none":
            self.list.show_tail("empty", self._empty_text())

    def _empty_text(self) -> str:
        if self._where.text:
            return f"No results for “{one_line(self._where.text)}”. Press Escape to clear the search."
        if self._where.bot_id:
            return f"No chats with {one_line(self._where.bot_id)}."
        return _EMPTY[self._where.state or "active"]

    def _show_count(self) -> None:
        loaded = len(self.list.rows)
        if self._where.text:
            number = f"{loaded:,}+ results" if self._next else count_label(loaded, "result")
        elif self._total is None or self._total <= loaded:
            number = count_label(loaded)
        else:
            number = f"Showing {loaded:,} of {self._total:,}"
        bot = title_of(self._where.bot_id) if self._where.bot_id else ""
        parts = [number, _VIEW_NAMES[self._where.state or "active"], bot]
        self._count.update(Content(" · ".join(part for part in parts if part)))
