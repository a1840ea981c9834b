"""The results of a search, below the search field: chats with the messages that match."""

import json
from dataclasses import asdict
from html import escape as escape_html
from urllib.parse import quote

import streamlit as st

from botchat.core.errors import InvalidInput
from botchat.core.models import SearchHit, SearchResult, SessionFilter, Span, without_bidi_controls
from botchat.web import cache
from botchat.web.components.search import hit
from botchat.web.markdown.escape import escape
from botchat.web.timezone import format_date, local_now

_PAGE = 20
"""Chats per page of results."""

_KEY = "hit action"


def search_results(user: str, where: SessionFilter) -> None:
    """Show the chats that contain the words of `where.text`, newest first, and open the one that is chosen."""
    pages = st.session_state.setdefault("pages", 1)
    try:
        results, has_more = _cached_results(_key(user, pages, where))
    except InvalidInput as error:  # the search text is too long
        st.warning(escape(str(error)))
        return
    with st.container(key="results"):
        if results:
            st.html(results_html(results))
        else:
            st.caption("No results.")
        if has_more:
            st.button("Load more", on_click=_load_more, key="load more results")
        st.text_input("Open a result", key=_KEY, label_visibility="collapsed", on_change=_open)


def results_html(results: list[SearchResult]) -> str:
    """Return the HTML of the results. Names and snippets are text, whatever they contain."""
    items = "".join(map(_result_html, results))
    return f'<nav class="botchat-results" aria-label="Search results"><ul>{items}</ul></nav>'


def _result_html(result: SearchResult) -> str:
    session = result.session
    name = _marked(session.name or "Untitled", result.name_matches if session.name else ())
    date = escape_html(format_date(session.create_time.astimezone(local_now().tzinfo)))
    head = f'<strong>{name}</strong><time datetime="{session.create_time.isoformat()}">{date}</time>'
    links = "".join(_link(session.id, found) for found in result.hits)
    more = result.hit_count - len(result.hits)
    rest = f"<small>{more:,} more in this chat</small>" if more > 0 else ""
    return f"<li>{_anchor(session.id, None, 'botchat-result', head)}{links}{rest}</li>"


def _link(session_id: str, found: SearchHit) -> str:
    text = _marked(found.snippet, found.matches)
    return _anchor(session_id, found.message_id, "botchat-hit", text)


def _anchor(session_id: str, message_id: str | None, name: str, content: str) -> str:
    address = f"?session={quote(session_id)}" + (f"&message={quote(message_id)}" if message_id else "")
    return f'<a class="{name}" href="{escape_html(address)}">{content}</a>'


def _marked(text: str, matches: tuple[Span, ...]) -> str:
    """Return a text as HTML, with the matches in <mark>."""
    parts, end = [], 0
    for start, stop in matches:
        parts += [_plain(text[end:start]), f"<mark>{_plain(text[start:stop])}</mark>"]
        end = stop
    return "".join([*parts, _plain(text[end:])])


def _plain(text: str) -> str:
    return escape_html(without_bidi_controls(text.replace("\0", "")))


def _key(user: str, pages: int, where: SessionFilter) -> str:
    return json.dumps([user, cache.connection().revision(user), pages, asdict(where)])


@st.cache_data(ttl=cache.CACHE_SECONDS, max_entries=200, show_spinner=False)
def _cached_results(key: str) -> tuple[list[SearchResult], bool]:
    """Return the first pages of a search, and whether there are more."""
    user, _, pages, filter_fields = json.loads(key)
    where = SessionFilter(**filter_fields)
    found: list[SearchResult] = []
    after = None
    for _ in range(pages):
        page = cache.connection().search(user, where.text, after, _PAGE, where)
        found += page.results
        after = page.next
        if after is None:
            break
    return found, after is not None


def _open() -> None:
    """Open the result that the script wrote into the field, as JSON: `session` and, for a message, `message`."""
    if not (text := st.session_state[_KEY]):
        return
    chosen = json.loads(text)
    hit.open_message(chosen["session"], chosen.get("message"))
    st.rerun()


def _load_more() -> None:
    st.session_state.pages += 1
