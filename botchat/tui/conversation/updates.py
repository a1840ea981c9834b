"""Updates the open session after a load, a reload, earlier messages or changes elsewhere."""

from dataclasses import replace

from textual import on

from botchat.tui.conversation.loading import SessionReader
from botchat.tui.conversation.view import SessionView
from botchat.tui.formatting import title_of
from botchat.tui.state import is_streaming_elsewhere, merge_reload, summary_of, visible_messages
from botchat.tui.transcript.dividers import dividers_of
from botchat.tui.transcript.transcript import Transcript

_MIN_EARLIER, _MAX_EARLIER = 200, 2000
"""Bounds of the number of earlier messages to load at once, which is the number of loaded ones."""


class SessionUpdates(SessionView):
    """Requests loads and applies their results to the view."""

    def retry_read(self) -> None:
        """Retry the failed load."""
        if self._retry:
            again, self._retry = self._retry, None
            self.notice.show("")
            again()

    def reload(self) -> None:
        """Reload the open session."""
        if self.session:
            self._reload(self.session.id)

    @on(SessionReader.SessionOpened)
    def _session_opened(self, event: SessionReader.SessionOpened) -> None:
        if event.session.id == self._opening:
            self._opening, self.topics = None, event.topics
            self._show(event.session)
            self.composer.focus()
            self._initial_session_opened()

    def _initial_session_opened(self) -> None:
        """Hook: the initial session is open."""

    @on(SessionReader.ReadFailed)
    def _read_failed(self, event: SessionReader.ReadFailed) -> None:
        self._opening = None
        self._retry = event.retry
        if self.session:
            self.transcript.prepend([], earlier_count=self.session.first)  # allows another request for earlier messages
        self.notice.show(f"{event.failure}: {event.error} Press F5 to retry.", error=True)

    @on(SessionReader.SessionReloaded)
    def _session_reloaded(self, event: SessionReader.SessionReloaded) -> None:
        if self.session and event.session.id == self.session.id and self._reply is None:
            session, self.topics = merge_reload(self.session, event.session), event.topics
            was_written = [m.id for m in session.messages] != [m.id for m in self.session.messages]
            self._apply(session)
            self._show_waiting(session)
            if was_written:
                self.app.notify(f"“{title_of(session.name)}” was updated elsewhere.", markup=False)

    @on(Transcript.EarlierRequested)
    def read_earlier(self) -> None:
        """Load messages before the loaded ones."""
        if self.session and self.session.first:
            limit = min(max(_MIN_EARLIER, len(self.session.messages)), _MAX_EARLIER)
            self._read_earlier(self.session.id, self.session.first, limit)

    @on(SessionReader.EarlierLoaded)
    def _earlier_loaded(self, event: SessionReader.EarlierLoaded) -> None:
        session = self.session
        if session is None or event.session_id != session.id or event.before != session.first:
            return
        before = visible_messages(session)
        first = session.first - len(event.messages)
        self.session = replace(session, messages=event.messages + session.messages, first=first)
        after = visible_messages(self.session)
        if after[len(after) - len(before) :] == before:
            self.transcript.prepend(after[: len(after) - len(before)], earlier_count=first)
            self.transcript.update_state(dividers=dividers_of(self.session, topics=self.topics))
        else:
            self._redraw()

    @on(SessionReader.ChangesChecked)
    def _changes_checked(self, event: SessionReader.ChangesChecked) -> None:
        session = self.session
        if session is None or session.id != event.session_id or self._reply is not None:
            return
        if event.summary is None:
            self.notice.show("This chat was deleted elsewhere.", error=True)
        elif event.summary != summary_of(session) or is_streaming_elsewhere(session):
            self.reload()
