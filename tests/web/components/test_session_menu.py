"""Actions on sessions: search, rename, pin, tag, archive, delete and restore."""

import re
from datetime import timedelta

from support.fakes import DONE
from support.web.tabs import (
    choose,
    click,
    conversation_texts,
    groups,
    open_session_id,
    pick,
    row_action,
    session_ids,
    session_names,
)

from botchat.core.models import Message, Session, now


def in_store(site, user: str = "ann"):
    return site.store.page(user).sessions


def begun_ago(site, days: int, name: str) -> Session:
    session = Session(user="ann", bot_id="b", create_time=now() - timedelta(days=days))
    site.store.append(session, Message(role="user", content=name))
    return session


def result_names(tab) -> list[str]:
    """Return the names of the chats in the results of a search."""
    found = [name for each in tab.sidebar.get("html") for name in re.findall("<strong>(.*?)</strong>", each.proto.body)]
    return [re.sub("</?mark>", "", name) for name in found]


def menu(tab, option: str):
    return pick(tab, "session menu", option)


def test_sessions_are_listed_by_day_and_pinned_ones_above(site):
    begun_ago(site, 400, "long ago")
    begun_ago(site, 3, "this week")
    begun_ago(site, 0, "just now")
    site.store.update("ann", in_store(site)[1].id, pinned=True)
    tab = site.open()
    assert list(groups(tab).values()) == [["this week"], ["just now"], ["long ago"]]
    assert list(groups(tab))[:2] == ["Pinned", "Today"]


def test_a_pinned_session_stands_above_also_when_it_is_older_than_all_that_are_listed(site):
    kept = begun_ago(site, 400, "long ago")
    site.sessions(50)
    site.store.update("ann", kept.id, pinned=True)
    assert groups(site.open())["Pinned"] == ["long ago"]


def test_of_two_sessions_of_one_name_the_one_that_is_clicked_opens(site):
    first = begun_ago(site, 0, "same")
    site.store.append(first, Message(role="assistant", content="the older one"))
    second = Session(user="ann", bot_id="b", create_time=first.create_time + timedelta(seconds=1))
    site.store.append(second, Message(role="user", content="same"))
    tab = site.open()
    row_action(tab, "open", session_ids(tab, "same")[1])
    assert open_session_id(tab) == first.id
    assert conversation_texts(tab) == ["same", "the older one"]


def test_search_finds_by_name_and_content_and_an_empty_one_shows_all(site):
    heron = begun_ago(site, 0, "about birds")
    site.store.append(heron, Message(role="assistant", content="The heron waits."))
    begun_ago(site, 0, "about fish")
    tab = site.open()
    tab.text_input("search").set_value("HERON")
    assert result_names(site.run(tab)) == ["about birds"]
    tab.text_input("search").set_value("nothing like it")
    assert result_names(site.run(tab)) == []
    assert any("No results" in caption.value for caption in tab.sidebar.caption)
    tab.text_input("search").set_value("")
    assert len(session_names(site.run(tab))) == 2


def test_a_search_is_paged_by_20(site):
    site.sessions(60)
    tab = site.open()
    tab.text_input("search").set_value("ann's")
    assert len(result_names(site.run(tab))) == 20
    assert len(result_names(click(tab, "load more results"))) == 40
    assert len(result_names(click(tab, "load more results"))) == 60


def test_a_session_is_renamed_from_its_menu(site):
    session = begun_ago(site, 0, "old name")
    tab = menu(site.open("ann", session.id), "Rename")
    tab.text_input("new name").set_value("new name")
    click(tab, "save name")
    assert session_names(tab) == ["new name"]
    assert site.store.get("ann", session.id).name == "new name"


def test_a_name_that_can_not_be_is_told_and_the_old_one_stays(site):
    session = begun_ago(site, 0, "old name")
    tab = menu(site.open("ann", session.id), "Rename")
    tab.text_input("new name").set_value("  ")
    click(tab, "save name")
    assert site.store.get("ann", session.id).name == "old name"


def test_a_session_is_pinned_and_unpinned(site):
    session = begun_ago(site, 0, "mine")
    tab = menu(site.open("ann", session.id), "Pin")
    assert groups(tab) == {"Pinned": ["mine"]}
    assert groups(menu(tab, "Unpin")) == {"Today": ["mine"]}


def test_a_session_is_archived_found_in_the_archive_and_moved_back(site):
    session = begun_ago(site, 0, "mine")
    tab = menu(site.open("ann", session.id), "Archive")
    assert session_names(tab) == []
    tab.button_group("place").set_value("Archive")
    assert session_names(site.run(tab)) == ["mine"]
    menu(tab, "Unarchive")
    assert site.store.get("ann", session.id).state == "active"


def test_a_deleted_session_leaves_the_page_and_undo_brings_it_back(site):
    session = begun_ago(site, 0, "mine")
    tab = menu(site.open("ann", session.id), "Delete")
    assert (session_names(tab), conversation_texts(tab)) == ([], [])
    assert site.store.get("ann", session.id).state == "trash"
    click(tab, "undo move")
    assert session_names(tab) == ["mine"]
    assert site.store.get("ann", session.id).deleted_time is None


def test_the_trash_is_listed_and_a_session_in_it_is_restored_or_removed_for_ever(site):
    for name in ("first", "second"):
        site.store.delete("ann", begun_ago(site, 0, name).id)
    tab = site.open()
    tab.button_group("place").set_value("Trash")
    assert sorted(session_names(site.run(tab))) == ["first", "second"]
    choose(tab, "first")
    end = site.store.get("ann", open_session_id(tab)).expire_time
    assert tab.main.warning[0].value == f"In trash. Will be permanently deleted on {end.day} {end:%b %Y}."
    click(tab, "restore")
    assert [summary.name for summary in in_store(site)] == ["first"]
    choose(tab, "second")
    click(click(tab, "delete permanently"), "purge")
    assert session_names(tab) == []
    assert site.store.find("ann", "second") == []


def test_several_sessions_are_deleted_at_once_and_brought_back_at_once(site):
    site.sessions(3)
    tab = click(site.open(), "select")
    for box in tab.sidebar.checkbox[:2]:
        box.check()
    site.run(tab)
    click(tab, "all trash")
    assert session_names(tab) == ["ann's 0"]
    click(tab, "undo move")
    assert len(session_names(tab)) == 3


def test_several_sessions_get_a_tag_and_are_found_by_it(site):
    site.sessions(3)
    tab = click(site.open(), "select")
    for box in tab.sidebar.checkbox[:2]:
        box.check()
    site.run(tab)
    tab.text_input("tag them").set_value("birds")
    site.run(tab)
    click(tab, "select")
    tab.selectbox("tag").set_value("birds")
    assert session_names(site.run(tab)) == ["ann's 2", "ann's 1"]


def test_tags_of_a_session_are_changed_from_its_menu(site):
    session = begun_ago(site, 0, "mine")
    site.store.update("ann", session.id, tags=["old"])
    tab = menu(site.open("ann", session.id), "Tags")
    assert tab.multiselect("new tags").value == ["old"]
    tab.multiselect("new tags").unselect("old")
    click(tab, "save tags")
    assert site.store.get("ann", session.id).tags == []


def test_a_chat_gets_a_system_prompt_of_its_own(site):
    tab = site.open()
    tab.text_area[0].set_value("You are terse.")
    site.run(tab)
    site.say(tab, "Hi")
    site.settle(tab, open_session_id(tab))
    assert site.bot.prompts[0][0] == {"role": "system", "content": "You are terse."}
    assert site.store.get("ann", open_session_id(tab)).system == "You are terse."


def test_the_name_of_a_session_is_in_the_title_and_another_users_can_not_be_opened(site):
    (theirs,) = site.sessions(1, "bob")
    for option in ("session", "view"):
        tab = site.open("ann", theirs.id) if option == "session" else site.open("ann")
        if option == "view":
            tab.query_params["view"] = "nonsense"
            site.run(tab)
        assert conversation_texts(tab) == []
        assert tab.main.error


def test_settings_are_kept_for_the_next_visit(site):
    site.follow("Yes.", DONE)
    tab = site.open()
    click(tab, "view settings")
    tab.button_group("reasoning").set_value("shown")
    site.run(tab)
    assert cached_preferences(site).reasoning == "shown"
    assert cached_preferences(site, "bob").reasoning == "folded"


def cached_preferences(site, user: str = "ann"):
    return site.connect().preferences(user)
