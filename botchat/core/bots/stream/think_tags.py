"""Tells reasoning from answer in a stream whose server writes both into the content, between think tags."""

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache

from botchat.core.bots.stream.tag_names import ReasoningTags, ThinkTags, tags_for
from botchat.core.models import Delta

__all__ = ["ThinkSplitter", "ThinkTags", "without_reasoning"]

_AFTER_SENTENCE = re.compile(r"""(?:\n[ \t]*|[.!?:…。！？]["')\]]*\s+)$""")  # noqa: RUF001
_LOOKED_BACK = 8
"""Characters before a tag that are looked at to tell whether a sentence or a line ends there."""


class ThinkSplitter:
    """Splits content that begins with reasoning between tags, however the pieces are cut.

    Tags count at the very start, so an answer that talks about `<think>` stays whole. After a first block of reasoning
    further blocks count where a model begins one: right after it, or later at the start of a line or a sentence,
    outside of code and directly followed by a word. With "open" the server has written the opening tag into the prompt
    and sends the closing one alone; with "off" nothing is split.

    A closing tag without an opening one leaves the answer whole: what came before it is shown already, and answers
    also just mention the tag.
    """

    def __init__(self, tags: ThinkTags = "auto") -> None:
        known = tags_for(tags)
        self._tags = known[0] if known else ReasoningTags("", ())
        self._known = tuple(each for each in known if each.opening)
        self._state = "start" if self._known else "thinking" if known else "answer"
        self._plain = _none_of("".join(each.opening[:1] for each in self._known))
        self._held = ""
        self._before = ""
        self._code = 0
        self._reasoned = False
        self._is_next_block = False

    @property
    def is_passthrough(self) -> bool:
        """Whether the rest is answer, to its end."""
        return self._state == "answer"

    def feed(self, text: str) -> Iterator[Delta]:
        """Take the next piece; give what is certain of it, and hold back what could be half a tag."""
        if self._state == "answer":
            if text:
                yield Delta(content=text)
            return
        if self._state == "after" and text and not self._held and self._plain.fullmatch(text):
            self._pass(text)
            yield Delta(content=text)
            return
        self._held += text
        state = ""
        while self._held and state != self._state:
            state = self._state
            yield from getattr(self, f"_in_{state}")()

    def end(self) -> Iterator[Delta]:
        """Give what was held back: no more is coming to complete a tag."""
        if self._held and self._state == "thinking":
            yield from self._thought(self._release())
        elif self._held:
            yield Delta(content=self._release())

    def _in_start(self) -> Iterator[Delta]:
        begun = self._held.lstrip()
        if not self._begins(begun):
            self._state = "answer"
            yield Delta(content=self._release())

    def _in_gap(self) -> Iterator[Delta]:
        """Look at what follows a block: another one, a mark that begins the answer, or the answer."""
        self._held = self._held.lstrip()
        if self._held and not self._begins(self._held):
            self._state = "after"
        yield from ()

    def _in_last_gap(self) -> Iterator[Delta]:
        self._held = self._held.lstrip()
        if self._held:
            self._state = "answer"
        yield from ()

    def _begins(self, text: str) -> bool:
        """Take an opening tag, or a mark before the answer, from the start; tell whether there is or could be one."""
        lowered = text[:64].lower()
        for tags in self._known:
            if lowered.startswith(tags.opening.lower()):
                self._tags, self._state, self._held = tags, "opened", text[len(tags.opening) :]
                return True
            for mark in tags.answer:
                if lowered.startswith(mark.lower()):
                    self._tags, self._state, self._held = tags, "gap", text[len(mark) :].lstrip()
                    return self._begins(self._held) or self._is_answer()
        marks = (mark for tags in self._known for mark in (tags.opening, *tags.answer))
        return any(mark.lower().startswith(lowered) for mark in marks)

    def _is_answer(self) -> bool:
        self._state = "after" if self._held else "gap"
        return True

    def _in_opened(self) -> Iterator[Delta]:
        self._held = self._held.lstrip("\n")  # those after the tag are no thought
        if self._held:
            self._state = "thinking"
        yield from ()

    def _in_thinking(self) -> Iterator[Delta]:
        closing = _any_of(self._tags.closings).search(self._held)
        if closing:
            thought, self._held = self._held[: closing.start()], self._held[closing.end() :]
        else:
            at = len(self._held) - _begun(self._held, self._tags.closings)
            thought, self._held = self._held[:at], self._held[at:]
        if thought:
            yield from self._thought(thought)
        if closing:
            self._is_next_block = self._reasoned
            self._state = "gap" if self._known else "last_gap"

    def _thought(self, text: str) -> Iterator[Delta]:
        yield Delta(reasoning_content=f"\n\n{text}" if self._is_next_block else text)
        self._reasoned, self._is_next_block = True, False

    def _in_after(self) -> Iterator[Delta]:
        """Pass the answer on, up to the next block; what could be half a mark is held back."""
        marks = (*(tags.opening for tags in self._known), *self._tags.ends)
        pattern, start = _any_of(marks, "`+"), 0
        while match := pattern.search(self._held, start):
            is_whole = match.end() < len(self._held)
            if match[0][0] == "`":
                if not is_whole:  # the run may go on
                    break
                self._pass(self._held[start : match.end()])
                self._code = 0 if self._code == len(match[0]) else self._code or len(match[0])
            elif match[0].lower() in {end.lower() for end in self._tags.ends}:
                yield from self._emit(self._held[: match.start()])
                self._held, self._state = self._held[match.end() :], "gap"
                return
            elif not is_whole:  # what follows it decides
                break
            else:
                self._pass(self._held[start : match.start()])
                if self._is_block(self._held[match.end()]):
                    yield from self._emit(self._held[: match.start()])
                    self._held, self._before = self._held[match.start() :], ""
                    self._begins(self._held)
                    return
                self._pass(match[0])
            start = match.end()
        at = match.start() if match else len(self._held) - _begun(self._held, marks, start)
        self._pass(self._held[start:at])
        rest, self._held = self._held[at:], self._held[:at]
        yield from self._emit(self._release())
        self._held = rest

    def _in_answer(self) -> Iterator[Delta]:
        yield Delta(content=self._release())

    def _is_block(self, following: str) -> bool:
        """Tell whether the tag before `following`, which comes after what was passed on, begins a block."""
        return not self._code and following not in " \t" and bool(_AFTER_SENTENCE.search(self._before))

    def _pass(self, text: str) -> None:
        """Remember the end of what is passed on; an empty line ends a code span, but no fence."""
        if self._code in {1, 2} and "\n\n" in self._before[-1:] + text:
            self._code = 0
        self._before = (self._before + text)[-_LOOKED_BACK:]

    def _emit(self, text: str) -> Iterator[Delta]:
        if text:
            yield Delta(content=text)

    def _release(self) -> str:
        released, self._held = self._held, ""
        return released


def without_reasoning(text: str) -> str:
    """Return a whole text without the reasoning in it, also where only its closing tag is there."""
    splitter = ThinkSplitter()
    answer = "".join(delta.content for delta in (*splitter.feed(text), *splitter.end()))
    closings = [closing for tags in tags_for("auto") for closing in tags.closings]
    return _any_of(tuple(closings)).split(answer)[-1]


@lru_cache(maxsize=64)
def _any_of(marks: tuple[str, ...], also: str = "(?!)") -> re.Pattern[str]:
    """Make a pattern that finds the first of these marks, in upper or lower case."""
    return re.compile("|".join((also, *map(re.escape, marks))), re.IGNORECASE)


@lru_cache(maxsize=64)
def _none_of(characters: str) -> re.Pattern[str]:
    """Make a pattern for text with none of these characters, in upper or lower case, and no backtick."""
    return re.compile(f"[^`{re.escape(characters)}]*", re.IGNORECASE)


def _begun(text: str, marks: Iterable[str], start: int = 0) -> int:
    """Return how many characters at the end of a text, from `start` on, could be the beginning of a mark."""
    lowered = text[max(start, len(text) - 64) :].lower()
    sizes = (
        size
        for mark in marks
        for size in range(min(len(mark) - 1, len(lowered)), 0, -1)
        if lowered.endswith(mark[:size].lower())
    )
    return max(sizes, default=0)
