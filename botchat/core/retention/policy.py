"""The retention policy: rules for how long sessions are kept."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

from botchat.core.models import Session, SessionFilter, SessionSummary, State
from botchat.core.storage import AllSessions

Action = Literal["delete", "archive"]


@dataclass(kw_only=True, slots=True, frozen=True)
class Rule:
    """What happens to sessions after a time without a write. Pinned sessions are exempt.

    Attributes:
        older_than: time since the last write.
        action: "delete" is permanent, without the trash; "archive" applies to active sessions only.
        bot_id: only sessions with this bot; None for any.
        user: only this user's sessions; None for any.
    """

    older_than: timedelta
    action: Action
    bot_id: str | None = None
    user: str | None = None

    def applies_to(self, user: str, bot_id: str) -> bool:
        """Return whether the rule applies to sessions of this user and bot."""
        return self.user in (None, user) and self.bot_id in (None, bot_id)


class DueSession(NamedTuple):
    """A session that is due by a rule, and the rule's action."""

    session: SessionSummary
    action: Action


class Retention:
    """A policy: for each action, the first rule that applies to a session decides."""

    def __init__(self, rules: Sequence[Rule] = ()) -> None:
        self.rules = tuple(rules)

    def expire_time(self, session: Session, at: datetime) -> datetime | None:
        """Return when a session written at `at` will be permanently deleted without another write; None for never."""
        rule = self._rule("delete", session.user, session.bot_id)
        return None if rule is None or session.pinned else at + rule.older_than

    def archives(self, user: str) -> bool:
        """Return whether a rule archives sessions of this user."""
        return any(rule.action == "archive" and rule.user in (None, user) for rule in self.rules)

    def due(self, sessions: AllSessions, at: datetime, user: str | None = None) -> Iterator[DueSession]:
        """Yield the sessions that are due, of one user or of all users."""
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
    """Yield summaries, newest first, page by page. Concurrent changes neither repeat nor skip a session."""
    after = None
    while True:
        page = sessions.page(after, where=where)
        yield from page.sessions
        after = page.next
        if after is None:
            return
