"""The prompts that conversations become: they satisfy strict chat templates and servers."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from support.bots.conversations import (
    PIXEL,
    assistant,
    at_any_speed,
    bot,
    bots,
    build_prompt,
    conversations,
    prompt_turns,
    system_of,
    text_only_bots,
    user,
    without_files,
)

from botchat.core.bots import CONTINUE, OPENING, without_system_role
from botchat.core.bots.prompt import text_of
from botchat.core.models import Message, valid_text


@given(bot=bots, said=conversations, folded=st.booleans())
@at_any_speed
def test_a_prompt_passes_the_strictest_chat_template(bot, said, folded):
    prompt = build_prompt(bot, said)
    roles = [message["role"] for message in (without_system_role(prompt) if folded else prompt)]
    if roles[0] == "system" and not folded:
        roles = roles[1:]
    assert roles == ["user", "assistant"] * (len(roles) // 2) + ["user"]
    assert all(message["content"] for message in prompt)


@given(bot=bots, said=conversations, folded=st.booleans())
@at_any_speed
def test_no_text_that_is_to_be_sent_is_lost_by_joining(bot, said, folded):
    prompt = build_prompt(replace(bot, context_window=None), said)
    if folded:
        prompt = without_system_role(prompt)
    for message in said:
        if message.role != "tool" and message.content.strip():
            text = valid_text(message.content)
            assert any(text in text_of(sent["content"]) for sent in prompt)


@given(bot=bots, said=without_files)
@at_any_speed
def test_system_messages_are_sent_in_the_first_one_whatever_else_is_left_out(bot, said):
    first = build_prompt(bot, said)[0]
    assert (first["content"] if first["role"] == "system" else "") == system_of(bot, said)


@given(bot=text_only_bots, said=without_files)
@at_any_speed
def test_every_prompt_can_be_sent(bot, said):
    assert all(text == valid_text(text) for message in build_prompt(bot, said) for text in message.values())


def test_a_conversation_is_sent_unchanged():
    said = [user("Rome?"), assistant("Gladly."), user("When?")]
    assert prompt_turns(*said) == [("user", "Rome?"), ("assistant", "Gladly."), ("user", "When?")]
    assert prompt_turns(*said, system="Be brief.")[0] == ("system", "Be brief.")


def test_empty_replies_and_tool_results_are_left_out():
    said = [
        user("Rome?"),
        assistant("", status="failed", error="gone"),
        assistant("", reasoning_content="Hm."),
        Message(role="tool", content='{"rome": 1}'),
        assistant("Gladly."),
        user("When?"),
    ]
    assert prompt_turns(*said) == [("user", "Rome?"), ("assistant", "Gladly."), ("user", "When?")]


def test_users_messages_that_follow_each_other_become_one():
    said = [user("Rome?"), assistant("", status="stopped"), user("Or Oslo?"), assistant("Oslo."), user("Why?")]
    assert prompt_turns(*said) == [("user", "Rome?\n\nOr Oslo?"), ("assistant", "Oslo."), ("user", "Why?")]


def test_an_imported_conversation_is_sent_as_strict_templates_want_it():
    said = [
        assistant("Hello, who are you?"),
        user("Ann."),
        assistant("Let me search."),
        Message(role="tool", content='{"ann": 1}'),
        Message(role="system", content="Answer in French."),
        assistant("", payload='{"unsupported": [{"kind": "image", "raw": 1}]}'),
        assistant("Ann it is.", reasoning_content="Found."),
        user("And now?"),
    ]
    assert prompt_turns(*said, system="Be brief.") == [
        ("system", "Be brief.\n\nAnswer in French."),
        ("user", OPENING),
        ("assistant", "Hello, who are you?"),
        ("user", "Ann."),
        ("assistant", "Let me search.\n\nAnn it is."),
        ("user", "And now?"),
    ]
    assert prompt_turns(*said, context_window=20)[0] == ("system", "Answer in French.")
    assert prompt_turns(*said[:3])[-1] == ("user", CONTINUE)


def test_a_server_without_a_system_role_gets_its_text_with_the_first_of_the_users_words():
    prompt = build_prompt(bot(system="Be brief."), [user("Rome?"), assistant("Gladly."), user("When?")])
    assert [m["content"] for m in without_system_role(prompt)] == ["Be brief.\n\nRome?", "Gladly.", "When?"]
    seen = build_prompt(bot(system="Be brief.", images=True), [user("Look", files=[PIXEL])])
    (first,) = without_system_role(seen)
    assert [part["type"] for part in first["content"]] == ["text", "text", "image_url"]
    assert text_of(first["content"]) == "Be brief.\n\nLook"


def test_an_image_of_the_bots_is_named_because_servers_take_images_from_users_alone():
    said = [user("Draw"), assistant("Here", files=[PIXEL]), user("Thanks")]
    assert prompt_turns(*said, images=True)[1] == ("assistant", "Here\n\n[image p.png: not supported by this model]")


def test_an_interrupted_reply_is_sent_as_far_as_received():
    assert prompt_turns(user("Rome?"), assistant("Glad", status="stopped"))[1] == ("assistant", "Glad")


def test_a_bot_is_sent_its_own_reasoning_only_if_configured():
    said = [user("Rome?"), assistant("Gladly.", reasoning_content="They travel."), user("When?")]
    assert [message.get("reasoning_content") for message in build_prompt(bot(), said)] == [None] * 3
    wanted = build_prompt(bot(send_reasoning=True), said)
    assert [message.get("reasoning_content") for message in wanted] == [None, "They travel.", None]


def test_half_a_character_is_replaced_because_no_server_takes_it():
    said = [user("a\ud800"), assistant("b", reasoning_content="\udc00")]
    prompt = build_prompt(bot(send_reasoning=True), said)
    assert (prompt[0]["content"], prompt[1]["reasoning_content"]) == ("a\ufffd", "\ufffd")


def test_what_is_stored_is_not_changed():
    said = [user("a"), user("b\ud800")]
    build_prompt(bot(context_window=10), said)
    assert [message.content for message in said] == ["a", "b\ud800"]
