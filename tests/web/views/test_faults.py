"""The page while the store is down or the connection is renewed: text stays, and the error is shown."""

from support.fakes import DONE, Gate, ScriptedBot
from support.web.tabs import choose, click, conversation_texts, open_session_id

from botchat.core.chat import Chat
from botchat.core.models import Message
from botchat.core.turn import Turns
from botchat.web import cache
from botchat.web.components.message_window import MAX_MESSAGES


def test_a_store_that_is_down_at_first_is_told_and_asked_again(site):
    site.store.down = True
    tab = site.open()
    assert "The store is down" in tab.sidebar.error[0].value
    assert "The store is down" in tab.main.error[0].value
    site.store.down = False
    assert not click(tab, "try the list again").error


def test_words_that_could_not_be_saved_stay_on_the_screen_until_they_are(site):
    tab = site.open()
    site.store.down = True
    site.say(tab, "Keep this")
    assert "Keep this" in conversation_texts(tab)
    assert "Couldn't send" in tab.main.error[-1].value
    site.run(tab)
    assert "Keep this" in conversation_texts(tab)
    site.store.down = False
    click(tab, "send again")
    session_id = open_session_id(tab)
    site.settle(tab, session_id)
    assert [m.content for m in site.store.get("ann", session_id).messages] == ["Keep this", "Yes."]
    assert not tab.error


def test_words_that_could_not_be_saved_follow_to_other_pages_and_go_where_they_belong(site):
    other = site.sessions(1)[0]
    tab = site.open()
    site.store.down = True
    site.say(tab, "Keep this")
    choose(tab, "ann's 0")
    assert "Keep this" in conversation_texts(tab)
    assert any("Unsent message (new chat)" in caption.value for caption in tab.main.caption)
    click(tab, "new chat")
    assert "Keep this" in conversation_texts(tab)
    site.store.down = False
    click(tab, "send again")
    assert open_session_id(tab) != other.id
    site.settle(tab, open_session_id(tab))
    assert conversation_texts(tab)[0] == "Keep this"
    assert site.store.get("ann", other.id).message_count == 1


def test_a_new_chat_while_the_connection_is_gone_is_not_the_old_one(site):
    (session,) = site.sessions(1)
    tab = site.open("ann", session.id)
    site.store.down = True
    cache.connection.clear()
    click(tab, "new chat")
    assert conversation_texts(tab) == []
    assert tab.chat_input[0].disabled


def test_more_words_do_not_push_out_those_that_could_not_be_saved(site):
    tab = site.open()
    site.store.down = True
    site.say(tab, "first")
    site.say(tab, "second")
    assert tab.chat_input[0].value == "second"
    assert "first" in conversation_texts(tab)
    assert "still unsent" in tab.warning[0].value
    click(tab, "take back")
    assert tab.chat_input[0].value == "first\n\nsecond"
    site.say(tab, "first")
    site.store.down = False
    site.settle(click(tab, "send again"), open_session_id(tab))
    assert conversation_texts(tab)[0] == "first"


def test_words_that_could_not_be_saved_can_be_taken_back_into_the_line(site):
    tab = site.open()
    site.store.down = True
    site.say(tab, "Keep this")
    click(tab, "take back")
    assert tab.chat_input[0].value == "Keep this"
    assert "Keep this" not in conversation_texts(tab)


def test_a_conversation_stays_on_the_screen_when_the_connection_can_not_be_made_anew(site):
    tab = site.say(site.open(), "Hi")
    session_id = open_session_id(tab)
    site.settle(tab, session_id)
    site.store.down = True
    cache.connection.clear()
    site.run(tab)
    assert "The store is down" in tab.main.error[0].value
    assert "Hi" in conversation_texts(tab)
    site.store.down = False
    assert not site.run(tab).error


def test_a_reply_under_way_is_kept_when_the_connection_is_made_anew(site):
    gate = Gate()
    site.follow("Half ", gate, "and half.", DONE)
    tab = site.say(site.open(), "Go")
    session_id = open_session_id(tab)
    cache.connection.clear()
    site.run(tab)
    assert site.opened > 1
    assert any(button.key == "stop" for button in tab.button)
    gate.open()
    assert "Half and half." in conversation_texts(site.settle(tab, session_id))


def test_a_reply_that_is_not_saved_says_so_on_the_page(site):
    gate = Gate()
    site.follow("Half ", gate, "and half.", DONE)
    tab = site.say(site.open(), "Go")
    session_id = open_session_id(tab)
    while site.store.wait_for_write("append") == site.store.get("ann", session_id).messages[0].id:
        pass
    site.store.down = True
    gate.open()
    site.store.failures.get(timeout=30)
    site.store.failures.get(timeout=30)
    site.run(tab)
    assert any("Couldn't save this reply" in warning.value for warning in tab.main.warning)
    site.store.down = False
    assert "Half and half." in conversation_texts(site.settle(tab, session_id))
    assert not tab.main.warning


def test_two_tabs_of_one_session_see_one_reply(site):
    gate = Gate()
    site.follow("Half ", gate, "and half.", DONE)
    first = site.say(site.open(), "Go")
    session_id = open_session_id(first)
    second = site.open("ann", session_id)
    assert any(button.key == "stop" for button in second.button)
    gate.open()
    for tab in (first, second):
        assert "Half and half." in conversation_texts(site.settle(tab, session_id))


def unsaved_reply(site, *script):
    """Say something in a new tab, and let the reply come to its end while the store is down."""
    gate = Gate()
    site.follow("All ", gate, *(script or ("of it.", DONE)))
    tab = site.say(site.open(), "Go")
    session_id = open_session_id(tab)
    while site.store.wait_for_write("append") == site.store.get("ann", session_id).messages[0].id:
        pass
    site.run(tab)
    site.store.down = site.store.unreadable = True
    gate.open()
    reply = site.active_reply("ann", session_id)
    list(reply)
    while reply.save_failure is None:
        pass
    return tab, session_id


def test_a_reply_that_is_not_saved_stays_on_the_screen_while_the_store_can_not_be_read(site):
    tab, session_id = unsaved_reply(site)
    for _ in range(2):
        site.run(tab)
        assert conversation_texts(tab) == ["Go", "All of it."]
        assert "The store is down" in tab.main.error[0].value
    cache.connection.clear()  # what the ten minutes do
    site.run(tab)
    assert conversation_texts(tab) == ["Go", "All of it."]
    site.store.down = site.store.unreadable = False
    assert conversation_texts(site.settle(tab, session_id)) == ["Go", "All of it."]
    assert not tab.main.error


def test_another_message_does_not_hide_the_reply_that_is_not_saved(site):
    tab, _ = unsaved_reply(site)
    site.say(tab, "And now?")
    assert conversation_texts(tab) == ["Go", "All of it.", "And now?"]
    assert "Couldn't send" in tab.main.error[-1].value


def test_a_reply_that_is_not_saved_is_there_after_another_session_a_view_or_a_reload(site):
    other = site.sessions(1)[0]
    tab, session_id = unsaved_reply(site)
    for away in ({"session": other.id}, {"view": "settings"}, {}):
        tab.query_params.clear()
        for name, value in away.items():
            tab.query_params[name] = value
        site.run(tab)
        assert "All of it." not in conversation_texts(tab)
        tab.query_params.clear()
        tab.query_params["session"] = session_id
        assert conversation_texts(site.run(tab)) == ["Go", "All of it."]
    assert conversation_texts(site.open("ann", session_id)) == ["Go", "All of it."]  # as in a tab that is loaded anew


def test_a_reply_goes_on_on_the_screen_while_the_store_can_not_be_read(site):
    later = Gate()
    site.follow("One ", later, "two.", DONE)
    tab = site.say(site.open(), "Count")
    session_id = open_session_id(tab)
    reply = site.active_reply("ann", session_id)
    next(iter(reply))
    site.store.down = site.store.unreadable = True
    assert conversation_texts(site.run(tab)) == ["Count", "One"]
    assert any(button.key == "stop" for button in tab.button)
    later.open()
    list(reply)
    assert conversation_texts(site.run(tab)) == ["Count", "One two."]


def test_earlier_messages_do_not_hide_the_reply_that_comes(site):
    (session,) = site.sessions(1)
    for number in range(MAX_MESSAGES + 10):
        site.store.append(session, Message(role="assistant", content=f"number {number}"))
    gate = Gate()
    site.follow("One ", gate, "two.", DONE)
    tab = site.say(site.open("ann", session.id), "Count")
    next(iter(site.active_reply("ann", session.id)))
    while any(button.key == "show earlier" for button in tab.button):
        click(tab, "show earlier")
    assert any(button.key == "show newest" for button in tab.button)
    assert "One" in conversation_texts(tab)
    gate.open()


def test_a_reply_of_a_session_that_was_removed_stays_on_the_screen(site):
    gate = Gate()
    site.follow("All ", gate, "of it.", DONE)
    tab = site.say(site.open(), "Go")
    session_id = open_session_id(tab)
    reply = site.active_reply("ann", session_id)
    next(iter(reply))
    site.store.purge("ann", session_id)
    gate.open()
    assert reply.wait(30)
    assert conversation_texts(site.run(tab)) == ["Go", "All of it."]


def test_a_reply_that_another_process_waits_for_or_writes_is_shown_and_stays(site):
    gate = Gate()
    elsewhere = Turns({"b": ScriptedBot(gate, "Hm. ", Gate())}, checkpoint_seconds=0.1)
    chat = Chat(site.store, elsewhere, default_bot="b")
    session = chat.new_session("ann")
    chat.send("ann", session, "Go")
    tab = site.open("ann", session.id)
    assert any("Thinking…" in html.proto.body for html in tab.main.get("html"))
    assert "Streaming in another window or program." in [caption.value for caption in tab.main.caption]
    assert not any(button.key == "retry" for button in tab.button)
    gate.open()
    while site.store.get("ann", session.id).message_count < 2:
        pass
    assert conversation_texts(site.run(tab)) == ["Go", "Hm."]
    site.store.down = site.store.unreadable = True
    assert conversation_texts(site.run(tab)) == ["Go", "Hm."]
    site.store.down = site.store.unreadable = False
    elsewhere.close(timeout=0)
