"""Draft files: private, per session, and never half written."""

import stat

import pytest
from hypothesis import given
from support.stores.sessions import any_text, on_one_store

from botchat.tui.conversation.drafts import Draft, Drafts
from botchat.tui.launcher import store_key

DRAFT = Draft("half a thought", editing="m1", aside="before")


def test_a_draft_comes_back_as_it_was(tmp_path):
    Drafts(tmp_path, "store", "ann").write("s1", DRAFT)
    assert Drafts(tmp_path, "store", "ann").read("s1") == DRAFT


@on_one_store
@given(text=any_text, aside=any_text)
def test_any_text_comes_back(tmp_path, text, aside):
    drafts = Drafts(tmp_path, "store", "ann")
    drafts.write("s1", Draft(text, aside=aside))
    assert drafts.read("s1") == Draft(text, aside=aside)


@pytest.mark.parametrize(
    ("store", "user", "session"),
    [("other", "ann", "s1"), ("store", "bob", "s1"), ("store", "ann", "s2"), ("store", "ann", "")],
)
def test_a_draft_is_of_one_session_of_one_user_on_one_store(tmp_path, store, user, session):
    Drafts(tmp_path, "store", "ann").write("s1", DRAFT)
    assert Drafts(tmp_path, store, user).read(session) == Draft()


def test_only_its_owner_can_read_a_draft(tmp_path):
    Drafts(tmp_path / "drafts", "store", "ann").write("s1", DRAFT)
    (file,) = (tmp_path / "drafts").iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


def test_a_draft_that_was_sent_leaves_no_file(tmp_path):
    drafts = Drafts(tmp_path, "store", "ann")
    drafts.write("s1", DRAFT)
    drafts.write("s1", Draft())
    drafts.write("s2", Draft())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", ["", "{", "[]", '{"text": 1}', '{"other": "x"}', "\udcff"])
def test_a_damaged_file_is_no_draft(tmp_path, content):
    drafts = Drafts(tmp_path, "store", "ann")
    drafts.write("s1", DRAFT)
    (file,) = tmp_path.iterdir()
    file.write_bytes(content.encode(errors="surrogateescape"))
    assert drafts.read("s1") == Draft()


def test_a_draft_that_can_not_be_written_leaves_the_one_before_and_no_rubbish(tmp_path):
    drafts = Drafts(tmp_path, "store", "ann")
    drafts.write("s1", DRAFT)
    with pytest.raises(TypeError):
        drafts.write("s1", Draft(object()))
    assert len(list(tmp_path.iterdir())) == 1
    assert drafts.read("s1") == DRAFT


def test_a_store_is_known_without_its_password():
    assert store_key("mongodb://ann:secret@db/chats") == store_key("mongodb://ann:other@db/chats")
    assert "secret" not in store_key("mongodb://ann:secret@db/chats")
    assert store_key("mongodb://ann:secret@db/chats") != store_key("mongodb://bob:secret@db/chats")


def test_a_path_and_its_sqlite_address_are_the_same_store(tmp_path):
    assert store_key(f"sqlite:///{tmp_path}/x.db") == store_key(f"{tmp_path}/x.db")
