"""Export links, and imports with their report."""

import json

import pytest
from streamlit.testing.v1 import AppTest
from support.stores.sessions import stored
from support.web.tabs import click

from botchat.core.exporting import ExportFormat, export
from botchat.core.models import SessionFilter
from botchat.core.storage.keyed.repository import KeyedRepository
from botchat.web import cache
from botchat.web.timezone import local_now


def import_page() -> None:
    from botchat.web import runtime
    from botchat.web.components import transfer

    transfer.import_form(runtime.user())


def links_page() -> None:
    from botchat.core.models import Session
    from botchat.web.components import transfer

    transfer.session_export_links(Session(id="an id & more", user="ann", bot_id="b", rev=1))
    transfer.export_links()


@pytest.fixture
def tab(site):
    """The form, in a tab of Ann's."""
    site.serve("ann")
    return AppTest.from_function(import_page, default_timeout=30).run()


def upload(tab: AppTest, content: str | bytes, name: str = "sessions.jsonl") -> AppTest:
    data = content.encode() if isinstance(content, str) else content
    tab.file_uploader[0].set_value((name, data, "application/json")).run()
    return click(tab, "import")


def exported(site, form: str = "jsonl") -> str:
    return "".join(export(site.store.for_admins().records(SessionFilter(state=None)), ExportFormat(form)))


def shown(tab: AppTest) -> list[str]:
    """The one sentence of the report."""
    return [element.value.replace("\\", "") for element in (*tab.success, *tab.warning, *tab.error)]


def test_there_is_a_link_for_each_form_of_a_session_and_of_all(site):
    tab = AppTest.from_function(links_page, default_timeout=30).run()
    assert not tab.exception
    addresses = [link.url for link in tab.get("link_button")]
    assert addresses[:3] == [f"export?form={form}&session=an+id+%26+more" for form in ("md", "html", "json")]
    assert addresses[3:] == [f"export?form={form}" for form in ("jsonl", "html", "md", "json", "csv")]


@pytest.mark.parametrize("form", ["json", "jsonl"])
def test_what_was_exported_and_removed_comes_back_by_an_import(site, tab, form):
    session = stored(site.store, messages=3, name="Herons")
    before, file = site.store.get("ann", session.id), exported(site, form)
    site.store.purge("ann", session.id)
    upload(tab, file, f"sessions.{form}")
    assert shown(tab) == [f"sessions.{form}: 1 imported, 0 already present, 0 skipped."]
    assert site.store.get("ann", session.id) == before


def listed_now() -> int:
    return cache.session_list("ann", 1, cache.ACTIVE, local_now()).total


def test_the_list_shows_at_once_what_was_taken_in(site, tab):
    assert listed_now() == 0
    upload(tab, json.dumps({"messages": [{"role": "user", "content": "hello"}]}))
    assert listed_now() == 1


def test_what_is_there_already_is_counted_and_never_replaced(site, tab):
    session = stored(site.store, name="before")
    file = exported(site)
    site.store.update("ann", session.id, name="after")
    upload(tab, file)
    assert shown(tab) == ["sessions.jsonl: 0 imported, 1 already present, 0 skipped."]
    assert site.store.get("ann", session.id).name == "after"


def test_whatever_a_file_says_the_sessions_become_the_users_own(site, tab):
    upload(tab, json.dumps({"user": "bob", "messages": [{"role": "user", "content": "hello"}]}))
    assert (site.store.count("ann"), site.store.count("bob")) == (1, 0)


def test_another_users_session_is_taken_in_as_ones_own_and_theirs_stays_as_it_was(site, tab):
    site.store = KeyedRepository(site.store)
    site.store.down = False
    theirs = stored(site.store, "bob", name="Bob's")
    upload(tab, exported(site))
    assert shown(tab) == ["sessions.jsonl: 1 imported, 0 already present, 0 skipped."]
    site.store.update("ann", theirs.id, name="Ann's")
    assert site.store.get("bob", theirs.id).name == "Bob's"


def test_what_could_not_be_taken_is_told_by_its_place_the_first_100_of_it(site, tab):
    good = json.dumps({"messages": [{"role": "user", "content": "hello"}]})
    upload(tab, "\n".join([good, *['{"messages": [[*bold*'] * 120, good]))
    assert shown(tab) == ["sessions.jsonl: 2 imported, 0 already present, 120 skipped."]
    table = tab.table[0].value
    assert (len(table), table["Entry"].iloc[0]) == (100, "line 2")
    assert "JSON" in table["Reason"].iloc[0]
    assert "Showing the first 100 of 120." in [caption.value for caption in tab.caption]


def test_the_report_is_still_there_after_a_rerun_and_the_file_is_not_taken_in_twice(site, tab):
    upload(tab, json.dumps({"messages": [{"role": "user", "content": "hello"}]}))
    told = shown(tab)
    tab.run()
    assert (shown(tab), [button.key for button in tab.button]) == (told, [])
    tab.file_uploader[0].set_value(None).run()
    assert (shown(tab), site.store.count("ann")) == (told, 1)


def test_a_file_of_nothing_that_botchat_knows_is_told(site, tab):
    for content, name in (("these are my notes", "notes.json"), (b"PK\x03\x04spoilt", "chatgpt.zip")):
        upload(tab, content, name)
        assert shown(tab)[0].startswith(f"{name}: 0 imported, 0 already present, 0 skipped. Import stopped: ")


def test_a_store_that_is_down_is_told_and_the_file_can_be_tried_again(site, tab):
    site.store.down = True
    cache.connection.clear()
    session = json.dumps({"messages": [{"role": "user", "content": "hello"}]})
    upload(tab, session)
    assert "The store is down." in shown(tab)[0]
    site.store.down = False
    upload(tab, session)
    assert shown(tab) == ["sessions.jsonl: 1 imported, 0 already present, 0 skipped."]


def test_words_of_a_file_are_text_in_the_report(site, tab):
    upload(tab, "x", "![x] :red[a].json")
    assert tab.error[0].value.startswith(r"\!\[x\] \:red\[a\]\.json: ")


def test_messages_that_can_not_be_shown_whole_are_counted(site, tab):
    image = [{"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}]
    messages = [{"role": "user", "content": content} for content in (image, "hello", image)]
    upload(tab, json.dumps({"messages": messages}))
    counts = "sessions.jsonl: 1 imported, 0 already present, 0 skipped."
    assert shown(tab) == [f"{counts} 2 messages have unsupported content; the original is kept."]
    assert [element.value for element in tab.success] == []
