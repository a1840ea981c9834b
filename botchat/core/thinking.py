"""Tells reasoning from answer in a stream whose server writes both into the content, between think tags."""

from collections.abc import Iterator
from typing import Literal

from botchat.core.models import Delta

ThinkTags = Literal["auto", "open", "off"]

_OPEN, _CLOSE = "<think>", "</think>"


class ThinkSplitter:
    """Splits content that may begin with `<think>…</think>`, however the pieces are cut.

    The tags count only at the very start, so an answer that talks about `<think>` stays whole. With "open" the server
    has written the opening tag into the prompt and sends the closing one alone; with "off" nothing is split.
    """

    def __init__(self, tags: ThinkTags = "auto") -> None:
        self._state = {"auto": "start", "open": "thinking", "off": "answer"}[tags]
        self._held = ""

    def feed(self, text: str) -> Iterator[Delta]:
        """Take the next piece; give what is certain of it, and hold back what could be half a tag."""
        self._held += text
        if self._state == "start":
            self._look_for_opening()
        if self._state == "opened":
            self._held = self._held.lstrip("\n")  # those after the tag are no thought
            self._state = "thinking" if self._held else "opened"
        if self._state == "thinking":
            yield from self._think()
        if self._state == "gap":
            self._held = self._held.lstrip()
            self._state = "answer" if self._held else "gap"
        if self._state == "answer" and self._held:
            yield Delta(content=self._release())

    def end(self) -> Iterator[Delta]:
        """Give what was held back: no more is coming to complete a tag."""
        if self._held and self._state == "thinking":
            yield Delta(reasoning_content=self._release())
        elif self._held and self._state == "start":
            yield Delta(content=self._release())

    def _look_for_opening(self) -> None:
        begun = self._held.lstrip()
        if begun.startswith(_OPEN):
            self._held, self._state = begun.removeprefix(_OPEN), "opened"
        elif not _OPEN.startswith(begun):
            self._state = "answer"

    def _think(self) -> Iterator[Delta]:
        thought, closed, rest = self._held.partition(_CLOSE)
        if closed:
            self._held, self._state = rest, "gap"
        else:
            half = next((n for n in range(len(_CLOSE) - 1, 0, -1) if thought.endswith(_CLOSE[:n])), 0)
            thought, self._held = thought[: len(thought) - half], thought[len(thought) - half :]
        if thought:
            yield Delta(reasoning_content=thought)

    def _release(self) -> str:
        released, self._held = self._held, ""
        return released
