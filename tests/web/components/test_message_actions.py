"""Actions on messages: edit, regenerate, feedback, details."""

import pytest
from support.fakes import DONE
from support.web.tabs import click, conversation_texts, open_session_id, pick

from botchat.core.models import Message, Session


@pytest.fixture
def tab(site):
    """A tab with one question and its answer."""
    tab = site.say(site.open(), "Which heron?")
    return site.settle(tab, open_session_id(tab))


def stored(site, tab) -> list[Message]:
    return site.store.get("ann", open_session_id(tab)).messages


def menu(site, tab, place: int, option: str):
    shown = tab.main.menu_button
    keys = [button.key for button in shown if button.key != "session menu"]
    return pick(tab, keys[place], option)


def test_an_answer_is_asked_for_again_and_the_first_one_is_a_click_away(site, tab):
    site.follow("A blue one.", DONE)
    menu(site, tab, 1, "Regenerate")
    site.settle(tab, open_session_id(tab))
    assert conversation_texts(tab) == ["Which heron?", "A blue one."]
    assert any(caption.value == "2/2" for caption in tab.main.caption)
    click(tab, f"version before {stored(site, tab)[2].id}")
    assert conversation_texts(tab) == ["Which heron?", "Yes."]
    click(tab, f"version after {stored(site, tab)[1].id}")
    assert conversation_texts(tab) == ["Which heron?", "A blue one."]


def test_an_edited_message_begins_a_branch_and_the_old_one_stays(site, tab):
    menu(site, tab, 0, "Edit")
    editor = tab.main.text_area[0]
    assert editor.value == "Which heron?"
    editor.set_value("Which stork?")
    site.run(tab)
    site.settle(click(tab, "send edited"), open_session_id(tab))
    assert conversation_texts(tab) == ["Which stork?", "Yes."]
    assert [m.content for m in stored(site, tab)] == ["Which heron?", "Yes.", "Which stork?", "Yes."]
    click(tab, f"version before {stored(site, tab)[2].id}")
    assert conversation_texts(tab) == ["Which heron?", "Yes."]


def test_an_edit_that_can_not_be_saved_stays_in_the_editor_and_is_told(site, tab):
    menu(site, tab, 0, "Edit")
    tab.main.text_area[0].set_value("Which stork?")
    site.run(tab)
    site.store.down = True
    click(tab, "send edited")
    assert "The store is down" in tab.main.warning[0].value
    assert tab.main.text_area[0].value == "Which stork?"
    site.store.down = False
    site.settle(click(tab, "send edited"), open_session_id(tab))
    assert conversation_texts(tab) == ["Which stork?", "Yes."]


def test_an_edit_is_given_up(site, tab):
    menu(site, tab, 0, "Edit")
    click(tab, "cancel edit")
    assert conversation_texts(tab) == ["Which heron?", "Yes."]
    assert len(stored(site, tab)) == 2


def test_feedback_is_given_changed_commented_and_taken_back(site, tab):
    for rating, place in (("up", 1), ("down", 0)):
        tab.main.feedback[0].set_value(place)
        site.run(tab)
        assert stored(site, tab)[1].feedback["rating"] == rating
    (comment,) = [text for text in tab.main.text_input if text.label == "Comment"]
    comment.set_value("It is no heron.")
    site.run(tab)
    assert stored(site, tab)[1].feedback["comment"] == "It is no heron."
    assert stored(site, tab)[1].feedback["rating"] == "down"
    again = site.open("ann", open_session_id(tab))
    assert again.main.feedback[0].value == 0
    (kept,) = [text for text in again.main.text_input if text.label == "Comment"]
    assert kept.proto.default == "It is no heron."  # else a browser that draws it anew sends nothing as the comment
    again.main.feedback[0].set_value(None)
    site.run(again)
    assert stored(site, tab)[1].feedback["rating"] is None
    assert stored(site, tab)[1].feedback["comment"] == "It is no heron."


def more_of(tab) -> dict[int, str]:
    """The menus of the messages, by the place of the message."""
    keys = {i: [button.key for button in message.menu_button] for i, message in enumerate(tab.chat_message)}
    return {place: key for place, (key,) in ((i, found) for i, found in keys.items() if found)}


def test_an_older_exchange_has_one_menu_for_both_and_a_message_without_an_answer_its_own(site):
    session = Session(user="ann", bot_id="b")
    site.store.save(session)
    roles = ["user", "user", "assistant", "user", "assistant", "assistant", "user", "assistant"] + [
        "user",
        "assistant",
    ] * 5
    for i, role in enumerate(roles):
        site.store.append(session, Message(role=role, content=f"words {i}"))
    tab = site.open("ann", session.id)
    menus = more_of(tab)
    assert sorted(menus) == [0, 2, 4, 5, 7, *range(8, 18)]
    pick(tab, menus[2], "Details")
    assert [bool(message.caption) for message in tab.chat_message[:4]] == [False, True, True, False]
    pick(tab, menus[4], "Feedback")
    assert sorted(more_of(tab)) == [0, 2, 3, 4, 5, 7, *range(8, 18)]
    pick(tab, menus[7], "Edit prompt")
    assert [area.value for area in tab.main.text_area] == ["words 6"]
    site.settle(click(tab, "send edited"), session.id)
    assert conversation_texts(tab) == [f"words {i}" for i in range(7)] + ["Yes."]
    pick(tab, menus[0], "Copy the rest to a new chat")
    assert conversation_texts(tab)[0] == "words 0"


def test_details_are_told_when_they_are_asked_for(site, tab):
    menu(site, tab, 1, "Details")
    (told,) = [
        caption.value for caption in tab.main.caption if "scripted" in caption.value and "total" in caption.value
    ]
    assert "first token" in told
    menu(site, tab, 1, "Details")
    assert not [caption for caption in tab.main.caption if "total" in caption.value]


def lines_of(tab) -> list[str]:
    captions = [caption.value.replace("\\", "") for caption in tab.main.caption]
    return [caption for caption in captions if "messages in context." in caption]


def test_the_bot_is_let_forget_what_came_before_and_that_is_taken_back(site, tab):
    site.settle(site.say(tab, "Which stork?"), open_session_id(tab))
    menu(site, tab, 2, "Clear context above")
    assert lines_of(tab) == ["2 of 4 messages in context. Context cleared here. Messages above aren't sent."]
    assert any(caption.value.endswith("· 2 of 4 messages in context") for caption in tab.main.caption)
    click(tab, "remember")
    assert lines_of(tab) == []
    assert len(stored(site, tab)) == 4


def test_where_a_topic_seems_to_begin_is_shown_to_who_wants_it_and_begins_a_new_session(site, tab):
    site.settle(site.say(tab, "A train to Cambridge on Saturday, please."), open_session_id(tab))
    session_id, (_, _, topic, _) = open_session_id(tab), stored(site, tab)
    place = f"line-topic-{topic.id}"
    assert all(button.key != place for button in tab.main.button)
    site.connect().set_preferences("ann", topics="shown")
    tab = site.open(session_id=session_id)
    click(tab, place)
    assert open_session_id(tab) != session_id
    assert conversation_texts(tab) == ["A train to Cambridge on Saturday, please.", "Yes."]


def test_a_message_is_redacted_with_those_that_quote_it(site, tab):
    site.follow("You asked about the bird number 4711-0815.", DONE)
    site.settle(site.say(tab, "Tell me about bird number 4711-0815, please"), open_session_id(tab))
    menu(site, tab, 2, "Redact")
    assert "Quoted in: message 4 (assistant)." in [each.value.replace("\\", "") for each in tab.markdown]
    click(tab, "cancel redact")
    assert "4711-0815" in stored(site, tab)[2].content
    menu(site, tab, 2, "Redact")
    tab.checkbox("redact quotes").check()
    click(tab, "redact")
    assert conversation_texts(tab) == ["Which heron?", "Yes.", "[redacted]", "[redacted]"]
    assert [m.content for m in stored(site, tab)][2:] == ["[redacted]", "[redacted]"]


def test_a_redaction_that_fails_says_why_and_changes_nothing(site, tab):
    menu(site, tab, 0, "Redact")
    site.store.down = True
    click(tab, "redact")
    assert any("The store is down" in warning.value for warning in tab.main.warning)
    site.store.down = False
    assert stored(site, tab)[0].content == "Which heron?"


def test_a_chat_is_branched_at_a_reply_and_the_original_is_unchanged(site, tab):
    original = open_session_id(tab)
    site.settle(site.say(tab, "And storks?"), original)
    menu(site, tab, 1, "Branch in new chat")
    assert conversation_texts(tab) == ["Which heron?", "Yes."]
    assert open_session_id(tab) != original
    assert len(site.store.get("ann", original).messages) == 4
