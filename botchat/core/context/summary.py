"""Summaries of the messages that no longer fit the context window, written by the bot itself."""

import asyncio
import logging
from collections.abc import Sequence
from concurrent.futures import Executor
from contextlib import aclosing
from dataclasses import dataclass, replace
from functools import partial

from botchat.core.bots import Bot, Prompt
from botchat.core.bots.stream.finish_reasons import finish_meaning
from botchat.core.context.token_count import estimate_tokens
from botchat.core.context.window import ContextSelection, cut_index, is_sendable, select_messages
from botchat.core.errors import BotError
from botchat.core.models import BotInfo, Delta, Message, Session, now, valid_text
from botchat.core.storage import SessionRepository, has_redaction_since

TIMEOUT_SECONDS = 60.0
"""How long a turn waits for a summary; after that, it continues without one."""

_INPUT_FRACTION = 0.5
"""Part of the window for the messages to summarize; the rest is for the summary and for errors of the estimate."""

_SUMMARY_FRACTION = 0.15
"""Part of the window that a summary may take, at four bytes per token."""

_MAX_BYTES = 20_000  # of a summary, if the window is not known

_REQUEST = """\
You will continue the conversation below, but you won't see this part of it again. Summarize it for yourself, in the
language of the conversation and in at most {words} words. Include the questions and answers, names, numbers, decisions,
preferences and open points. Reply with the summary only.

{before}<conversation>
{said}
</conversation>"""

_INTRODUCTION = "Summary of the earlier conversation:\n\n"

_log = logging.getLogger(__name__)


def summarized_count(session: Session, messages: Sequence[Message], *, has_start: bool) -> int | None:
    """Return how many of these messages the session's summary covers; None if it is not of this branch."""
    if not session.summary:
        return None
    last = session.summary.get("last")
    count = next((i + 1 for i, message in enumerate(messages) if message.id == last), None)
    if count is None and not has_start:
        count = 0  # it ends before the first of them
    return None if count is None or count < cut_index(messages, session.cut) else count


def apply_summary(
    info: BotInfo, session: Session, messages: Sequence[Message], *, has_start: bool
) -> tuple[BotInfo, str | None]:
    """Return the bot with the session's summary in its system prompt, and the ID of the first message after it.

    If no summary applies, both are unchanged: the bot, and the session's cut.
    """
    sendable = [message for message in messages if is_sendable(message)]
    count = summarized_count(session, sendable, has_start=has_start)
    if info.context != "summary" or session.summary is None or count is None:
        return info, session.cut
    covered = sendable[cut_index(sendable, session.cut) : count]
    system_texts = [valid_text(message.content) for message in covered if message.role == "system"]
    system = "\n\n".join(filter(None, [info.system, *system_texts, _INTRODUCTION + str(session.summary.get("text"))]))
    return replace(info, system=system), sendable[count].id if count < len(sendable) else session.cut


@dataclass(slots=True, frozen=True)
class Summarizer:
    """Has the bot summarize the messages that no longer fit, before it is sent the user's question."""

    repository: SessionRepository
    bot: Bot
    executor: Executor

    async def run(
        self, info: BotInfo, session: Session, messages: Sequence[Message], selection: ContextSelection
    ) -> bool:
        """Summarize and store; return whether the session has a new summary.

        A failure is only logged; then the messages that fit are sent without a summary.
        """
        sendable = [message for message in messages if is_sendable(message)]
        start = max(summarized_count(session, sendable, has_start=True) or 0, cut_index(sendable, session.cut))
        if len(selection.omitted) <= start:
            return False
        # Covers more than necessary, so that not every turn waits for a summary.
        covered = sendable[start : len(select_messages(info, messages, cut=session.cut, token_factor=2).omitted)]
        turns = [message for message in covered if message.role != "system"]  # those are always sent unchanged
        if not turns:
            return False
        try:
            text = await self._text(info, session, turns)
            session.summary = {"text": text, "last": covered[-1].id, "create_time": now()}
            save = partial(self._save, session, sendable[: sendable.index(covered[-1]) + 1])
            await asyncio.get_running_loop().run_in_executor(self.executor, save)
        except Exception as error:  # noqa: BLE001  (on any error, the turn continues)
            _log.warning("No summary was generated for session %s: %s: %s", session.id, type(error).__name__, error)
        else:
            return True
        return False

    def _save(self, session: Session, covered: Sequence[Message]) -> None:
        """Store the summary; remove it again if a message was redacted in the meantime."""
        self.repository.update(session.user, session.id, summary=session.summary)
        if has_redaction_since(self.repository, session, covered):
            session.summary = None
            self.repository.update(session.user, session.id, summary=None)

    async def _text(self, info: BotInfo, session: Session, turns: Sequence[Message]) -> str:
        earlier = str((session.summary or {}).get("text") or "")
        text, reason = "", None
        max_bytes = int(info.context_window * 4 * _SUMMARY_FRACTION) if info.context_window else _MAX_BYTES
        prompt = _prompt(info, earlier, turns, max_bytes)
        async with asyncio.timeout(TIMEOUT_SECONDS), aclosing(self.bot.stream(prompt)) as pieces:
            async for piece in pieces:
                if isinstance(piece, Delta):
                    text += piece.content
                else:
                    reason = piece.reason
        text = valid_text(text).strip().encode()[:max_bytes].decode(errors="ignore")
        if finish_meaning(reason) not in {"complete", "limit", "unknown"} or not text:
            raise BotError("The bot returned no summary.")
        return text


def _prompt(info: BotInfo, earlier: str, turns: Sequence[Message], max_bytes: int) -> Prompt:
    """Build the request for a summary; the oldest turns are left out if they don't fit even there."""
    room = (info.context_window or _MAX_BYTES) * _INPUT_FRACTION - estimate_tokens(earlier)
    texts: list[str] = []
    for message in reversed(turns):
        text = f"{message.role}: {valid_text(message.content)}"
        if (room := room - estimate_tokens(text)) < 0 and texts:
            break
        texts.append(text)
    previous = f"<summary>\n{earlier}\n</summary>\n" if earlier else ""
    content = _REQUEST.format(words=max(40, max_bytes // 12), before=previous, said="\n".join(reversed(texts)))
    return [{"role": "user", "content": content}]
