"""A summary of the messages that a bot is not shown any more, of the bot's own making."""

import asyncio
import logging
from collections.abc import Sequence
from concurrent.futures import Executor
from contextlib import aclosing
from dataclasses import dataclass, replace
from functools import partial

from botchat.core.bots import Bot, Prompt
from botchat.core.bots.stream.finish_reasons import meaning_of
from botchat.core.context.token_count import estimated_tokens
from botchat.core.context.window import Fit, can_be_shown, cut_at, fit
from botchat.core.errors import BotError
from botchat.core.models import BotInfo, Delta, Message, Session, now, valid_text
from botchat.core.storage import SessionRepository, has_redaction_since

SECONDS = 60.0
"""How long the turn waits for a summary; then it goes on without."""

_ROOM = 0.5
"""Part of the window for what is summed up at once; the rest is for the answer, and for those who count otherwise."""

_LENGTH = 0.15
"""Part of the window that a summary may take, in bytes of four to a token."""

_LONGEST = 20_000  # characters, where the window is not known

_ASKED = """\
You are going to continue the conversation below, and will not see this part of it again. Sum it up for yourself, in its
language and in at most {words} words: what was asked and answered, names, numbers, decisions, wishes, what is open.
Answer with the summary alone.

{before}<conversation>
{said}
</conversation>"""

_TOLD = "This is what was said before, summed up:\n\n"

_log = logging.getLogger(__name__)


def behind(session: Session, said: Sequence[Message], *, is_whole: bool) -> int | None:
    """Tell how many of these messages the session's summary stands for; None where it is none of this branch."""
    if not session.summary:
        return None
    last = session.summary.get("last")
    place = next((i + 1 for i, message in enumerate(said) if message.id == last), None)
    if place is None and not is_whole:
        place = 0  # it ends before the first of them
    return None if place is None or place < cut_at(said, session.cut) else place


def summed_up(
    info: BotInfo, session: Session, messages: Sequence[Message], *, is_whole: bool
) -> tuple[BotInfo, str | None]:
    """Return the bot with the summary, if one counts, in its system prompt, and where what follows it begins."""
    said = [message for message in messages if can_be_shown(message)]
    place = behind(session, said, is_whole=is_whole)
    if info.context != "summary" or session.summary is None or place is None:
        return info, session.cut
    standing = [valid_text(m.content) for m in said[cut_at(said, session.cut) : place] if m.role == "system"]
    system = "\n\n".join(filter(None, [info.system, *standing, _TOLD + str(session.summary.get("text"))]))
    return replace(info, system=system), said[place].id if place < len(said) else session.cut


@dataclass(slots=True, frozen=True)
class Summing:
    """Has a bot sum up what does not fit any more, before it is asked what the person asked."""

    repository: SessionRepository
    bot: Bot
    savers: Executor

    async def run(self, info: BotInfo, session: Session, messages: Sequence[Message], chosen: Fit) -> bool:
        """Tell whether the session has a new summary. That it has none is only logged: what fits is shown then."""
        said = [message for message in messages if can_be_shown(message)]
        start = max(behind(session, said, is_whole=True) or 0, cut_at(said, session.cut))
        if len(chosen.before) <= start:
            return False
        # More than has to go, so that not every turn has to wait for a summary.
        gone = said[start : len(fit(info, messages, cut=session.cut, more=2).before)]
        turns = [message for message in gone if message.role != "system"]  # those are always sent as they are
        if not turns:
            return False
        try:
            text = await self._text(info, session, turns)
            session.summary = {"text": text, "last": gone[-1].id, "create_time": now()}
            save = partial(self._save, session, said[: said.index(gone[-1]) + 1])
            await asyncio.get_running_loop().run_in_executor(self.savers, save)
        except Exception as error:  # noqa: BLE001  (whatever a bot or the store raises, the turn goes on)
            _log.warning("Session %s has no new summary: %s: %s", session.id, type(error).__name__, error)
        else:
            return True
        return False

    def _save(self, session: Session, known: Sequence[Message]) -> None:
        """Store the summary; remove it if a message was redacted while it was written."""
        self.repository.update(session.user, session.id, summary=session.summary)
        if has_redaction_since(self.repository, session, known):
            session.summary = None
            self.repository.update(session.user, session.id, summary=None)

    async def _text(self, info: BotInfo, session: Session, gone: Sequence[Message]) -> str:
        before = str((session.summary or {}).get("text") or "")
        text, reason = "", None
        longest = int(info.context_window * 4 * _LENGTH) if info.context_window else _LONGEST
        async with asyncio.timeout(SECONDS), aclosing(self.bot.stream(_prompt(info, before, gone, longest))) as pieces:
            async for piece in pieces:
                if isinstance(piece, Delta):
                    text += piece.content
                else:
                    reason = piece.reason
        text = valid_text(text).strip().encode()[:longest].decode(errors="ignore")
        if meaning_of(reason) not in {"complete", "limit", "unknown"} or not text:
            raise BotError("The bot was asked for a summary, and gave none.")
        return text


def _prompt(info: BotInfo, before: str, gone: Sequence[Message], longest: int) -> Prompt:
    """Make what a bot is asked for a summary with: of what is too much even for that, the oldest is left out."""
    room = (info.context_window or _LONGEST) * _ROOM - estimated_tokens(before)
    said: list[str] = []
    for message in reversed(gone):
        text = f"{message.role}: {valid_text(message.content)}"
        if (room := room - estimated_tokens(text)) < 0 and said:
            break
        said.append(text)
    old = f"<summary>\n{before}\n</summary>\n" if before else ""
    words = {"words": max(40, longest // 12), "before": old, "said": "\n".join(reversed(said))}
    return [{"role": "user", "content": _ASKED.format(**words)}]
