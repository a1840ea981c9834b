"""Exports sessions as one self-contained HTML page: no network, no script, and no message becomes markup."""

import base64
from collections.abc import Iterable, Iterator
from datetime import datetime
from html import escape
from itertools import chain, islice
from urllib.parse import quote

from botchat.core.exporting.markdown import markdown_to_html
from botchat.core.models import (
    File,
    Message,
    Session,
    branch_of,
    content_notices,
    file_line,
    is_markdown,
    one_line,
    printable,
    rfc3339,
    speaker,
)

# Colors have a contrast of at least 4.5:1 to their background, in light and in dark mode.
_STYLE = """
:root {
  color-scheme: light dark;
  --page: #ffffff; --text: #1c2024; --quiet: #5b6570; --line: #d6dbe0;
  --link: #0b57d0; --user: #eaf1fd; --code: #f3f5f7;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #14171a; --text: #e7eaed; --quiet: #a3adb7; --line: #3a424a;
    --link: #8ab4f8; --user: #1f2c42; --code: #21262b;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0 auto; padding: 1rem; max-width: 48rem; background: var(--page); color: var(--text);
  font: 1rem/1.55 system-ui, sans-serif; overflow-wrap: anywhere;
}
h1, h2 { font-size: 1.6rem; line-height: 1.25; margin: 0.5rem 0; }
h1 + article { margin-top: 2rem; }
.words h3, .words h4, .words h5, .words h6 { font-size: 1.1rem; margin: 1.2rem 0 0.4rem; }
a { color: var(--link); }
article + article { margin-top: 4rem; padding-top: 1rem; border-top: 3px solid var(--line); }
.about, .who { color: var(--quiet); font-size: 0.875rem; }
.who { display: flex; flex-wrap: wrap; gap: 0 0.75rem; margin: 0 0 0.4rem; }
.who b { color: var(--text); }
.who a { color: inherit; text-decoration: none; }
.who a:hover, .who a:focus { text-decoration: underline; }
section { margin: 1.25rem 0; padding: 0.9rem 0 0; border-top: 1px solid var(--line); }
section.user { padding: 0.9rem 1rem; border: 0; border-radius: 0.75rem; background: var(--user); }
section:target { outline: 2px solid var(--link); outline-offset: 4px; }
.plain { white-space: pre-wrap; }
.plain, .words p, .words li, .words h3, .words h4, .words h5, .words h6, .words td { unicode-bidi: plaintext; }
.words > :first-child { margin-top: 0; }
.words > :last-child { margin-bottom: 0; }
pre { padding: 0.75rem; border-radius: 0.5rem; background: var(--code); overflow-x: auto; overflow-wrap: normal; }
code { font: 0.9em ui-monospace, monospace; background: var(--code); }
blockquote { margin: 0; padding-left: 1rem; border-left: 3px solid var(--line); color: var(--quiet); }
table { display: block; max-width: 100%; overflow-x: auto; border-collapse: collapse; overflow-wrap: normal; }
th, td { padding: 0.3rem 0.6rem; border: 1px solid var(--line); }
details { margin: 0 0 0.75rem; color: var(--quiet); }
summary { cursor: pointer; }
details .plain { margin-top: 0.5rem; padding-left: 1rem; border-left: 3px solid var(--line); }
.error { font-style: italic; }
.file { color: var(--quiet); font-size: 0.875rem; }
figure { margin: 0.75rem 0; }
img { max-width: 100%; max-height: 100rem; border-radius: 0.5rem; }
@media print { body { max-width: none; } section { break-inside: avoid-page; } }
"""

_HEAD = """<!doctype html>
<html lang="und">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<main>
"""


def to_html(sessions: Iterable[Session], footer: str = "") -> Iterator[str]:
    """Yield sessions as one HTML page, each as an article with its shown branch; `footer` is HTML below them."""
    rest = iter(sessions)
    first = list(islice(rest, 2))  # the page's title and headings depend on whether there are several
    several = len(first) > 1
    title = "Sessions" if several or not first else _name(first[0])
    yield _HEAD.format(title=escape(title), style=_STYLE)
    if several or not first:
        yield f"<h1>{title}</h1>\n"
    if not first:
        yield "<p>No sessions.</p>\n"
    for session in chain(first, rest):
        yield from _article(session, "h2" if several else "h1")
    yield f"{footer}</main>\n</body>\n</html>\n"


def _article(session: Session, heading: str) -> Iterator[str]:
    yield f'<article id="{_anchor(session.id)}">\n<{heading} dir="auto">{escape(_name(session))}</{heading}>\n'
    count = f"{session.message_count:,} message{'s' * (session.message_count != 1)}"
    about = f"{one_line(session.bot_id)} · {count} · {one_line(session.id)}"
    yield f'<p class="about">{_time(session.create_time)} · {escape(about)}</p>\n'
    for message in branch_of(session.messages, session.head):
        yield from _section(session, message)
    yield "</article>\n"


def _section(session: Session, message: Message) -> Iterator[str]:
    anchor = _anchor(f"{session.id}.{message.id}")
    who = escape(one_line(speaker(message, session.bot_id)))
    yield f'<section class="{message.role}" id="{anchor}">\n'
    yield f'<p class="who"><b>{who}</b> <a href="#{anchor}">{_time(message.create_time)}</a></p>\n'
    if message.reasoning_content:
        yield f"<details>\n<summary>Reasoning</summary>\n{_plain(message.reasoning_content)}</details>\n"
    if message.content:
        yield _content(message)
    yield from map(_file, message.files)
    for line in content_notices(message):
        yield f'<p class="file" dir="auto">{escape(line)}</p>\n'
    if message.error:
        yield f'<p class="error" dir="auto">{escape(printable(message.error))}</p>\n'
    yield "</section>\n"


def _content(message: Message) -> str:
    markup = markdown_to_html(printable(message.content)) if is_markdown(message) else None
    return _plain(message.content) if markup is None else f'<div class="words" dir="auto">\n{markup}</div>\n'


def _file(file: File) -> str:
    name = escape(file_line(file))
    if not file.is_image or file.data is None:
        return f'<p class="file" dir="auto">{name}</p>\n'
    source = f"data:{file.type};base64,{base64.b64encode(file.data).decode()}"
    image = f'<img src="{source}" alt="{escape(one_line(file.name))}">'
    return f'<figure>{image}<figcaption class="file" dir="auto">{name}</figcaption></figure>\n'


def _plain(text: str) -> str:
    return f'<div class="plain" dir="auto">{escape(printable(text))}</div>\n'


def _time(time: datetime) -> str:
    text = rfc3339(time)
    return f'<time datetime="{text}">{text[:10]} {text[11:16]} UTC</time>'


def _name(session: Session) -> str:
    return one_line(session.name) or "Untitled"


def _anchor(text: str) -> str:
    """Return an ID that is the same in an HTML attribute and, unescaped, in a URL fragment."""
    return escape(quote(text, safe="").replace("%", "_"))
