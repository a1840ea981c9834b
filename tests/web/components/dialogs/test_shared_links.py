"""Shared links on the page: create, list, revoke, and continue one."""

import pytest
from support.stores.sessions import stored

from botchat.core.errors import LinkNotFound


def button(tab, label: str):
    return next(button for button in tab.button if button.label == label)


def open_dialog(site, session):
    tab = site.open("ann", session.id)
    tab.session_state["dialog"] = "Share"
    return site.run(tab)


def secret_in(tab) -> str:
    return tab.code[0].value.rpartition("/share/")[2]


def test_a_link_is_created_in_the_dialog_listed_there_and_revoked(site):
    session = stored(site.store, name="Herons", messages=3)
    tab = open_dialog(site, session)

    button(tab, "Create link").click()
    tab.session_state["dialog"] = "Share"
    site.run(tab)

    secret = secret_in(tab)
    assert len(site.connect().shared(secret).messages) == 3
    button(tab, "Revoke").click()
    tab.session_state["dialog"] = "Share"
    site.run(tab)
    assert not tab.code
    with pytest.raises(LinkNotFound):
        site.connect().shared(secret)


def test_share_up_to_here_ends_at_the_message(site):
    session = stored(site.store, name="Herons", messages=4)
    tab = site.open("ann", session.id)
    tab.session_state["share until"] = session.messages[1].id
    tab.session_state["dialog"] = "Share"
    site.run(tab)

    button(tab, "Create link").click()
    tab.session_state["dialog"] = "Share"
    site.run(tab)

    assert len(site.connect().shared(secret_in(tab)).messages) == 2


def test_the_settings_list_all_links_and_revoke_them(site):
    session = stored(site.store, name="Herons", messages=2)
    site.connect().share("ann", session.id)
    tab = site.open()
    tab.query_params["view"] = "settings"
    site.run(tab)

    assert any("Herons" in caption.value for caption in tab.caption)
    button(tab, "Revoke").click()
    site.run(tab)
    assert "No shared links." in [caption.value for caption in tab.caption]


def test_a_shared_chat_is_continued_in_a_new_chat_of_the_reader(site):
    new = site.connect().share("ann", stored(site.store, name="Herons", messages=3).id)
    tab = site.open("bob")
    tab.query_params["shared"] = new.secret
    site.run(tab)

    button(tab, "Continue in a new chat").click()
    site.run(tab)

    (copy,) = site.store.page("bob").sessions
    assert (copy.name, copy.message_count) == ("Herons", 3)
    assert tab.query_params["session"] in (copy.id, [copy.id])


def test_an_ended_link_says_so_on_the_page(site):
    tab = site.open("bob")
    tab.query_params["shared"] = "x"
    site.run(tab)

    assert "Link not found" in tab.error[0].value
