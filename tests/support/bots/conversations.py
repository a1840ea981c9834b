"""Strategies for conversations and bots, for property tests of prompts."""

from dataclasses import replace

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from botchat.core.bots import Prompt
from botchat.core.context import rendering, select_messages
from botchat.core.models import BotInfo, File, Message, valid_text

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
# Every conversation that is sent has a user message with text.
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
# For properties of text only: files take more tokens than their bytes suggest, images fewer.
text_only_bots = bots.map(lambda bot: replace(bot, images=False))
without_files = conversations.map(lambda said: [replace(message, files=[]) for message in said])
at_any_speed = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


def bot(**more) -> BotInfo:
    return BotInfo(bot_id="b", label="b", **more)


def build_prompt(bot: BotInfo, said, read=None) -> Prompt:
    more = {"read": read} if read else {}
    chosen = select_messages(bot, said)
    return rendering.build_prompt(bot, [*chosen.system_messages, *chosen.messages], **more)


def is_asked(message: Message) -> bool:
    return message.role == "user" and bool(message.content.strip() or message.files)


def system_of(bot: BotInfo, said) -> str:
    given = [bot.system, *(m.content for m in said if m.role == "system" and m.content.strip() and not m.files)]
    return "\n\n".join(valid_text(text) for text in given if text)


def user(content: str, **more) -> Message:
    return Message(role="user", content=content, **more)


def assistant(content: str, **more) -> Message:
    return Message(role="assistant", content=content, **more)


def prompt_turns(*said: Message, **more) -> list[tuple[str, str]]:
    return [(message["role"], message["content"]) for message in build_prompt(bot(**more), said)]
