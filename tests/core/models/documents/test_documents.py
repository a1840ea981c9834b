"""Documents as attachments: their text is what bots are sent, their data stay as they were."""

import subprocess
import sys

import pytest
from support.documents import docx_file, pdf_file, swollen_docx
from support.fakes import DONE, ScriptedBot
from support.stores.sessions import user_says

from botchat.core.chat import Chat
from botchat.core.context.token_count import count_tokens
from botchat.core.errors import InvalidInput
from botchat.core.models import BotInfo, File, Message, file_text, read_file
from botchat.core.models.documents import DOCX_TYPE, PDF_TYPE
from botchat.core.models.documents.docx import MAX_EXPANDED_BYTES
from botchat.core.models.documents.pdf import MAX_PAGES
from botchat.core.turn import Turns

PDF = pdf_file("A heron waits.", "Its prey does not.")
DOCX = docx_file("Birds", "The end", table=[["heron", "grey"], ["egret", "white"]])


@pytest.fixture
def chat(store):
    turns = Turns({"b": ScriptedBot("hi", DONE)})
    yield Chat(store, turns, default_bot="b")
    turns.close(timeout=0)


@pytest.mark.parametrize(
    ("name", "data", "kind", "text"),
    [
        ("birds.pdf", PDF, PDF_TYPE, "A heron waits.\n\nIts prey does not."),
        ("no name for it", PDF, PDF_TYPE, "A heron waits.\n\nIts prey does not."),
        ("scan and text.pdf", pdf_file("", "Text"), PDF_TYPE, "Text"),
        ("open.pdf", pdf_file("Protected from changes", password=""), PDF_TYPE, "Protected from changes"),
        ("birds.docx", DOCX, DOCX_TYPE, "Birds\nheron | grey\negret | white\nThe end"),
    ],
)
def test_a_document_keeps_its_name_and_data_and_its_text_is_read_in_order(name, data, kind, text):
    file = read_file(name, data)
    assert (file.name, file.type, file.size, file.data, file.text_size) == (name, kind, len(data), data, len(text))
    assert file_text(file, data) == text


@pytest.mark.parametrize(
    ("name", "data", "why"),
    [
        ("scan.pdf", pdf_file("", ""), "scan.pdf has no text, only images or scanned pages"),
        ("empty.docx", docx_file(""), "empty.docx has no text"),
        ("secret.pdf", pdf_file("Secret", password="heron"), "secret.pdf is protected with a password"),
        (
            "old.doc",
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(99),
            "in an old Office format. Save it as",
        ),
        ("cut.pdf", PDF[:200], "cut.pdf is damaged and can't be read as a PDF file"),
        ("cut.docx", DOCX.replace(b"word/document.xml", b"word/document.xmm", 1), "cut.docx is damaged"),
        ("long.pdf", pdf_file(*[""] * (MAX_PAGES + 1)), r"long.pdf has too many pages \(1,001\). The limit is 1,000"),
        ("bomb.docx", swollen_docx(MAX_EXPANDED_BYTES), "too large when it is decompressed. The limit is 100 MB"),
        ("other.zip", b"PK\x03\x04" + bytes(99), "Unsupported file type: other.zip"),
    ],
)
def test_a_document_that_has_no_text_for_a_bot_is_refused_with_one_reason(name, data, why):
    with pytest.raises(InvalidInput, match=why):
        read_file(name, data)


def test_a_text_about_pdf_files_is_a_text():
    assert read_file("about.txt", b"Such files begin with %PDF-1.7").type == "text/plain"


def test_the_bot_is_sent_the_text_and_the_document_is_stored_as_it_was(chat, store):
    session = chat.new_session("ann")
    files = [read_file("birds.pdf", PDF), read_file("birds.docx", DOCX)]
    assert chat.send("ann", session, user_says("Look", files=files)).wait(30)
    sent = chat._turns.bots["b"].prompts[0][-1]["content"]
    assert "### birds.pdf\n\n```\nA heron waits.\n\nIts prey does not.\n```" in sent
    assert "### birds.docx\n\n```\nBirds\nheron | grey" in sent
    stored = store.get("ann", session.id).messages[0].files
    assert [chat.file("ann", session.id, file.id) for file in stored] == [PDF, DOCX]
    assert [(file.name, file.text_size) for file in stored] == [(file.name, file.text_size) for file in files]


def test_an_imported_document_that_can_not_be_read_ends_no_conversation(chat):
    session = chat.new_session("ann")
    damaged = File(name="cut.pdf", type=PDF_TYPE, size=200, data=PDF[:200])
    assert chat.send("ann", session, user_says("Look", files=[damaged])).wait(30)
    assert "[file cut.pdf: its text can't be read]" in chat._turns.bots["b"].prompts[0][-1]["content"]


def test_tokens_are_counted_from_the_text_and_not_from_the_size_of_the_file():
    bot = BotInfo(bot_id="b", label="b")
    large = File(name="birds.pdf", type=PDF_TYPE, size=8_000_000, text_size=400)
    (tokens,) = count_tokens(bot, "", [Message(role="user", content="Look", files=[large])]).messages
    assert 100 <= tokens < 200


def test_the_readers_are_imported_only_for_a_document():
    code = (
        "import sys; from botchat.core.models import read_file; read_file('a.txt', b'text');"
        "assert not {'pypdf', 'docx', 'lxml'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
