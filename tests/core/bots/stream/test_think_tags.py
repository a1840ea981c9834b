"""Reasoning between think tags in the content."""

from itertools import pairwise

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from botchat.core.bots.stream.think_tags import ThinkSplitter

# Texts full of tags and of what almost is one, and the places to cut them at.
tagged_texts = st.lists(
    st.sampled_from(["<think>", "</think>", "<thi", "nk>", "</", "<", ">", "\n", " ", "why", "é"]), max_size=12
).map("".join)
marks = [
    "<|channel|>analysis<|message|>",
    "<|start|>assistant",
    "<|channel|>final<|message|>",
    "<|channel|>",
    "<|end|>",
]
marks += ["<|START_THINKING|>", "<|END_THINKING|>", "<|START_RESPONSE|>", "<|END_RESPONSE|>", "[THINK]", "[/THINK]"]
marks += ["<think>", "</think>", "<thi", "nk>", "</", "<", ">", "<a>", "</a>"]
words = ["\n", " ", "why", ". ", "`", "```", "İ"]
many_tagged_texts = st.lists(st.sampled_from(marks + words), max_size=14).map("".join)
places = st.lists(st.integers(0, 60), max_size=12)
at_any_speed = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


def split(text: str, at: list[int] = (), tags: str = "auto") -> tuple[str, str]:
    """Return the reasoning and the answer of a text that is cut into pieces at these positions."""
    splitter = ThinkSplitter(tags)
    edges = [0, *sorted(at), len(text)]
    deltas = [delta for start, end in pairwise(edges) for delta in splitter.feed(text[start:end])]
    deltas += splitter.end()
    assert all(delta.content or delta.reasoning_content for delta in deltas), "a piece holds something"
    return "".join(delta.reasoning_content for delta in deltas), "".join(delta.content for delta in deltas)


@pytest.mark.parametrize(
    ("text", "reasoning", "answer"),
    [
        ("<think>Hm.</think>Yes.", "Hm.", "Yes."),
        ("<think>\nHm.\n</think>\n\nYes.", "Hm.\n", "Yes."),
        ("\n <think>Hm.</think> Yes.", "Hm.", "Yes."),
        ("<think></think>Yes.", "", "Yes."),
        ("<think>Hm, 1 </ 2.</think>Yes, </think> too.", "Hm, 1 </ 2.", "Yes, </think> too."),
        ("<think>Hm, and then", "Hm, and then", ""),
        ("<think>Hm.</thi", "Hm.</thi", ""),
        ("<thinking>Hm.</thinking>Yes.", "Hm.", "Yes."),
        ("<thought>Hm.</thought>Yes.", "Hm.", "Yes."),
        ("<reasoning>Hm.</reasoning>Yes.", "Hm.", "Yes."),
        ("<seed:think>Hm.</seed:think>Yes.", "Hm.", "Yes."),
        ("<THINK>Hm.</THINK>Yes.", "Hm.", "Yes."),
        ("<Think>Hm.</think>Yes.", "Hm.", "Yes."),
        ("[THINK]Hm.[/THINK]Yes.", "Hm.", "Yes."),
        ("◁think▷Hm.◁/think▷Yes.", "Hm.", "Yes."),
        ("<|START_THINKING|>Hm.<|END_THINKING|><|START_RESPONSE|>Yes.<|END_RESPONSE|>", "Hm.", "Yes."),
        ("<|channel>thought\nHm.<channel|>Yes.", "Hm.", "Yes."),
        ("<|begin_of_thought|>Hm.<|end_of_thought|> <|begin_of_solution|>Yes.<|end_of_solution|>", "Hm.", "Yes."),
        ("<|channel|>analysis<|message|>Hm.<|end|><|start|>assistant<|channel|>final<|message|>Yes.", "Hm.", "Yes."),
        ("<|channel|>analysis<|message|>Hm.<|channel|>final<|message|>Yes.<|return|>", "Hm.", "Yes."),
        ("<|start|>assistant<|channel|>final<|message|>Yes.<|return|>", "", "Yes."),
        ("<think>a</think>\n<think>b</think>Yes.", "a\n\nb", "Yes."),
        ("<think>a</think>First. <think>b</think>Second.", "a\n\nb", "First. Second."),
        ("<think>a</think>First.\n\n<think>\nb\n</think>\n\nSecond.", "a\n\nb\n", "First.\n\nSecond."),
        ("<think>a</think>Yes, <think>b</think> is a tag.", "a", "Yes, <think>b</think> is a tag."),
        ("<think>a</think>A tag. <think> opens it.", "a", "A tag. <think> opens it."),
        ("<think>a</think>So:\n```\n<think>\nb\n</think>\n```", "a", "So:\n```\n<think>\nb\n</think>\n```"),
        ("<think>a</think>Write. `x. <think>b`", "a", "Write. `x. <think>b`"),
        ("<think>a</think>A lone ` here.\n\n<think>b</think>Yes.", "a\n\nb", "A lone ` here.\n\nYes."),
        ("<think>a</think>First. <thi", "a", "First. <thi"),
        ("Sure. <think>Hm.</think>\n\nYes.", "", "Sure. <think>Hm.</think>\n\nYes."),
        ("Hm.</think>Yes.", "", "Hm.</think>Yes."),
        ("`<think>` is a tag.", "", "`<think>` is a tag."),
        ("<thinker>Hm.</thinker>", "", "<thinker>Hm.</thinker>"),
        ("Yes.", "", "Yes."),
        ("<thi", "", "<thi"),
        (" \n", "", " \n"),
        ("", "", ""),
    ],
)
def test_think_tags_at_the_start_divide_reasoning_from_answer_wherever_they_are_cut(text, reasoning, answer):
    assert split(text) == (reasoning, answer)
    assert split(text, list(range(len(text)))) == (reasoning, answer)
    assert {split(text, [place]) for place in range(len(text))} <= {(reasoning, answer)}


@given(text=many_tagged_texts, at=places, tags=st.sampled_from(["auto", "open", "off", ("<a>", "</a>"), ("", "</a>")]))
@at_any_speed
def test_it_makes_no_difference_where_the_text_is_cut(text, at, tags):
    assert split(text, at, tags) == split(text, tags=tags)


@given(text=tagged_texts, at=places)
@at_any_speed
def test_an_answer_that_only_talks_about_think_tags_stays_whole(text, at):
    assume(not text.lstrip().startswith("<think>"))
    assert split(text, at) == ("", text)


@pytest.mark.parametrize(
    ("tags", "text", "reasoning", "answer"),
    [
        (("<a>", "</a>"), "<a>Hm.</a>Yes.", "Hm.", "Yes."),
        (("<a>", "</a>"), "<a>Hm.</a>Yes. <a>So.</a>Well.", "Hm.\n\nSo.", "Yes. Well."),
        (("<a>", "</a>"), "<think>Hm.</think>Yes.", "", "<think>Hm.</think>Yes."),
        (("", "</a>"), "Hm.</a>\nYes. </a>", "Hm.", "Yes. </a>"),
        (("((", "))"), "((Hm.))Yes.", "Hm.", "Yes."),
    ],
)
def test_a_bot_can_have_tags_of_its_own(tags, text, reasoning, answer):
    assert split(text, tags=tags) == (reasoning, answer)
    assert split(text, list(range(len(text))), tags) == (reasoning, answer)


@given(text=tagged_texts, at=places)
@at_any_speed
def test_without_an_opening_tag_all_before_the_closing_one_is_reasoning(text, at):
    reasoning, _, answer = text.partition("</think>")
    assert split(text, at, "open") == (reasoning, answer.lstrip())


@given(text=tagged_texts, at=places)
@at_any_speed
def test_switched_off_nothing_is_divided(text, at):
    assert split(text, at, "off") == ("", text)
