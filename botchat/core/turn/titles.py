"""A session's name of the bot's own making, in the place of the first words of its question."""

import asyncio
import json
import logging
import re
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from contextlib import aclosing
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

from botchat.core.bots import Bot, Prompt
from botchat.core.bots.stream.finish_reasons import is_cut_off
from botchat.core.bots.stream.think_tags import without_reasoning
from botchat.core.errors import BotError
from botchat.core.models import REDACTED, Delta, Message, Session, one_line, valid_text
from botchat.core.storage import SessionRepository, redacted_since

TITLE_LENGTH = 60
"""Characters of a title, which lists show in one line."""

_SHOWN = 1000
_SECONDS = 60
_TOO_LONG = 500  # characters: a bot that writes so many has written no title
_LONGEST_THOUGHT = 20_000  # characters, after which reasoning whose tags are not known is read no further

_ASKED = """\
Here is how a conversation begins. Give it a title of two to six words, in the language that the conversation is in.
Answer with the title alone: no quotes, no Markdown, no full stop.

<question>
{question}
</question>
<answer>
{answer}
</answer>"""

_LABEL = re.compile(
    r"title\s*:|(?:(?:sure|certainly|of course|okay|ok)\W+)?here(?:\Ws| is| are)\b[^:]*\b(?:title|name)s?\b[^:]*:",
    re.IGNORECASE,
)
_PREAMBLE = re.compile(r"(?:sure|certainly|of course|okay|ok|absolutely|great)\b[\s,!.]*$", re.IGNORECASE)
_FENCE = re.compile(r"\s*(?:```|~~~)")
_MARKS = re.compile(r"\*+|`+|^\s*[#>-]+\s*|~~")
_QUOTES = "\"'`“”„‟«»‹›‘’‚「」『』"  # noqa: RUF001

_log = logging.getLogger(__name__)
_T = TypeVar("_T")


def wants_title(bot: Bot, messages: Sequence[Message]) -> bool:
    """Tell whether the answer to these messages is the session's first, and the bot one that can name it."""
    answered = any(m.role == "assistant" and m.status is None and m.content for m in messages)
    return bot.info.can_title and not answered


def title_prompt(question: str, answer: str) -> Prompt:
    """Make what a bot is asked for a title with."""
    words = {"question": valid_text(question[:_SHOWN]), "answer": valid_text(answer[:_SHOWN])}
    return [{"role": "user", "content": _ASKED.format(**words)}]


def as_title(text: str) -> str:
    """Make a title of a bot's answer: its first line that is one, without quotes and marks; "" if there is none.

    Reasoning, "Here is a title:" and the fences of code are passed over; of a JSON object its first text is the title.
    """
    title, before = one_line(_MARKS.sub("", _title_line(without_reasoning(text)))), None
    while title != before:
        before = title
        title = _LABEL.sub("", title, count=1) if _LABEL.match(title) else title
        title = title.strip(" _").removesuffix(".").removesuffix("。").strip()
        if len(title) > 1 and title[0] in _QUOTES and title[-1] in _QUOTES:
            title = title[1:-1]
    return title if len(title) <= TITLE_LENGTH else title[: TITLE_LENGTH - 1].rstrip() + "…"


def _title_line(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip() and not _FENCE.match(line)]
    if lines and lines[0].lstrip().startswith("{"):
        return _title_in_json("\n".join(lines)) or lines[0]
    for line in lines:
        label = _LABEL.match(_MARKS.sub("", line).strip())
        is_preamble = _PREAMBLE.match(line.strip()) or (
            label and not _MARKS.sub("", line).strip()[label.end() :].strip()
        )
        is_announcing = line.rstrip(" *_").endswith((":", "：")) and line is not lines[-1]  # noqa: RUF001
        if not is_preamble and not is_announcing:
            return line
    return ""


def _title_in_json(text: str) -> str:
    try:
        values = json.loads(text).values()
    except (ValueError, RecursionError):
        return ""
    return next((value for value in values if isinstance(value, str)), "")


@dataclass(slots=True, frozen=True)
class Naming:
    """Asks a bot for a session's title, and gives it if the name is still the one that the session gave itself."""

    repository: SessionRepository
    bot: Bot
    session: Session
    question: Message
    savers: Executor

    async def run(self, answer: Message) -> bool:
        """Tell whether the session has a new name. That it has none disturbs nobody, and is only logged."""
        try:
            automatic = await self._in_thread(self._automatic_name)
            if automatic is None:
                return False
            title = await self._title(answer.content)
            return await self._in_thread(partial(self._rename, automatic, title, answer))
        except Exception as error:  # noqa: BLE001  (whatever a bot or the store raises, the first words are a name too)
            _log.info("Session %s keeps its name: %s: %s", self.session.id, type(error).__name__, error)
            return False

    async def _title(self, answer: str) -> str:
        content, reason = "", None
        prompt = title_prompt(self.question.content, answer)
        async with asyncio.timeout(_SECONDS), aclosing(self.bot.stream(prompt)) as pieces:
            async for piece in pieces:
                if isinstance(piece, Delta):
                    content += piece.content
                else:
                    reason = piece.reason
                if len(content) > _LONGEST_THOUGHT:
                    break
        title = as_title(content)
        if is_cut_off(reason) or len(without_reasoning(content)) > _TOO_LONG or not title:
            raise BotError("The bot was asked for a title, and gave none.")
        return title

    def _rename(self, automatic: str, title: str, answer: Message) -> bool:
        """Give the title; take it back if a message that it was made of was redacted meanwhile."""
        user, session_id = self.session.user, self.session.id
        made_of = [self.question, answer]
        if not self.repository.rename_from(user, session_id, automatic, title, [message.id for message in made_of]):
            return False
        if redacted_since(self.repository, self.session, made_of):
            self.repository.rename_from(user, session_id, title, REDACTED)
        return True

    def _automatic_name(self) -> str | None:
        """Return the name that the session gave itself; None if it has another by now."""
        user, session_id = self.session.user, self.session.id
        name = self.repository.get(user, session_id, last=1).name
        first = replace(self.session, name="").derive_name(self.repository.messages(user, session_id, before=2))
        return name if name and name == first else None

    async def _in_thread(self, call: Callable[[], _T]) -> _T:
        return await asyncio.get_running_loop().run_in_executor(self.savers, call)
