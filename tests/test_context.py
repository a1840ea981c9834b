"""What a bot is shown of a conversation."""

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from botchat.core import context
from botchat.core.bot_config import BotConfig
from botchat.core.models import BotInfo, File, Message, valid_text
from botchat.core.prompt import Prompt, words_of
from botchat.core.tokens import IMAGE_TOKENS, counted, estimated_tokens
from botchat.core.window import RESERVE, fit

TEN_TOKENS = "x" * 24

any_text = st.text(st.characters(), max_size=40) | st.sampled_from([TEN_TOKENS, "罗" * 40, "\ud800" * 40])
messages = st.builds(
    Message, role=st.sampled_from(["user", "assistant", "tool"]), content=any_text, reasoning_content=any_text
)
# Every conversation that a bot is asked about holds words of its user.
conversations = st.builds(
    lambda before, after: [*before, user("Rome?"), *after],
    st.lists(messages, max_size=6),
    st.lists(messages, max_size=6),
)
bots = st.builds(
    BotInfo,
    bot_id=st.just("b"),
    label=st.just("b"),
    system=st.sampled_from(["", "Be brief."]),
    context_window=st.none() | st.integers(0, 120),
    send_reasoning=st.booleans(),
)
at_any_speed = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


def bot(**more) -> BotInfo:
    return BotInfo(bot_id="b", label="b", **more)


def prompt_for(bot: BotInfo, said, read=None) -> Prompt:
    more = {"read": read} if read else {}
    return context.prompt_for(bot, fit(bot, said).messages, **more)


def user(content: str, **more) -> Message:
    return Message(role="user", content=content, **more)


def assistant(content: str, **more) -> Message:
    return Message(role="assistant", content=content, **more)


def shown(*said: Message, **more) -> list[tuple[str, str]]:
    return [(message["role"], message["content"]) for message in prompt_for(bot(**more), said)]


@given(bot=bots, said=conversations)
@at_any_speed
def test_the_system_prompt_comes_first_and_a_users_message_after_it(bot, said):
    roles = [message["role"] for message in prompt_for(bot, said)]
    assert roles[: roles.index("user")] == (["system"] if bot.system else [])


@given(bot=bots, said=conversations)
@at_any_speed
def test_the_last_users_message_is_always_shown(bot, said):
    last = next(message for message in reversed(said) if message.role == "user" and message.content)
    *_, asked = (message["content"] for message in prompt_for(bot, said) if message["role"] == "user")
    assert asked.endswith(valid_text(last.content))


@given(bot=bots, said=conversations)
@at_any_speed
def test_no_more_is_shown_than_the_bot_can_take_in_except_for_the_last_users_message(bot, said):
    prompt = prompt_for(bot, said)
    tokens = sum(estimated_tokens("".join(text for name, text in m.items() if name != "role")) for m in prompt)
    last = max(i for i, message in enumerate(said) if message.role == "user" and message.content)
    if bot.context_window is not None and tokens > bot.context_window * (1 - RESERVE):
        assert prompt == prompt_for(bot, said[last:])


@given(bot=bots, said=conversations)
@at_any_speed
def test_what_is_shown_is_the_newest_part_of_what_was_said(bot, said):
    words = [valid_text(message.content) for message in said if message.role != "tool"]
    prompt = [message["content"] for message in prompt_for(bot, said) if message["role"] != "system"]
    assert "".join(words).replace("\n", "").endswith("".join(prompt).replace("\n", ""))


@given(bot=bots, said=conversations)
@at_any_speed
def test_no_two_users_messages_follow_each_other_and_every_message_has_words(bot, said):
    prompt = prompt_for(bot, said)
    assert not any(one["role"] == other["role"] == "user" for one, other in pairwise(prompt))
    assert all(message["content"] for message in prompt)


@given(bot=bots, said=conversations)
@at_any_speed
def test_all_that_is_shown_can_be_sent(bot, said):
    assert all(text == valid_text(text) for message in prompt_for(bot, said) for text in message.values())


def test_a_conversation_is_shown_as_it_was_said():
    said = [user("Rome?"), assistant("Gladly."), user("When?")]
    assert shown(*said) == [("user", "Rome?"), ("assistant", "Gladly."), ("user", "When?")]
    assert shown(*said, system="Be brief.")[0] == ("system", "Be brief.")


def test_a_bot_of_unknown_size_is_shown_everything():
    said = [user("x" * 100_000), assistant("y" * 100_000), user("z")]
    assert len(shown(*said)) == 3


@pytest.mark.parametrize(("window", "kept"), [(0, 1), (37, 1), (38, 3), (59, 3), (60, 5), (10_000, 5)])
def test_the_newest_messages_that_fit_are_kept_from_a_users_message_on(window, kept):
    # Each of them takes ten tokens, and the frame of the prompt four; a tenth of the window stays free.
    said = [message for n in range(2) for message in (user(f"{n}".ljust(24)), assistant(TEN_TOKENS))]
    assert len(shown(*said, user(TEN_TOKENS), context_window=window)) == kept


def test_a_system_prompt_takes_its_part_of_the_room():
    said = [user(TEN_TOKENS), assistant(TEN_TOKENS), user(TEN_TOKENS)]
    assert len(shown(*said, context_window=38)) == 3
    assert len(shown(*said, context_window=38, system="Be brief, and be right.")) == 2


def test_the_last_users_message_is_shown_even_when_it_alone_is_too_long():
    assert shown(user("Rome?"), assistant("Gladly."), user("x" * 1000), context_window=50) == [("user", "x" * 1000)]


def test_replies_without_words_and_results_of_tools_are_left_out():
    said = [
        user("Rome?"),
        assistant("", status="failed", error="gone"),
        assistant("", reasoning_content="Hm."),
        Message(role="tool", content='{"rome": 1}'),
        assistant("Gladly."),
    ]
    assert shown(*said) == [("user", "Rome?"), ("assistant", "Gladly.")]


def test_users_messages_that_follow_each_other_become_one():
    said = [user("Rome?"), assistant("", status="stopped"), user("Or Oslo?"), assistant("Oslo."), user("Why?")]
    assert shown(*said) == [("user", "Rome?\n\nOr Oslo?"), ("assistant", "Oslo."), ("user", "Why?")]


def test_a_reply_that_was_cut_off_is_shown_as_far_as_it_came():
    assert shown(user("Rome?"), assistant("Glad", status="stopped"))[1] == ("assistant", "Glad")


def test_a_bot_is_shown_its_own_reasoning_only_when_it_wants_it():
    said = [user("Rome?"), assistant("Gladly.", reasoning_content="They travel."), user("When?")]
    assert [message.get("reasoning_content") for message in prompt_for(bot(), said)] == [None] * 3
    wanted = prompt_for(bot(send_reasoning=True), said)
    assert [message.get("reasoning_content") for message in wanted] == [None, "They travel.", None]


def test_reasoning_that_is_sent_takes_its_part_of_the_room():
    said = [user(TEN_TOKENS), assistant(TEN_TOKENS, reasoning_content="y" * 1000), user(TEN_TOKENS)]
    assert len(shown(*said, context_window=60)) == 3
    assert len(shown(*said, context_window=60, send_reasoning=True)) == 1


def test_half_a_character_is_replaced_because_no_server_takes_it():
    said = [user("a\ud800"), assistant("b", reasoning_content="\udc00")]
    prompt = prompt_for(bot(send_reasoning=True), said)
    assert (prompt[0]["content"], prompt[1]["reasoning_content"]) == ("a\ufffd", "\ufffd")


def test_tokens_are_estimated_by_bytes_for_every_script():
    assert estimated_tokens("") == 4
    assert estimated_tokens("x" * 40) == 14
    assert estimated_tokens("é" * 40) == 24
    assert estimated_tokens("罗" * 40) == 34


def test_what_is_stored_is_not_changed():
    said = [user("a"), user("b\ud800")]
    prompt_for(bot(context_window=10), said)
    assert [message.content for message in said] == ["a", "b\ud800"]


def file(name: str, data: bytes, kind: str = "text/plain") -> File:
    return File(name=name, type=kind, size=len(data), data=data)


def apart(*args) -> File:
    return replace(file(*args), data=None)


def test_files_of_text_are_shown_under_their_names_in_a_fence_that_they_do_not_end():
    code = "a\n````\nb\n"
    message = user("Look", files=[file("a.txt", b"one\n"), file("b.md", b"\xef\xbb\xbf" + code.encode())])
    assert shown(message) == [
        ("user", "Look\n\n### a.txt\n\n```\none\n```\n\n### b.md\n\n`````\na\n````\nb\n`````"),
    ]


def test_images_are_parts_of_their_message_for_a_bot_that_can_see():
    png = file("a.png", b"\x89PNG", "image/png")
    said = [user("Before"), user("Look", files=[png, file("b.txt", b"b")])]
    ((_, parts),) = shown(*said, images=True)
    assert parts == [
        {"type": "text", "text": "Before"},
        {"type": "text", "text": "Look"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw=="}},
        {"type": "text", "text": "### b.txt\n\n```\nb\n```"},
    ]
    assert words_of(parts) == "Before\n\nLook\n\n### b.txt\n\n```\nb\n```"
    assert shown(*said)[0][1] == "Before\n\nLook\n\n[image a.png: not shown to this bot]\n\n### b.txt\n\n```\nb\n```"
    assert shown(user("", files=[png]), images=True)[0][1] == parts[2:3]


def test_a_name_from_elsewhere_is_one_line():
    assert shown(user("", files=[file("a\n# b", b"x")])) == [("user", "### a # b\n\n```\nx\n```")]


def test_data_that_lie_apart_are_read_only_for_messages_that_are_shown():
    read = []
    said = [
        user("old", files=[apart("old.txt", b"x" * 400)]),
        assistant("yes"),
        user("new", files=[apart("new.txt", b"new"), apart("a.png", b"x", "image/png")]),
    ]
    prompt = prompt_for(bot(context_window=100), said, read=lambda file: read.append(file.name) or b"new")
    assert read == ["new.txt"]
    assert [message["content"][:3] for message in prompt] == ["new"]


def test_a_file_takes_its_part_of_the_room_and_an_image_a_part_that_does_not_depend_on_its_bytes():
    text, image = file("a", b"x" * 4_000), file("a", b"x" * 4_000_000, "image/png")
    for said, tokens, more in ((text, 1_000, {}), (image, IMAGE_TOKENS, {"images": True}), (image, 0, {})):
        conversation = [user("Look", files=[said]), assistant("Yes."), user("And?")]
        room = (tokens + 30) / (1 - RESERVE)
        assert len(prompt_for(bot(context_window=int(room) + 1, **more), conversation)) == 3
        if tokens:
            assert len(prompt_for(bot(context_window=int(room) - 40, **more), conversation)) == 1


def test_what_the_answer_may_take_stays_free():
    said = [user(TEN_TOKENS), assistant(TEN_TOKENS), user(TEN_TOKENS)]
    assert len(shown(*said, context_window=48, answer_tokens=9)) == 3
    assert len(shown(*said, context_window=48, answer_tokens=10)) == 1
    for params, tokens in (({"max_tokens": 7}, 7), ({"max_tokens": 7, "max_completion_tokens": 9}, 9), ({}, 0)):
        assert BotConfig(params=params).answer_tokens == tokens


def test_tokens_are_counted_as_the_server_does_once_it_has_told():
    said = [
        user("x" * 400),
        assistant("y" * 400, usage={"prompt_tokens": 1_000}),
        user("z" * 400),
        assistant("", usage={"prompt_tokens": 1_200}),
    ]
    told = counted(bot(), "", said)
    assert sum(told.messages[:1]) + told.frame == pytest.approx(1_000)
    assert sum(told.messages[1:3]) == pytest.approx(200)
