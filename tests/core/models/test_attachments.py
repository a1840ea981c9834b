"""Attachments: which files are allowed, and how they are stored, sent and exported."""

import pytest
from support.fakes import DONE, ScriptedBot
from support.stores.attachments import BIG, SMALL, file_of, lying_apart
from support.stores.records import record_of, says, written
from support.stores.sessions import user_says

from botchat.core.chat import Chat
from botchat.core.errors import FileNotFound, InvalidInput, MessageNotFound, SessionNotFound, StoreUnavailable
from botchat.core.exporting import message_to_markdown
from botchat.core.models import MAX_FILE_BYTES, MAX_FILES, BotInfo, File, Message, read_file
from botchat.core.storage.record_schema import check_record
from botchat.core.turn import Turns

PNG = b"\x89PNG\r\n\x1a\n" + bytes(50)
TEXT = b"one, two\n"


@pytest.fixture
def chat_with_images(store):
    """Return a chat whose bot accepts images."""
    bot = ScriptedBot("hi", DONE)
    bot.info = BotInfo(bot_id="b", label="scripted", images=True)
    turns = Turns({"b": bot, "blind": ScriptedBot("hm", DONE, bot_id="blind")})
    chat = Chat(store, turns, default_bot="b")
    chat.bot = bot
    yield chat
    turns.close(timeout=0)


def sent(chat, *files: File, content: str = "Look"):
    session = chat.new_session("ann")
    assert chat.send("ann", session, user_says(content, files=list(files))).wait(30)
    return session


# Allowed files


@pytest.mark.parametrize(
    ("name", "data", "kind"),
    [
        ("a.txt", TEXT, "text/plain"),
        ("a.csv", TEXT, "text/csv"),
        ("A.MD", "é 罗".encode(), "text/markdown"),
        ("a.json", b"{}", "application/json"),
        ("a.png", TEXT, "text/plain"),
        ("a.html", b"<script>", "text/plain"),
        ("a.svg", b"<svg onload=x>", "text/plain"),
        ("none", b"\xef\xbb\xbfwith a mark", "text/plain"),
        ("a.txt", PNG, "image/png"),
        ("a", b"\xff\xd8\xff\xe0" + bytes(9), "image/jpeg"),
        ("a", b"GIF89a" + bytes(9), "image/gif"),
        ("a", b"RIFF\x10\0\0\0WEBPVP8 " + bytes(9), "image/webp"),
        ("a", b"x" * MAX_FILE_BYTES, "text/plain"),
    ],
)
def test_a_text_is_known_by_being_one_and_an_image_by_its_first_bytes(name, data, kind):
    file = read_file(name, data)
    assert (file.name, file.type, file.size, file.data) == (name, kind, len(data), data)
    assert file.is_image == kind.startswith("image/")
    assert file.id != read_file(name, data).id


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "a.png is empty"),
        (b"x" * (MAX_FILE_BYTES + 1), "The limit is 10.0 MB per file"),
        (b"\xff\xfea\0", "Unsupported file type: a.png"),
        (b"a\0b", "Unsupported file type: a.png"),
        (b"caf\xe9", "Unsupported file type: a.png"),
        (b"%PDF-1.7\xff", "a.png is damaged and can't be read as a PDF file"),
        (b"RIFF\x10\0\0\0WAVEfmt \xff", "Unsupported file type: a.png"),
        (b"\x89PNG\xff", "Unsupported file type: a.png"),
    ],
)
def test_other_files_are_refused_with_the_reason_and_the_next_step(data, why):
    with pytest.raises(InvalidInput, match=why) as refused:
        read_file("a.png", data)
    assert str(refused.value).count(". ") == 1


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("/etc/passwd", "passwd"),
        (r"C:\Users\ann\a b.txt", "a b.txt"),
        ("../../x", "x"),
        ("a\nb\x1b[2J.txt", "a b␛[2J.txt"),
        ("", "file"),
        ("///", "file"),
        ("\u202egnp.exe", "\ufffdgnp.exe"),
        ("\ud800.txt", "\ufffd.txt"),
        ("x" * 300 + ".csv", "…" + "x" * 195 + ".csv"),
    ],
)
def test_a_name_is_one_line_without_a_path(given, name):
    assert read_file(given, TEXT).name == name


# In a chat


def test_a_message_may_be_files_alone_and_they_name_the_session(chat_with_images, store):
    session = sent(chat_with_images, read_file("notes.txt", TEXT), read_file("b.png", PNG), content="")
    assert store.get("ann", session.id).name == "notes.txt"
    assert [file.name for file in chat_with_images.open("ann", session.id).messages[0].files] == ["notes.txt", "b.png"]
    with pytest.raises(InvalidInput, match="message is empty"):
        chat_with_images.send("ann", session, " ")


@pytest.mark.parametrize(
    ("files", "why"),
    [
        ([read_file("b.png", PNG)], "Can't send b.png to 'blind': this model doesn't accept images.* `images = true`"),
        ([read_file("a.txt", TEXT)] * 2, "same ID"),
        (
            [read_file("a.txt", TEXT) for _ in range(MAX_FILES + 1)],
            r"Too many files \(11\). You can attach up to 10 per message.",
        ),
        ([File(name="a.txt", type="text/plain", size=3)], "has no data, or its size is wrong"),
        ([File(name="a.txt", type="text/plain", size=3, data=b"x")], "has no data, or its size is wrong"),
    ],
)
def test_files_that_a_bot_can_not_take_are_refused_before_anything_is_saved(chat_with_images, store, files, why):
    session = chat_with_images.new_session("ann", "blind")
    with pytest.raises(InvalidInput, match=why):
        chat_with_images.send("ann", session, user_says(files=files))
    assert store.count("ann") == 0
    assert store.writes.empty()


def test_every_bot_takes_text(chat_with_images, store):
    session = chat_with_images.new_session("ann", "blind")
    files = [read_file("a.txt", TEXT) for _ in range(MAX_FILES)]
    assert chat_with_images.send("ann", session, user_says(files=files)).wait(30)
    assert len(store.get("ann", session.id).messages[0].files) == MAX_FILES


def test_a_message_whose_answer_was_lost_is_sent_again_with_its_files(chat_with_images, store):
    session, message = chat_with_images.new_session("ann"), user_says(files=[file_of(BIG)])
    store.loses_acknowledgements = True
    with pytest.raises(StoreUnavailable):
        chat_with_images.send("ann", session, message)
    store.loses_acknowledgements = False
    assert chat_with_images.send("ann", session, message).wait(30)
    assert store.get("ann", session.id).message_count == 2
    assert chat_with_images.file("ann", session.id, message.files[0].id) == BIG


def test_big_files_of_earlier_messages_are_shown_to_the_bot_again(chat_with_images):
    session = sent(chat_with_images, read_file("big.txt", b"heron " * 10_000))
    assert chat_with_images.send("ann", session, "And?").wait(30)
    first, *_ = chat_with_images.bot.prompts[-1]
    assert first["content"] == "Look\n\n### big.txt\n\n```\n" + "heron " * 10_000 + "\n```"


def test_a_file_that_is_gone_ends_no_conversation(chat_with_images, store):
    session = sent(chat_with_images, read_file("big.txt", b"heron " * 10_000))
    with store._file.writing() as db:
        db.execute("DELETE FROM files")
    assert chat_with_images.send("ann", session, "And?").wait(30)
    assert chat_with_images.bot.prompts[-1][0]["content"] == "Look\n\n[file big.txt: no longer available]"


def test_after_a_change_to_a_bot_that_can_not_see_it_is_told_of_the_images(chat_with_images):
    session = sent(chat_with_images, read_file("b.png", PNG))
    assert chat_with_images.bot.prompts[-1][0]["content"][1]["type"] == "image_url"
    chat_with_images.change_bot("ann", session, "blind")
    reply = chat_with_images.send("ann", session, "And?")
    assert reply.wait(30)
    prompt = chat_with_images._turns.bots["blind"].prompts[-1]
    assert prompt[0]["content"] == "Look\n\n[image b.png: not supported by this model]"


def test_other_words_leave_the_files_and_a_message_has_its_own(chat_with_images, store):
    session = sent(chat_with_images, read_file("a.txt", TEXT), file_of(BIG))
    first = store.get("ann", session.id).messages[0]
    assert chat_with_images.edit("ann", session, first.id, "Better").wait(30)
    edited = next(m for m in store.get("ann", session.id).messages if m.content == "Better")
    assert [file.name for file in edited.files] == [file.name for file in first.files]
    assert {file.id for file in edited.files}.isdisjoint(file.id for file in first.files)
    chat_with_images.redact("ann", session.id, first.id)
    assert chat_with_images.file("ann", session.id, edited.files[1].id) == BIG
    assert chat_with_images.edit("ann", session, edited.id, user_says("Best")).wait(30)
    assert not next(m for m in store.get("ann", session.id).messages if m.content == "Best").files
    with pytest.raises(MessageNotFound):
        chat_with_images.edit("ann", session, "no such", "x")


def test_a_fork_has_files_of_its_own(chat_with_images, store):
    session = sent(chat_with_images, read_file("a.txt", TEXT), file_of(BIG), file_of(SMALL))
    fork = chat_with_images.fork("ann", session.id)
    chat_with_images.purge("ann", session.id)
    assert lying_apart(store) == 1
    files = store.get("ann", fork.id).messages[0].files
    assert [chat_with_images.file("ann", fork.id, file.id) for file in files] == [TEXT, BIG, SMALL]


def test_a_redacted_message_has_no_files_and_the_session_not_their_name(chat_with_images, store, tmp_path):
    session = sent(chat_with_images, read_file("secret heron.txt", b"grey herons " * 5_000), content="")
    message = store.get("ann", session.id).messages[0]
    chat_with_images.redact("ann", session.id, message.id)
    with pytest.raises(FileNotFound):
        chat_with_images.file("ann", session.id, message.files[0].id)
    store.close()
    assert b"heron" not in (tmp_path / "botchat.db").read_bytes()


def test_another_users_file_is_not_found(chat_with_images):
    session = sent(chat_with_images, read_file("a.txt", TEXT))
    with pytest.raises(SessionNotFound):
        chat_with_images.file("bob", session.id, session.messages[0].files[0].id)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ([{}, {}], "Two files have the same ID"),
        ([{"size": 3}], "has 9 bytes instead of 3"),
        ([{"data": None}], "data of file 'a.txt' is missing"),
        ([{"id": "a/b"}], "Invalid file ID"),
        ([{"name": 1}], "messages.0.files.0.name"),
        ([{"data": "text"}], "messages.0.files.0.data"),
    ],
)
def test_a_record_from_outside_with_files_that_are_none_is_refused(changes, why):
    record = record_of(says("user", "Look", files=[read_file("a.txt", TEXT)]))
    check_record(record)
    (file,) = record["messages"][0]["files"]
    record["messages"][0]["files"] = [file | change for change in changes]
    with pytest.raises(InvalidInput, match=why):
        check_record(record)


# Exports


def with_files(*names: str) -> Message:
    return says("user", "Look", files=[read_file(name, PNG if name.endswith("png") else TEXT) for name in names])


def test_markdown_names_the_files_and_no_name_is_markup():
    text = message_to_markdown(with_files("a_b.txt", "[x](javascript:1).png", "<img src=x>.csv"), "demo")
    assert "\n📎 a_b.txt (9 bytes)\n" in text
    assert "\n📎 \\[x\\](javascript:1).png (58 bytes)\n" in text
    assert "\n📎 \\<img src=x\\>.csv (9 bytes)\n" in text


def test_a_page_has_the_images_in_it_and_names_the_rest():
    page = written("html", record_of(with_files("a.txt", '"><script>.png')))
    assert "📎 a.txt (9 bytes)" in page
    assert page.count("<img ") == 1
    assert '<img src="data:image/png;base64,iVBORw0KGgo' in page
    assert 'alt="&quot;&gt;&lt;script&gt;.png"' in page
    assert "<script" not in page


def test_a_page_shows_no_file_as_an_image_because_a_record_says_so():
    file = File(name="x", type='image/svg+xml" onerror="x', size=1, data=b"x")
    assert "<img " not in written("html", record_of(says("user", "Look", files=[file])))
