"""Attachments on the page: sent with a message, shown again, and private to their user."""

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient
from support.web.tabs import click, conversation_texts, open_session_id

from botchat.core.models import BotInfo, Message, Session, read_file
from botchat.core.storage.attachments import INLINE_BYTES
from botchat.web.routes.files import FILE_ROUTE, file_url

PNG = b"\x89PNG\r\n\x1a\n" + bytes(INLINE_BYTES)


@pytest.fixture
def client(site):
    """A browser's requests beside the page of ann."""
    site.serve("ann")
    return TestClient(Starlette(routes=[FILE_ROUTE]), base_url="http://127.0.0.1")


def stored(site, *files: tuple[str, bytes], user: str = "ann") -> Session:
    session = Session(user=user, bot_id="b")
    message = Message(role="user", content="Look", files=[read_file(*file) for file in files])
    site.store.append(session, message)
    return session


def test_a_text_file_goes_with_a_message_and_the_bot_reads_it(site):
    tab = site.open()
    tab.chat_input[0].set_value("What is in it?").upload("heron.txt", b"A heron waits.", "text/plain")
    site.settle(site.run(tab), open_session_id(tab))
    assert "A heron waits." in str(site.bot.prompts[0])
    assert site.store.get("ann", open_session_id(tab)).messages[0].files[0].name == "heron.txt"


def test_a_file_alone_is_a_message(site):
    tab = site.open()
    tab.chat_input[0].set_value("").upload("heron.txt", b"A heron waits.", "text/plain")
    site.settle(site.run(tab), open_session_id(tab))
    assert [file.name for file in site.store.get("ann", open_session_id(tab)).messages[0].files] == ["heron.txt"]


def test_what_is_neither_text_nor_image_is_refused_and_the_words_go_back_into_the_line(site):
    tab = site.open()
    tab.chat_input[0].set_value("Look").upload("heron.bin", b"\0\1\2", "text/plain")
    site.run(tab)
    assert "Unsupported file type: heron.bin" in tab.main.warning[0].value.replace("\\", "")
    assert site.store.count("ann") == 0


def test_an_image_for_a_bot_that_sees_none_is_not_sent_and_stays_on_the_page(site):
    tab = site.open()
    tab.chat_input[0].set_value("Look").upload("heron.png", PNG, "image/png")
    site.run(tab)
    assert "accept images" in tab.main.error[0].value
    assert "Look" in conversation_texts(tab)
    assert site.store.count("ann") == 0
    site.bot.info = BotInfo(bot_id="b", label="scripted", images=True)
    site.settle(click(tab, "send again"), open_session_id(tab))
    assert site.store.get("ann", open_session_id(tab)).messages[0].files[0].name == "heron.png"


def test_an_image_is_shown_and_a_text_is_a_download(site, client):
    session = stored(site, ("heron.png", PNG), ("notes <b>.html", b"<script>run()</script>"))
    image, text = site.store.get("ann", session.id).messages[0].files
    shown = client.get(f"/{file_url(session, image)}")
    assert (shown.status_code, shown.content, shown.headers["content-type"]) == (200, PNG, "image/png")
    saved = client.get(f"/{file_url(session, text)}")
    assert saved.headers["content-type"].startswith("text/plain")
    assert saved.headers["content-disposition"].startswith("attachment")
    assert saved.headers["x-content-type-options"] == "nosniff"
    tab = site.open("ann", session.id)
    assert any(file_url(session, image) in markdown.value for markdown in tab.main.markdown)


def test_another_users_file_and_one_that_is_none_are_not_found(site, client):
    theirs = stored(site, ("secret.png", PNG), user="bob")
    mine = stored(site, ("mine.png", PNG))
    file = site.store.get("bob", theirs.id).messages[0].files[0]
    for session in (theirs, mine):
        answer = client.get(f"/{file_url(session, file)}")
        assert (answer.status_code, b"PNG" in answer.content) == (404, False)
    assert client.get("/file").status_code == 404


def test_another_site_gets_no_file(site, client):
    session = stored(site, ("mine.png", PNG))
    address = file_url(session, site.store.get("ann", session.id).messages[0].files[0])
    assert client.get(f"/{address}", headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert client.get(f"/{address}", headers={"Sec-Fetch-Site": "same-origin"}).status_code == 200
