"""What a bot is shown of a conversation."""

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from botchat.core import context
from botchat.core.bot_config import BotConfig
from botchat.core.models import BotInfo, File, Message, valid_text
from botchat.core.prompt import CONTINUE, OPENING, Prompt, without_system_role, words_of
from botchat.core.tokens import IMAGE_TOKENS, counted, estimated_tokens
from botchat.core.window import RESERVE, fit

TEN_TOKENS = "x" * 24
SIXTEEN_BYTES = "\U00010000" * 4
NOTE = File(name="n.txt", type="text/plain", size=3, data=b"abc")
PIXEL = File(name="p.png", type="image/png", size=4, data=b"\x89PNG")

any_text = st.text(st.characters(), max_size=40) | st.sampled_from([TEN_TOKENS, "罗" * 40, "\ud800" * 40])
messages = st.builds(
    Message,
    role=st.sampled_from(["user", "assistant", "tool", "system"]),
    content=any_text,
    reasoning_content=any_text,
    payload=st.none() | st.just('{"unsupported": [{"kind": "image", "raw": 1}]}'),
    files=st.just([]) | st.lists(st.sampled_from([NOTE, PIXEL]), max_size=2),
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
    images=st.booleans(),
)
# The same, for what is true of words alone: files take more than their bytes tell, an image less.
wordy_bots = bots.map(lambda bot: replace(bot, images=False))
without_files = conversations.map(lambda said: [replace(message, files=[]) for message in said])
at_any_speed = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


def bot(**more) -> BotInfo:
    return BotInfo(bot_id="b", label="b", **more)


def prompt_for(bot: BotInfo, said, read=None) -> Prompt:
    more = {"read": read} if read else {}
    chosen = fit(bot, said)
    return context.prompt_for(bot, [*chosen.standing, *chosen.messages], **more)


def is_asked(message: Message) -> bool:
    return message.role == "user" and bool(message.content.strip() or message.files)


def system_of(bot: BotInfo, said) -> str:
    given = [bot.system, *(m.content for m in said if m.role == "system" and m.content.strip() and not m.files)]
    return "\n\n".join(valid_text(text) for text in given if text)


def user(content: str, **more) -> Message:
    return Message(role="user", content=content, **more)


def assistant(content: str, **more) -> Message:
    return Message(role="assistant", content=content, **more)


def shown(*said: Message, **more) -> list[tuple[str, str]]:
    return [(message["role"], message["content"]) for message in prompt_for(bot(**more), said)]


@given(bot=bots, said=conversations, folded=st.booleans())
@at_any_speed
def test_a_prompt_passes_the_strictest_chat_template(bot, said, folded):
    prompt = prompt_for(bot, said)
    roles = [message["role"] for message in (without_system_role(prompt) if folded else prompt)]
    if roles[0] == "system" and not folded:
        roles = roles[1:]
    assert roles == ["user", "assistant"] * (len(roles) // 2) + ["user"]
    assert all(message["content"] for message in prompt)


@given(bot=bots, said=conversations, folded=st.booleans())
@at_any_speed
def test_no_text_that_is_to_be_sent_is_lost_by_joining(bot, said, folded):
    prompt = prompt_for(replace(bot, context_window=None), said)
    if folded:
        prompt = without_system_role(prompt)
    for message in said:
        if message.role != "tool" and message.content.strip():
            text = valid_text(message.content)
            assert any(text in words_of(sent["content"]) for sent in prompt)


@given(bot=bots, said=without_files)
@at_any_speed
def test_system_messages_are_sent_in_the_first_one_whatever_else_is_left_out(bot, said):
    first = prompt_for(bot, said)[0]
    assert (first["content"] if first["role"] == "system" else "") == system_of(bot, said)


@given(bot=bots, said=conversations)
@at_any_speed
def test_the_last_users_message_is_always_shown(bot, said):
    last = next(message for message in reversed(said) if is_asked(message))
    assert any(
        valid_text(last.content.strip()) in words_of(message["content"])
        for message in prompt_for(bot, said)
        if message["role"] == "user"
    )


@given(bot=wordy_bots, said=without_files)
@example(bot=bot(context_window=27), said=[user(SIXTEEN_BYTES), assistant(SIXTEEN_BYTES)] * 2 + [user("Rome?")])
@at_any_speed
def test_no_more_is_shown_than_the_bot_can_take_in_except_for_the_last_users_message(bot, said):
    prompt = prompt_for(bot, said)
    tokens = sum(estimated_tokens("".join(text for name, text in m.items() if name != "role")) for m in prompt)
    last = max(i for i, message in enumerate(said) if is_asked(message))
    if bot.context_window is not None and tokens > bot.context_window * (1 - RESERVE):
        standing = [message for message in said[:last] if message.role == "system"]
        assert prompt == prompt_for(bot, [*standing, *said[last:]])


@given(bot=bots, said=without_files)
@at_any_speed
def test_what_is_shown_is_the_newest_part_of_what_was_said(bot, said):
    words = [valid_text(m.content) for m in said if m.role in {"user", "assistant"} and m.content.strip()]
    prompt = [message["content"] for message in prompt_for(bot, said) if message["role"] != "system"]
    sent = [text for text in prompt if text not in {OPENING, CONTINUE}]
    assert "".join(words).replace("\n", "").endswith("".join(sent).replace("\n", ""))


@given(bot=wordy_bots, said=without_files)
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
        user("When?"),
    ]
    assert shown(*said) == [("user", "Rome?"), ("assistant", "Gladly."), ("user", "When?")]


def test_users_messages_that_follow_each_other_become_one():
    said = [user("Rome?"), assistant("", status="stopped"), user("Or Oslo?"), assistant("Oslo."), user("Why?")]
    assert shown(*said) == [("user", "Rome?\n\nOr Oslo?"), ("assistant", "Oslo."), ("user", "Why?")]


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
    assert shown(*said, system="Be brief.") == [
        ("system", "Be brief.\n\nAnswer in French."),
        ("user", OPENING),
        ("assistant", "Hello, who are you?"),
        ("user", "Ann."),
        ("assistant", "Let me search.\n\nAnn it is."),
        ("user", "And now?"),
    ]
    assert shown(*said, context_window=20)[0] == ("system", "Answer in French.")
    assert shown(*said[:3])[-1] == ("user", CONTINUE)


def test_a_server_without_a_system_role_gets_its_text_with_the_first_of_the_users_words():
    prompt = prompt_for(bot(system="Be brief."), [user("Rome?"), assistant("Gladly."), user("When?")])
    assert [m["content"] for m in without_system_role(prompt)] == ["Be brief.\n\nRome?", "Gladly.", "When?"]
    seen = prompt_for(bot(system="Be brief.", images=True), [user("Look", files=[PIXEL])])
    (first,) = without_system_role(seen)
    assert [part["type"] for part in first["content"]] == ["text", "text", "image_url"]
    assert words_of(first["content"]) == "Be brief.\n\nLook"


def test_an_image_of_the_bots_is_named_because_servers_take_images_from_users_alone():
    said = [user("Draw"), assistant("Here", files=[PIXEL]), user("Thanks")]
    assert shown(*said, images=True)[1] == ("assistant", "Here\n\n[image p.png: not shown to this bot]")


def test_what_a_reply_takes_is_estimated_where_its_server_reported_nothing():
    said = [user("Rome?"), assistant("x" * 16), user("When?")]
    assert counted(bot(), "", said).messages == [5, 8, 5]


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
