"""Separates reasoning from the answer in a stream whose content has both, with the reasoning between think tags."""

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache

from botchat.core.bots.stream.tag_names import ReasoningTags, ThinkTags, tags_for
from botchat.core.models import Delta

__all__ = ["ThinkSplitter", "ThinkTags", "without_reasoning"]

_AFTER_SENTENCE = re.compile(r"""(?:\n[ \t]*|[.!?:…。！？]["')\]]*\s+)$""")  # noqa: RUF001
_LOOKBEHIND = 8
"""Characters before a tag to examine for the end of a sentence or a line."""


class ThinkSplitter:
    """Splits content that begins with reasoning between tags, wherever the pieces are cut.

    A first tag counts only at the very start, so an answer that mentions `<think>` is not split. After a first block of
    reasoning, further blocks count where a model begins one: right after it, or later at the start of a line or a
    sentence, outside of code and directly followed by a word. With "open" the opening tag is in the prompt, and the
    server sends only the closing one; with "off" nothing is split.

    A closing tag without an opening one is ignored: the text before it is already delivered, and answers also just
    mention the tag.
    """

    def __init__(self, tags: ThinkTags = "auto") -> None:
        known = tags_for(tags)
        self._tags = known[0] if known else ReasoningTags("", ())
        self._known = tuple(each for each in known if each.opening)
        self._state = "start" if self._known else "thinking" if known else "answer"
        self._plain = _none_of("".join(each.opening[:1] for each in self._known))
        self._buffer = ""
        self._before = ""
        self._code = 0
        self._reasoned = False
        self._is_next_block = False

    @property
    def is_passthrough(self) -> bool:
        """Whether everything that follows is part of the answer."""
        return self._state == "answer"

    def feed(self, text: str) -> Iterator[Delta]:
        """Add the next piece; yield what is certain, and buffer what could be part of a tag."""
        if self._state == "answer":
            if text:
                yield Delta(content=text)
            return
        if self._state == "after" and text and not self._buffer and self._plain.fullmatch(text):
            self._track(text)
            yield Delta(content=text)
            return
        self._buffer += text
        state = ""
        while self._buffer and state != self._state:
            state = self._state
            yield from getattr(self, f"_in_{state}")()

    def end(self) -> Iterator[Delta]:
        """Yield the buffered text, when no more pieces follow."""
        if self._buffer and self._state == "thinking":
            yield from self._emit_reasoning(self._release())
        elif self._buffer:
            yield Delta(content=self._release())

    def _in_start(self) -> Iterator[Delta]:
        begun = self._buffer.lstrip()
        if not self._consume_tag(begun):
            self._state = "answer"
            yield Delta(content=self._release())

    def _in_gap(self) -> Iterator[Delta]:
        """Detect what follows a block: another one, a tag that begins the answer, or the answer."""
        self._buffer = self._buffer.lstrip()
        if self._buffer and not self._consume_tag(self._buffer):
            self._state = "after"
        yield from ()

    def _in_last_gap(self) -> Iterator[Delta]:
        self._buffer = self._buffer.lstrip()
        if self._buffer:
            self._state = "answer"
        yield from ()

    def _consume_tag(self, text: str) -> bool:
        """Remove an opening tag, or one before the answer, from the start; return whether there is or could be one."""
        lowered = text[:64].lower()
        for tags in self._known:
            if lowered.startswith(tags.opening.lower()):
                self._tags, self._state, self._buffer = tags, "opened", text[len(tags.opening) :]
                return True
            for mark in tags.answer:
                if lowered.startswith(mark.lower()):
                    self._tags, self._state, self._buffer = tags, "gap", text[len(mark) :].lstrip()
                    return self._consume_tag(self._buffer) or self._begin_answer()
        marks = (mark for tags in self._known for mark in (tags.opening, *tags.answer))
        return any(mark.lower().startswith(lowered) for mark in marks)

    def _begin_answer(self) -> bool:
        self._state = "after" if self._buffer else "gap"
        return True

    def _in_opened(self) -> Iterator[Delta]:
        self._buffer = self._buffer.lstrip("\n")  # line breaks after the tag aren't reasoning
        if self._buffer:
            self._state = "thinking"
        yield from ()

    def _in_thinking(self) -> Iterator[Delta]:
        closing = _any_of(self._tags.closings).search(self._buffer)
        if closing:
            thought, self._buffer = self._buffer[: closing.start()], self._buffer[closing.end() :]
        else:
            at = len(self._buffer) - _partial_length(self._buffer, self._tags.closings)
            thought, self._buffer = self._buffer[:at], self._buffer[at:]
        if thought:
            yield from self._emit_reasoning(thought)
        if closing:
            self._is_next_block = self._reasoned
            self._state = "gap" if self._known else "last_gap"

    def _emit_reasoning(self, text: str) -> Iterator[Delta]:
        yield Delta(reasoning_content=f"\n\n{text}" if self._is_next_block else text)
        self._reasoned, self._is_next_block = True, False

    def _in_after(self) -> Iterator[Delta]:
        """Emit the answer up to the next block; buffer what could be part of a tag."""
        marks = (*(tags.opening for tags in self._known), *self._tags.ends)
        pattern, start = _any_of(marks, "`+"), 0
        while match := pattern.search(self._buffer, start):
            is_whole = match.end() < len(self._buffer)
            if match[0][0] == "`":
                if not is_whole:  # more backticks may follow
                    break
                self._track(self._buffer[start : match.end()])
                self._code = 0 if self._code == len(match[0]) else self._code or len(match[0])
            elif match[0].lower() in {end.lower() for end in self._tags.ends}:
                yield from self._emit(self._buffer[: match.start()])
                self._buffer, self._state = self._buffer[match.end() :], "gap"
                return
            elif not is_whole:  # the next character decides
                break
            else:
                self._track(self._buffer[start : match.start()])
                if self._is_block(self._buffer[match.end()]):
                    yield from self._emit(self._buffer[: match.start()])
                    self._buffer, self._before = self._buffer[match.start() :], ""
                    self._consume_tag(self._buffer)
                    return
                self._track(match[0])
            start = match.end()
        at = match.start() if match else len(self._buffer) - _partial_length(self._buffer, marks, start)
        self._track(self._buffer[start:at])
        rest, self._buffer = self._buffer[at:], self._buffer[:at]
        yield from self._emit(self._release())
        self._buffer = rest

    def _in_answer(self) -> Iterator[Delta]:
        yield Delta(content=self._release())

    def _is_block(self, following: str) -> bool:
        """Return whether a tag begins a block, by the emitted text before it and the character `following` it."""
        return not self._code and following not in " \t" and bool(_AFTER_SENTENCE.search(self._before))

    def _track(self, text: str) -> None:
        """Remember the end of the emitted text; an empty line ends a code span, but not a fence."""
        if self._code in {1, 2} and "\n\n" in self._before[-1:] + text:
            self._code = 0
        self._before = (self._before + text)[-_LOOKBEHIND:]

    def _emit(self, text: str) -> Iterator[Delta]:
        if text:
            yield Delta(content=text)

    def _release(self) -> str:
        released, self._buffer = self._buffer, ""
        return released


def without_reasoning(text: str) -> str:
    """Return a complete text without its reasoning, even if that has only a closing tag."""
    splitter = ThinkSplitter()
    answer = "".join(delta.content for delta in (*splitter.feed(text), *splitter.end()))
    closings = [closing for tags in tags_for("auto") for closing in tags.closings]
    return _any_of(tuple(closings)).split(answer)[-1]


@lru_cache(maxsize=64)
def _any_of(marks: tuple[str, ...], also: str = "(?!)") -> re.Pattern[str]:
    """Return a case-insensitive pattern for the first of these marks."""
    return re.compile("|".join((also, *map(re.escape, marks))), re.IGNORECASE)


@lru_cache(maxsize=64)
def _none_of(characters: str) -> re.Pattern[str]:
    """Return a case-insensitive pattern for text without these characters and backticks."""
    return re.compile(f"[^`{re.escape(characters)}]*", re.IGNORECASE)


def _partial_length(text: str, marks: Iterable[str], start: int = 0) -> int:
    """Return how many characters at the end of a text, from `start` on, could be the beginning of a mark."""
    lowered = text[max(start, len(text) - 64) :].lower()
    sizes = (
        size
        for mark in marks
        for size in range(min(len(mark) - 1, len(lowered)), 0, -1)
        if lowered.endswith(mark[:size].lower())
    )
    return max(sizes, default=0)
