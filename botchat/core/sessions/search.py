"""Searches a user's sessions: the store finds the sessions, and this module finds the messages in them."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, NamedTuple

from botchat.core.errors import DamagedRecord, SessionNotFound
from botchat.core.models import Role, SearchHit, SearchPage, SearchResult, SessionFilter, SessionSummary
from botchat.core.storage import SessionRepository, WordMatcher

HITS_PER_SESSION = 3

_STEP = 500
"""Messages that are read at a time."""


class _Text(NamedTuple):
    position: int
    message_id: str
    role: Role
    content: str


def search_sessions(
    repository: SessionRepository,
    user: str,
    text: str,
    *,
    after: str | None,
    limit: int,
    where: SessionFilter,
    hits: int,
) -> SearchPage:
    """Return a page of a user's sessions that contain every word of a text; see `SessionQueries.search`."""
    words = WordMatcher(text)
    page = repository.page(user, after, limit, replace(where, text=text))
    found = (_result(repository, user, summary, words, hits) for summary in page.sessions)
    return SearchPage(results=tuple(result for result in found if result), next=page.next)


def _result(
    repository: SessionRepository, user: str, summary: SessionSummary, words: WordMatcher, limit: int
) -> SearchResult | None:
    """Return a session with the messages that have the most words; None if it was deleted meanwhile."""
    most, best = 1, []
    try:
        for text in _newest_first(repository, user, summary):
            count = words.count(text.content)
            if count > most:
                most, best = count, [text]
            elif count == most:
                best.append(text)
    except SessionNotFound:
        return None
    return SearchResult(
        session=summary,
        name_matches=words.spans(summary.name),
        hits=tuple(_hit(text, words) for text in best[:limit]),
        hit_count=len(best),
    )


def _hit(text: _Text, words: WordMatcher) -> SearchHit:
    snippet = words.snippet(text.content)
    return SearchHit(
        message_id=text.message_id,
        position=text.position,
        role=text.role,
        snippet=snippet,
        matches=words.spans(snippet),
    )


def _newest_first(repository: SessionRepository, user: str, summary: SessionSummary) -> Iterator[_Text]:
    """Yield the messages of a session, of a damaged one those that can be read."""
    stop = summary.message_count
    try:
        while stop > 0:
            messages = repository.messages(user, summary.id, stop, _STEP)
            stop = max(0, stop - _STEP)
            for position, message in reversed(list(enumerate(messages, stop))):
                yield _Text(position, message.id, message.role, message.content)
    except DamagedRecord as error:
        readable: list[dict[str, Any]] = error.readable["messages"] if error.readable else []
        for position, record in reversed(list(enumerate(readable))):
            if position < stop:
                yield _Text(position, record["id"], record["role"], record["content"])
