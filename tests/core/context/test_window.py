"""The messages of a conversation that a bot is sent, and how their tokens are counted."""

from dataclasses import replace

import pytest
from hypothesis import example, given
from support.bots.conversations import (
    SIXTEEN_BYTES,
    TEN_TOKENS,
    assistant,
    at_any_speed,
    bot,
    bots,
    build_prompt,
    conversations,
    is_asked,
    prompt_turns,
    text_only_bots,
    user,
    without_files,
)

from botchat.core.bots import CONTINUE, OPENING, BotConfig
from botchat.core.bots.prompt import text_of
from botchat.core.context import RESERVED_FRACTION
from botchat.core.context.token_count import IMAGE_TOKENS, count_tokens, estimate_tokens
from botchat.core.models import File, valid_text


@given(bot=bots, said=conversations)
@at_any_speed
def test_the_last_user_message_is_always_sent(bot, said):
    last = next(message for message in reversed(said) if is_asked(message))
    assert any(
        valid_text(last.content.strip()) in text_of(message["content"])
        for message in build_prompt(bot, said)
        if message["role"] == "user"
    )


@given(bot=text_only_bots, said=without_files)
@example(bot=bot(context_window=27), said=[user(SIXTEEN_BYTES), assistant(SIXTEEN_BYTES)] * 2 + [user("Rome?")])
@at_any_speed
def test_no_more_is_sent_than_fits_except_for_the_last_user_message(bot, said):
    prompt = build_prompt(bot, said)
    tokens = sum(estimate_tokens("".join(text for name, text in m.items() if name != "role")) for m in prompt)
    last = max(i for i, message in enumerate(said) if is_asked(message))
    if bot.context_window is not None and tokens > bot.context_window * (1 - RESERVED_FRACTION):
        standing = [message for message in said[:last] if message.role == "system"]
        assert prompt == build_prompt(bot, [*standing, *said[last:]])


@given(bot=bots, said=without_files)
@at_any_speed
def test_the_newest_part_of_a_conversation_is_sent(bot, said):
    words = [valid_text(m.content) for m in said if m.role in {"user", "assistant"} and m.content.strip()]
    prompt = [message["content"] for message in build_prompt(bot, said) if message["role"] != "system"]
    sent = [text for text in prompt if text not in {OPENING, CONTINUE}]
    assert "".join(words).replace("\n", "").endswith("".join(sent).replace("\n", ""))


def test_a_bot_of_unknown_size_is_sent_everything():
    said = [user("x" * 100_000), assistant("y" * 100_000), user("z")]
    assert len(prompt_turns(*said)) == 3


@pytest.mark.parametrize(("window", "kept"), [(0, 1), (37, 1), (38, 3), (59, 3), (60, 5), (10_000, 5)])
def test_the_newest_messages_that_fit_are_kept_from_a_users_message_on(window, kept):
    # Each of them takes ten tokens, and the frame of the prompt four; a tenth of the window stays free.
    said = [message for n in range(2) for message in (user(f"{n}".ljust(24)), assistant(TEN_TOKENS))]
    assert len(prompt_turns(*said, user(TEN_TOKENS), context_window=window)) == kept


def test_a_system_prompt_takes_its_part_of_the_room():
    said = [user(TEN_TOKENS), assistant(TEN_TOKENS), user(TEN_TOKENS)]
    assert len(prompt_turns(*said, context_window=38)) == 3
    assert len(prompt_turns(*said, context_window=38, system="Be brief, and be right.")) == 2


def test_the_last_user_message_is_sent_even_if_it_alone_is_too_long():
    assert prompt_turns(user("Rome?"), assistant("Gladly."), user("x" * 1000), context_window=50) == [
        ("user", "x" * 1000)
    ]


def test_what_a_reply_takes_is_estimated_where_its_server_reported_nothing():
    said = [user("Rome?"), assistant("x" * 16), user("When?")]
    assert count_tokens(bot(), "", said).messages == [5, 8, 5]


def test_reasoning_that_is_sent_takes_its_part_of_the_room():
    said = [user(TEN_TOKENS), assistant(TEN_TOKENS, reasoning_content="y" * 1000), user(TEN_TOKENS)]
    assert len(prompt_turns(*said, context_window=60)) == 3
    assert len(prompt_turns(*said, context_window=60, send_reasoning=True)) == 1


def test_tokens_are_estimated_by_bytes_for_every_script():
    assert estimate_tokens("") == 4
    assert estimate_tokens("x" * 40) == 14
    assert estimate_tokens("é" * 40) == 24
    assert estimate_tokens("罗" * 40) == 34


def file(name: str, data: bytes, kind: str = "text/plain") -> File:
    return File(name=name, type=kind, size=len(data), data=data)


def apart(*args) -> File:
    return replace(file(*args), data=None)


def test_text_files_are_sent_under_their_names_in_a_fence_that_they_do_not_end():
    code = "a\n````\nb\n"
    message = user("Look", files=[file("a.txt", b"one\n"), file("b.md", b"\xef\xbb\xbf" + code.encode())])
    assert prompt_turns(message) == [
        ("user", "Look\n\n### a.txt\n\n```\none\n```\n\n### b.md\n\n`````\na\n````\nb\n`````"),
    ]


def test_images_are_parts_of_their_message_for_a_bot_that_can_see():
    png = file("a.png", b"\x89PNG", "image/png")
    said = [user("Before"), user("Look", files=[png, file("b.txt", b"b")])]
    ((_, parts),) = prompt_turns(*said, images=True)
    assert parts == [
        {"type": "text", "text": "Before"},
        {"type": "text", "text": "Look"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw=="}},
        {"type": "text", "text": "### b.txt\n\n```\nb\n```"},
    ]
    assert text_of(parts) == "Before\n\nLook\n\n### b.txt\n\n```\nb\n```"
    assert (
        prompt_turns(*said)[0][1]
        == "Before\n\nLook\n\n[image a.png: not supported by this model]\n\n### b.txt\n\n```\nb\n```"
    )
    assert prompt_turns(user("", files=[png]), images=True)[0][1] == parts[2:3]


def test_a_name_from_elsewhere_is_one_line():
    assert prompt_turns(user("", files=[file("a\n# b", b"x")])) == [("user", "### a # b\n\n```\nx\n```")]


def test_data_stored_apart_are_read_only_for_messages_that_are_sent():
    read = []
    said = [
        user("old", files=[apart("old.txt", b"x" * 400)]),
        assistant("yes"),
        user("new", files=[apart("new.txt", b"new"), apart("a.png", b"x", "image/png")]),
    ]
    prompt = build_prompt(bot(context_window=100), said, read=lambda file: read.append(file.name) or b"new")
    assert read == ["new.txt"]
    assert [message["content"][:3] for message in prompt] == ["new"]


def test_a_file_takes_its_part_of_the_room_and_an_image_a_part_that_does_not_depend_on_its_bytes():
    text, image = file("a", b"x" * 4_000), file("a", b"x" * 4_000_000, "image/png")
    for said, tokens, more in ((text, 1_000, {}), (image, IMAGE_TOKENS, {"images": True}), (image, 0, {})):
        conversation = [user("Look", files=[said]), assistant("Yes."), user("And?")]
        room = (tokens + 30) / (1 - RESERVED_FRACTION)
        assert len(build_prompt(bot(context_window=int(room) + 1, **more), conversation)) == 3
        if tokens:
            assert len(build_prompt(bot(context_window=int(room) - 40, **more), conversation)) == 1


def test_what_the_answer_may_take_stays_free():
    said = [user(TEN_TOKENS), assistant(TEN_TOKENS), user(TEN_TOKENS)]
    assert len(prompt_turns(*said, context_window=48, answer_tokens=9)) == 3
    assert len(prompt_turns(*said, context_window=48, answer_tokens=10)) == 1
    for params, tokens in (({"max_tokens": 7}, 7), ({"max_tokens": 7, "max_completion_tokens": 9}, 9), ({}, 0)):
        assert BotConfig(params=params).answer_tokens == tokens


def test_tokens_are_counted_as_the_server_does_once_it_reports_usage():
    said = [
        user("x" * 400),
        assistant("y" * 400, usage={"prompt_tokens": 1_000}),
        user("z" * 400),
        assistant("", usage={"prompt_tokens": 1_200}),
    ]
    counts = count_tokens(bot(), "", said)
    assert sum(counts.messages[:1]) + counts.base == pytest.approx(1_000)
    assert sum(counts.messages[1:3]) == pytest.approx(200)
