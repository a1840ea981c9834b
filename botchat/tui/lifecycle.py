"""Ends the program on a key, a signal or a crash, and saves as much as possible."""

import asyncio
import signal
from functools import partial

from rich.segment import Segments
from rich.traceback import Traceback
from textual.app import App

from botchat.tui.backend import ReplyHandle
from botchat.tui.unsaved_replies import QuitAnswer, UnsavedRepliesDialog

_QUIT_SECONDS = 2.0
_SIGNAL_EXIT_BASE = 128


class LifecycleApp(App[None]):
    """Exits in an orderly way on SIGTERM, SIGHUP or a closed terminal, so that streaming replies are saved.

    Before a user quits, a dialog asks about replies that aren't stored. `discards_unsaved` holds the answer.
    """

    discards_unsaved: bool = False
    _quit_armed: bool = False

    @property
    def unsaved_replies(self) -> list[ReplyHandle]:
        """The replies whose text is only in this process."""
        return []

    def on_mount(self) -> None:
        """Install the signal handlers if there is a terminal."""
        if not self.is_headless:
            self._end_on_signals()

    def action_help_quit(self) -> None:
        """Quit on the second Ctrl+C."""
        if self._quit_armed:
            self._leave()
            return
        self._quit_armed = True
        self.set_timer(_QUIT_SECONDS, self._disarm_quit)
        self.notify("Press Ctrl+C again to quit. The current reply is saved.", timeout=_QUIT_SECONDS, markup=False)

    async def action_quit(self) -> None:
        """Quit."""
        self._leave()

    def _leave(self) -> None:
        """Quit, after a dialog if there are unsaved replies; quitting again in the dialog saves them to a file."""
        unsaved = self.unsaved_replies
        if unsaved and not isinstance(self.screen, UnsavedRepliesDialog):
            self.push_screen(UnsavedRepliesDialog(unsaved), self._leave_as)
        else:
            self.exit()

    def _leave_as(self, answer: QuitAnswer | None) -> None:
        if answer in {"save", "quit"}:
            self.discards_unsaved = answer == "quit"
            self.exit()

    def _disarm_quit(self) -> None:
        self._quit_armed = False

    def _end_on_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, partial(self.exit, return_code=_SIGNAL_EXIT_BASE + number))

    def _fatal_error(self) -> None:
        """Show the traceback without local variables, because they hold users' text."""
        self.bell()
        segments = self.console.render(Traceback(show_locals=False, width=None), self.console.options)
        self._exit_renderables.append(Segments(segments))
        self._close_messages_no_wait()
