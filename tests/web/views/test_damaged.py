"""The page of a user with damaged sessions: the list shows the others, and each damaged one shows its error."""

from datetime import UTC, datetime, timedelta

import pytest
from streamlit.testing.v1 import AppTest
from support.stores.damage import OF_FILE, WRONG, damage_document, damage_rows
from support.stores.sessions import stored
from support.web.tabs import PAGE, Site, conversation_texts, session_names

from botchat.bootstrap import build_repository
from botchat.core.storage.sqlite.repository import SqliteRepository
from botchat.web.views.admin import metrics

START = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture(params=["sqlite", "mongod"])
def repository(request, tmp_path):
    """A store of ann's with a sound session and one for each damage; it has their ids as `damaged`."""
    is_file = request.param == "sqlite"
    path = tmp_path / "botchat.db"
    database = None if is_file else request.getfixturevalue("database")
    address = "" if database is None else f"{request.getfixturevalue('mongod').uri}/{database.name}"
    repository = SqliteRepository(path) if is_file else build_repository(address)
    repository.prepare()
    stored(repository, id="sound", name="A sound one", messages=2, create_time=START, bot_id="b")
    damages = OF_FILE if is_file else WRONG
    for i, (session_id, changes) in enumerate(damages.items(), 1):
        stored(repository, id=session_id, messages=2, create_time=START + timedelta(minutes=i), bot_id="b")
        if is_file:
            damage_rows(path, session_id, changes)
        else:
            damage_document(database, session_id, changes)
    repository.damaged = list(damages)
    yield repository
    repository.close()


def test_the_list_and_each_conversation_come_without_a_traceback(site: Site, repository):
    tab = site.open()
    assert "A sound one" in session_names(tab)
    for session_id in repository.damaged:
        tab = site.open(session_id=session_id)
        assert tab.error or conversation_texts(tab), session_id
        assert "A sound one" in session_names(tab)
    assert "message 0" in conversation_texts(site.open(session_id="sound"))


def test_a_damaged_conversation_says_what_is_wrong(site: Site):
    (error,) = site.open(session_id="a role that is none").error
    assert "'a role that is none' of 'ann' is damaged" in error.value.replace("\\", "")
    assert "role" in error.value


def test_a_search_and_the_admin_page_count_the_others(site: Site):
    metrics.refresh()
    site.serve("ann", ("ann",))
    tab = AppTest.from_file(PAGE, default_timeout=30)
    tab.query_params["view"] = "admin"
    assert not site.run(tab).error
