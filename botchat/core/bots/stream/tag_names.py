"""The tags that models write around their reasoning, where a server leaves them in the content."""

from typing import Literal, NamedTuple

ThinkTags = Literal["auto", "open", "off"] | tuple[str, str]
"""How tags are read: the known ones, only the closing `</think>`, none, or this opening and this closing tag."""


class ReasoningTags(NamedTuple):
    """One way to mark reasoning. Upper and lower case are alike.

    Attributes:
        opening: what begins the reasoning, at the start of the content.
        closings: what ends it; whichever comes first.
        answer: what may begin the answer after it; it is left out.
        ends: what may end the answer; it is left out.
    """

    opening: str
    closings: tuple[str, ...]
    answer: tuple[str, ...] = ()
    ends: tuple[str, ...] = ()


_XML = ("think", "thinking", "thought", "reasoning", "seed:think", "longcat_think")

KNOWN_TAGS: tuple[ReasoningTags, ...] = (
    # DeepSeek R1, Qwen3, GLM, MiniMax and most others; what prompts ask other models for; Seed-OSS; LongCat.
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
"""Of models whose chat template writes the opening tag into the prompt."""


def tags_for(setting: ThinkTags) -> tuple[ReasoningTags, ...]:
    """Return the tags that a setting names."""
    if setting == "off":
        return ()
    if isinstance(setting, str):
        return KNOWN_TAGS if setting == "auto" else (OPEN_TAGS,)
    opening, closing = setting
    return (ReasoningTags(opening, (closing,)),)


def think_tags_error(setting: object) -> str | None:
    """Say what is wrong with a setting of `think_tags`; None if nothing is."""
    if isinstance(setting, list | tuple):
        if len(setting) == 2 and all(isinstance(tag, str) for tag in setting) and setting[1].strip():  # noqa: PLR2004
            return None
    elif setting in ("auto", "open", "off"):
        return None
    return 'use "auto", "open", "off", or the opening and the closing tag as ["<think>", "</think>"]'
