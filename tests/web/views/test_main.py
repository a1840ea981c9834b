"""The page's logic, run by Streamlit's AppTest with a real store and a scripted bot."""

from support.fakes import DONE, Gate
from support.web.tabs import choose, click, conversation_texts, groups, open_session_id, session_names

from botchat.core.errors import BotError
from botchat.core.models import HEARTBEAT_LIMIT, Delta, Message, Session, now
from botchat.web import cache
from botchat.web.markdown.escape import escape

_SKEW = 0.9 * HEARTBEAT_LIMIT  # of a clock that is ahead as far as it may be: it is alive the longer

# The rules that the project was asked for.


def test_the_page_begins_with_no_sessions_in_session_state(site):
    site.sessions(2)
    tab = site.open()
    held = tab.session_state._state.filtered_state
    assert [name for name, value in held.items() if "ann's" in repr(value)] == []


def test_the_page_fetches_only_the_current_users_sessions(site):
    site.sessions(2, "ann")
    site.sessions(1, "bob")
    assert session_names(site.open("ann")) == ["ann's 1", "ann's 0"]
    assert session_names(site.open("bob")) == ["bob's 0"]
    assert session_names(site.open("eve")) == []


def test_load_more_shows_50_then_100_then_120(site):
    site.sessions(120)
    tab = site.open()
    assert len(session_names(tab)) == 50
    assert len(session_names(click(tab, "load more"))) == 100
    assert session_names(click(tab, "load more")) == [f"ann's {i}" for i in range(119, -1, -1)]
    assert "load more" not in [button.key for button in tab.sidebar.button]


def test_the_number_of_listed_sessions_is_shown_while_there_are_more(site):
    site.sessions(51)
    tab = site.open()
    assert [caption.value for caption in tab.sidebar.caption] == ["Showing 50 of 51", "ann"]
    assert [caption.value for caption in click(tab, "load more").sidebar.caption] == ["ann"]


def test_queries_are_cached_with_cache_data_for_ten_minutes(site):
    site.sessions(1)
    tab = site.open()
    site.store.append(Session(user="ann", bot_id="b"), Message(role="user", content="from another process"))
    assert session_names(site.run(tab)) == ["ann's 0"]
    assert session_names(click(tab, "refresh")) == ["from another process", "ann's 0"]
    assert [cache._info.ttl for cache in (cache._session_list, cache._tags, cache._preferences)] == 3 * [600]


def test_the_connection_is_cached_with_cache_resource_for_ten_minutes(site):
    tab = site.open()
    site.run(site.run(tab))
    site.open("bob")
    assert site.opened == 1
    assert cache.connection._info.ttl == 600


# A reply


def test_a_reply_that_ends_while_the_page_is_drawn_is_shown(site):
    gate = Gate()
    site.follow(gate, "a grey one", DONE)
    tab = site.say(site.open(), "which heron?")
    session_id = open_session_id(tab)
    reply = cache.connection().reply("ann", session_id)

    def end() -> None:
        gate.open()
        assert reply.wait(30)
        while cache.connection().reply("ann", session_id) is not None:
            pass

    site.store.after_read = end
    assert conversation_texts(site.run(tab)) == ["which heron?", "a grey one"]


# Sessions


def test_of_several_answers_the_page_shows_the_branch_that_was_shown_last(site):
    session = Session(user="ann", bot_id="b")
    site.store.append(session, question := Message(role="user", content="which heron?"))
    for content in ("a grey one", "a blue one"):
        site.store.append(session, Message(role="assistant", content=content, parent=question.id))
    chat = site.connect()
    tab = site.open("ann", session.id)
    assert conversation_texts(tab) == ["which heron?", "a blue one"]
    chat.show_branch("ann", session, session.messages[1].id)
    assert conversation_texts(site.run(tab)) == ["which heron?", "a grey one"]


def test_a_new_session_is_in_the_sidebar_at_once_although_pages_are_cached(site):
    site.sessions(1)
    tab = site.open()
    site.say(tab, "A new one")
    assert session_names(tab) == ["A new one", "ann's 0"]


def test_one_users_page_never_reaches_another(site):
    ann = site.open("ann")
    site.say(ann, "Ann's secret")
    bob = site.open("bob")
    assert (session_names(bob), conversation_texts(bob)) == ([], [])


def test_another_users_session_in_the_address_is_not_found(site):
    (theirs,) = site.sessions(1, "bob")
    tab = site.open("ann", theirs.id)
    assert conversation_texts(tab) == []
    assert "not found" in tab.error[0].value
    assert tab.chat_input[0].disabled


def test_a_session_that_is_clicked_opens_and_new_chat_leaves_it(site):
    session = site.sessions(2)[0]
    tab = choose(site.open(), "ann's 0")
    assert conversation_texts(tab) == ["ann's 0"]
    assert open_session_id(tab) == session.id
    click(tab, "new chat")
    assert conversation_texts(tab) == []
    assert "session" not in tab.query_params


def test_a_name_is_never_markup(site):
    site.store.append(Session(user="ann", bot_id="b"), Message(role="user", content="![x](http://x) :red[a] *b*\n$1"))
    ((label,),) = groups(site.open()).values()
    assert label == "![x](http://x) :red[a] *b* $1"


# Conversation


def test_a_message_is_sent_answered_and_there_after_a_reload(site):
    site.follow(Delta(reasoning_content="They ask."), "Yes, **indeed**.", DONE)
    tab = site.say(site.open(), "Is it?\nReally?")
    session_id = open_session_id(tab)
    site.settle(tab, session_id)
    again = site.open("ann", session_id)
    for view in (tab, again):
        assert conversation_texts(view)[0] == "Is it?\nReally?"
        assert "Yes, **indeed**." in conversation_texts(view)
        assert view.expander[0].label.startswith("Thought for ")
        assert view.expander[0].markdown[0].value == "They ask."


def test_a_new_chat_names_its_model_and_the_settings_name_the_storage(site):
    tab = site.open()
    assert [box.value for box in tab.selectbox if box.label == "Model"] == [("b", None)]
    assert tab.selectbox[0].options == ["b · scripted"]
    click(tab, "view settings")
    assert f"Storage: {escape(cache.connection().store)}" in [text.value for text in tab.main.markdown]
    assert "Storage" not in " ".join(element.value for element in (*tab.sidebar.caption, *tab.sidebar.markdown))


def test_a_reply_goes_on_without_its_tab_and_is_whole_in_the_next(site):
    gate = Gate()
    site.follow("Half ", gate, "and half.", DONE)
    tab = site.say(site.open(), "Go")
    session_id = open_session_id(tab)
    del tab
    gate.open()
    again = site.settle(site.open("ann", session_id), session_id)
    assert "Half and half." in conversation_texts(again)


def test_stop_keeps_what_came(site):
    site.follow("So far", Gate(), DONE)
    tab = site.say(site.open(), "Go")
    session_id = open_session_id(tab)
    next(iter(cache.connection().reply("ann", session_id)))
    click(tab, "stop")
    site.settle(tab, session_id)
    assert "So far" in conversation_texts(tab)
    assert any("Stopped" in caption.value for caption in tab.main.caption)


def test_a_message_sent_while_the_bot_answers_goes_back_into_the_line(site):
    gate = Gate()
    site.follow("Half ", gate, DONE)
    tab = site.say(site.open(), "one")
    session_id = open_session_id(tab)
    site.say(tab, "two")
    assert "still streaming" in tab.warning[0].value
    assert site.store.get("ann", session_id).messages[0].content == "one"
    assert "two" not in conversation_texts(tab)
    gate.open()


def test_a_bot_that_fails_says_why_and_can_be_tried_again(site):
    site.follow(BotError("No key."))
    tab = site.say(site.open(), "Hi")
    session_id = open_session_id(tab)
    site.settle(tab, session_id)
    assert "No key" in tab.error[0].value
    site.follow("Now.", DONE)
    click(site.run(tab), "retry")
    site.settle(tab, session_id)
    assert conversation_texts(tab)[0] == "Hi"
    assert "Now." in conversation_texts(tab)
    assert site.store.get("ann", session_id).message_count == 2


def test_what_a_user_typed_is_text_and_control_characters_are_symbols(site):
    tab = site.say(site.open(), "<script>alert(1)</script> \x1b[31m **not bold**")
    assert tab.chat_message[0].text[0].value == "<script>alert(1)</script> ␛[31m **not bold**"


def test_nothing_is_sent_when_nothing_was_typed(site):
    tab = site.say(site.open(), "  \n ")
    assert (conversation_texts(tab), session_names(tab), len(tab.error)) == ([], [], 0)


def test_prices_are_no_formulas_and_code_is_left_alone(site):
    site.follow("$5 or $6 :red[now] `$1 :red[x]`\n```\necho $1\n```\n$x$", DONE)
    tab = site.say(site.open(), "Price?")
    site.settle(tab, open_session_id(tab))
    assert conversation_texts(tab)[1] == "\\$5 or \\$6 \\:red[now] `$1 :red[x]`\n```\necho $1\n```\n$x$"


def test_a_long_session_opens_at_its_newest_50_messages_and_shows_earlier_ones(site):
    session = Session(user="ann", bot_id="b")
    for i in range(120):
        site.store.append(session, Message(role="assistant", content=f"number {i}"))
    tab = site.open("ann", session.id)
    assert conversation_texts(tab) == [f"number {i}" for i in range(70, 120)]
    click(tab, "show earlier")
    assert conversation_texts(tab) == [f"number {i}" for i in range(20, 120)]
    click(tab, "show earlier")
    assert conversation_texts(tab) == [f"number {i}" for i in range(120)]


def test_messages_that_are_added_push_no_earlier_ones_off_the_page(site):
    session = Session(user="ann", bot_id="b")
    for i in range(51):
        site.store.append(session, Message(role="assistant", content=f"number {i}"))
    tab = site.say(site.open("ann", session.id), "Go on")
    site.settle(tab, session.id)
    assert conversation_texts(tab) == [*(f"number {i}" for i in range(1, 51)), "Go on", "Yes."]


def test_a_question_below_many_messages_leaves_the_newest_on_the_page(site):
    session = Session(user="ann", bot_id="b")
    for i in range(160):
        site.store.append(session, Message(role="assistant", content=f"number {i}"))
    tab = click(click(site.open("ann", session.id), "show earlier"), "show earlier")
    assert len(conversation_texts(tab)) == 150
    site.settle(site.say(tab, "Go on"), session.id)
    assert conversation_texts(tab) == [*(f"number {i}" for i in range(110, 160)), "Go on", "Yes."]


def test_of_a_very_long_session_200_messages_are_on_the_page_and_the_newest_are_a_click_away(site):
    session = Session(user="ann", bot_id="b")
    session.messages = [Message(role="assistant", content=f"number {i}") for i in range(300)]
    site.store.save(session)
    tab = site.open("ann", session.id)
    for _ in range(4):
        click(tab, "show earlier")
    assert conversation_texts(tab) == [f"number {i}" for i in range(50, 250)]
    assert conversation_texts(click(tab, "show newest")) == [f"number {i}" for i in range(250, 300)]


def test_a_reply_that_another_process_receives_is_shown_as_it_comes(site):
    session = Session(user="ann", bot_id="b")
    theirs = Message(role="assistant", content="from elsewhere", status="streaming", heartbeat=now() + _SKEW)

    def beat() -> None:
        site.store.update_message("ann", session.id, theirs.id, status="streaming", heartbeat=now() + _SKEW)

    site.store.append(session, Message(role="user", content="Hi"))
    site.store.append(session, theirs)
    tab = site.open("ann", session.id)
    assert "from elsewhere" in conversation_texts(tab)
    assert any("Streaming in another window or program." in caption.value for caption in tab.main.caption)
    beat()
    click(tab, "stop")
    assert site.store.get("ann", session.id).messages[-1].to_stop
    beat()
    assert any(caption.value == "Stopping…" for caption in site.run(tab).main.caption)
    site.store.update_message("ann", session.id, theirs.id, status=None, heartbeat=None, content="all of it")
    assert "all of it" in conversation_texts(site.run(tab))
