"""The tags that models put around their reasoning, if the server leaves them in the content."""

from typing import Literal, NamedTuple

ThinkTags = Literal["auto", "open", "off"] | tuple[str, str]
"""Which tags to parse: the known ones, only the closing `</think>`, none, or a pair of an opening and a closing tag."""


class ReasoningTags(NamedTuple):
    """The tags of one model family, case-insensitive.

    Attributes:
        opening: begins the reasoning, at the start of the content.
        closings: end it; the first one that occurs.
        answer: may begin the answer after it; removed.
        ends: may end the answer; removed.
    """

    opening: str
    closings: tuple[str, ...]
    answer: tuple[str, ...] = ()
    ends: tuple[str, ...] = ()


_XML = ("think", "thinking", "thought", "reasoning", "seed:think", "longcat_think")

KNOWN_TAGS: tuple[ReasoningTags, ...] = (
    # DeepSeek R1, Qwen3, GLM, MiniMax and most others; the usual tag in prompts for other models; Seed-OSS; LongCat.
    *(ReasoningTags(f"<{name}>", (f"</{name}>",)) for name in _XML),
    ReasoningTags("[THINK]", ("[/THINK]",)),  # Magistral
    ReasoningTags("◁think▷", ("◁/think▷",)),  # Kimi-VL
    ReasoningTags(
        "<|START_THINKING|>", ("<|END_THINKING|>",), ("<|START_RESPONSE|>",), ("<|END_RESPONSE|>",)
    ),  # Command A
    ReasoningTags(  # OpenThinker
        "<|begin_of_thought|>", ("<|end_of_thought|>",), ("<|begin_of_solution|>",), ("<|end_of_solution|>",)
    ),
    ReasoningTags("<|channel>thought", ("<channel|>",)),  # Gemma 4
    ReasoningTags("<unused94>thought", ("<unused95>",)),  # MedGemma
    ReasoningTags(  # gpt-oss: the harmony format, https://cookbook.openai.com/articles/openai-harmony
        "<|channel|>analysis<|message|>",
        ("<|end|>", "<|start|>assistant", "<|channel|>final<|message|>"),
        ("<|start|>assistant", "<|channel|>final<|message|>", "<|channel|>commentary<|message|>"),
        ("<|end|>", "<|return|>"),
    ),
)

OPEN_TAGS = ReasoningTags("", ("</think>",))
"""For models whose chat template puts the opening tag into the prompt."""


def tags_for(setting: ThinkTags) -> tuple[ReasoningTags, ...]:
    """Return the tags for a setting."""
    if setting == "off":
        return ()
    if isinstance(setting, str):
        return KNOWN_TAGS if setting == "auto" else (OPEN_TAGS,)
    opening, closing = setting
    return (ReasoningTags(opening, (closing,)),)


def think_tags_error(setting: object) -> str | None:
    """Return the error for a setting of `think_tags`; None if it is valid."""
    if isinstance(setting, list | tuple):
        if len(setting) == 2 and all(isinstance(tag, str) for tag in setting) and setting[1].strip():  # noqa: PLR2004
            return None
    elif setting in ("auto", "open", "off"):
        return None
    return 'use "auto", "open", "off", or the opening and the closing tag as ["<think>", "</think>"]'
