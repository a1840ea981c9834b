"""Generates session titles with the bot, to replace the first words of the question."""

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
from botchat.core.storage import SessionRepository, has_redaction_since

TITLE_LENGTH = 60
"""Longest title in characters; lists show it in one line."""

_EXCERPT_CHARACTERS = 1000  # of the question, and of the answer
_TIMEOUT_SECONDS = 60
_MAX_ANSWER_CHARACTERS = 500  # a longer answer is not a title
_MAX_RECEIVED_CHARACTERS = 20_000  # then reasoning in unknown tags is not read further

_REQUEST = """\
Write a title of two to six words for the conversation that starts below, in the language of the conversation.
Reply with the title only: no quotes, no Markdown, no period at the end.

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


def needs_title(bot: Bot, messages: Sequence[Message]) -> bool:
    """Return whether the reply to these messages is the session's first, and the bot can generate titles."""
    answered = any(m.role == "assistant" and m.status is None and m.content for m in messages)
    return bot.info.can_title and not answered


def title_prompt(question: str, answer: str) -> Prompt:
    """Build the request for a title."""
    texts = {"question": valid_text(question[:_EXCERPT_CHARACTERS]), "answer": valid_text(answer[:_EXCERPT_CHARACTERS])}
    return [{"role": "user", "content": _REQUEST.format(**texts)}]


def parse_title(text: str) -> str:
    """Extract the title from a bot's answer: its first suitable line, without quotes and Markdown; "" if there is none.

    Reasoning, "Here is a title:" and code fences are skipped; in a JSON object the first string is the title.
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
class TitleFollowup:
    """Asks the bot for a title of the session, and renames the session if its name is still the automatic one."""

    repository: SessionRepository
    bot: Bot
    session: Session
    question: Message
    executor: Executor

    async def run(self, reply: Message) -> bool:
        """Generate the title; return whether the session was renamed. A failure is only logged."""
        try:
            automatic = await self._run_in_thread(self._automatic_name)
            if automatic is None:
                return False
            title = await self._title(reply.content)
            return await self._run_in_thread(partial(self._rename, automatic, title, reply))
        except Exception as error:  # noqa: BLE001  (on any error, the automatic name stays)
            _log.info("No title was generated for session %s: %s: %s", self.session.id, type(error).__name__, error)
            return False

    async def _title(self, answer: str) -> str:
        content, reason = "", None
        prompt = title_prompt(self.question.content, answer)
        async with asyncio.timeout(_TIMEOUT_SECONDS), aclosing(self.bot.stream(prompt)) as pieces:
            async for piece in pieces:
                if isinstance(piece, Delta):
                    content += piece.content
                else:
                    reason = piece.reason
                if len(content) > _MAX_RECEIVED_CHARACTERS:
                    break
        title = parse_title(content)
        if is_cut_off(reason) or len(without_reasoning(content)) > _MAX_ANSWER_CHARACTERS or not title:
            raise BotError("The bot returned no title.")
        return title

    def _rename(self, automatic: str, title: str, reply: Message) -> bool:
        """Rename the session; undo it if a message that the title is based on was redacted meanwhile."""
        user, session_id = self.session.user, self.session.id
        sources = [self.question, reply]
        if not self.repository.rename_if_unchanged(
            user, session_id, automatic, title, [message.id for message in sources]
        ):
            return False
        if has_redaction_since(self.repository, self.session, sources):
            self.repository.rename_if_unchanged(user, session_id, title, REDACTED)
        return True

    def _automatic_name(self) -> str | None:
        """Return the session's automatic name; None if it was renamed since."""
        user, session_id = self.session.user, self.session.id
        name = self.repository.get(user, session_id, last=1).name
        first = replace(self.session, name="").derive_name(self.repository.messages(user, session_id, before=2))
        return name if name and name == first else None

    async def _run_in_thread(self, call: Callable[[], _T]) -> _T:
        return await asyncio.get_running_loop().run_in_executor(self.executor, call)
