"""How long sessions are kept: a policy of rules, the same wherever it is carried out."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

from botchat.core.models import Session, SessionFilter, SessionSummary, State
from botchat.core.storage import AllSessions

Action = Literal["delete", "archive"]


@dataclass(kw_only=True, slots=True, frozen=True)
class Rule:
    """What becomes of sessions that nobody has written to for some time. Pinned ones stay.

    Attributes:
        action: "delete" is for ever, without the trash; "archive" is of active sessions alone.
        bot_id: of this bot alone, None for any.
        user: of this user alone, None for any.
    """

    older_than: timedelta
    action: Action
    bot_id: str | None = None
    user: str | None = None

    def applies_to(self, user: str, bot_id: str) -> bool:
        """Tell whether such sessions are meant."""
        return self.user in (None, user) and self.bot_id in (None, bot_id)


class DueSession(NamedTuple):
    """A session whose time has come, and what becomes of it."""

    session: SessionSummary
    action: Action


class Retention:
    """A policy: of the rules for one action, the first that is for a session is the one that counts."""

    def __init__(self, rules: Sequence[Rule] = ()) -> None:
        self.rules = tuple(rules)

    def expire_time(self, session: Session, at: datetime) -> datetime | None:
        """Tell when a session that is written now goes for ever, if nobody writes to it again; None: never."""
        rule = self._rule("delete", session.user, session.bot_id)
        return None if rule is None or session.pinned else at + rule.older_than

    def archives(self, user: str) -> bool:
        """Tell whether sessions of a user are to be archived at some time."""
        return any(rule.action == "archive" and rule.user in (None, user) for rule in self.rules)

    def due(self, sessions: AllSessions, at: datetime, user: str | None = None) -> Iterator[DueSession]:
        """Find the sessions, of one user or of all, whose time has come."""
        for rule in self.rules:
            states: tuple[State, ...] = ("active",) if rule.action == "archive" else ("active", "archived")
            if user is not None and not rule.applies_to(user, rule.bot_id or ""):
                continue
            for state in states:
                where = SessionFilter(
                    user=user or rule.user,
                    state=state,
                    bot_id=rule.bot_id,
                    idle_since=at - rule.older_than,
                    pinned=False,
                )
                for session in all_summaries(sessions, where):
                    if self._rule(rule.action, session.user, session.bot_id) is rule:
                        yield DueSession(session, rule.action)

    def _rule(self, action: Action, user: str, bot_id: str) -> Rule | None:
        return next((rule for rule in self.rules if rule.action == action and rule.applies_to(user, bot_id)), None)


def all_summaries(sessions: AllSessions, where: SessionFilter) -> Iterator[SessionSummary]:
    """Read summaries, newest first, page by page: what changes meanwhile repeats nothing and skips nothing."""
    after = None
    while True:
        page = sessions.page(after, where=where)
        yield from page.sessions
        after = page.next
        if after is None:
            return
