"""The terminal driver, which ends the program if the terminal closes while the program draws."""

from enum import Enum
from functools import partial
from threading import Thread

from textual._ansi_sequences import ANSI_SEQUENCES_KEYS
from textual.drivers._writer_thread import WriterThread
from textual.drivers.linux_driver import LinuxDriver

TERMINAL_CLOSED = 129
"""The exit code: 128 and SIGHUP, as a shell reports it."""


class _Key(Enum):
    ALT_ENTER = "alt+enter"


ANSI_SEQUENCES_KEYS["\x1b\r"] = (_Key.ALT_ENTER,)  # type: ignore[index]  # without the kitty protocol; else it is Enter


class TerminalDriver(LinuxDriver):
    """Discards output once the terminal is closed.

    Textual's writer thread ends when a write fails. The app would then block on the thread's full queue: no signal
    would reach it, and nothing would be saved.
    """

    _is_closing = False

    def start_application_mode(self) -> None:
        """Start the application mode, and watch the writer thread."""
        super().start_application_mode()  # type: ignore[no-untyped-call]
        if self._writer_thread is not None:
            Thread(target=self._watch, args=(self._writer_thread,), name="botchat-output", daemon=True).start()

    def close(self) -> None:
        """Stop the writer thread."""
        self._is_closing = True
        super().close()

    def _watch(self, writer: WriterThread) -> None:
        writer.join()
        if self._is_closing:
            return
        self._loop.call_soon_threadsafe(partial(self._app.exit, return_code=TERMINAL_CLOSED))
        while writer._queue.get() is not None:  # noqa: SLF001  (`stop` puts None there)
            continue
