"""The terminal driver, which ends the program if the terminal closes while the program draws."""

import os
import selectors
from codecs import getincrementaldecoder
from functools import partial
from threading import Thread

from textual.drivers._writer_thread import WriterThread
from textual.drivers.linux_driver import LinuxDriver

from botchat.tui.terminal_input import READ_BYTES, InputParser

TERMINAL_CLOSED = 129
"""The exit code: 128 and SIGHUP, as a shell reports it."""

_POLL_SECONDS = 0.1  # until an Escape that began no sequence counts as the key


class TerminalDriver(LinuxDriver):
    """Discards output once the terminal is closed.

    Textual's writer thread ends when a write fails. The app would then block on the thread's full queue: no signal
    would reach it, and nothing would be saved.
    """

    _closing: WriterThread | None = None

    def start_application_mode(self) -> None:
        """Start the application mode, and watch the writer thread."""
        super().start_application_mode()  # type: ignore[no-untyped-call]
        if self._writer_thread is not None:
            Thread(target=self._watch, args=(self._writer_thread,), name="botchat-output", daemon=True).start()

    def run_input_thread(self) -> None:
        """Read the terminal until the driver stops, and post the events."""
        parser, decode = InputParser(), getincrementaldecoder("utf-8")("replace").decode
        with selectors.SelectSelector() as selector:
            selector.register(self.fileno, selectors.EVENT_READ)
            is_last = False
            while not is_last:
                is_last = self.exit_event.is_set()
                if selector.select(_POLL_SECONDS) and (data := decode(os.read(self.fileno, READ_BYTES))):
                    for message in parser.feed(data):
                        self.process_message(message)
                for message in parser.tick():
                    self.process_message(message)

    def close(self) -> None:
        """Stop the writer thread; a suspended app gets another one when it resumes."""
        self._closing = self._writer_thread
        super().close()

    def _watch(self, writer: WriterThread) -> None:
        writer.join()
        if self._closing is writer:
            return
        self._loop.call_soon_threadsafe(partial(self._app.exit, return_code=TERMINAL_CLOSED))
        while writer._queue.get() is not None:  # noqa: SLF001  (`stop` puts None there)
            continue
