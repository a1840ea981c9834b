"""What the page makes of Markdown: images wait for a click, formulas are formulas, the rest is as it was written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from botchat.web.text import LONGEST, bot_markdown, label, plain


def images(markdown: str) -> list[str]:
    """The addresses of the images that a reader of Markdown sees in it."""
    tokens = [child for token in MarkdownIt("commonmark").parse(markdown) for child in token.children or []]
    return [str(token.attrs["src"]) for token in tokens if token.type == "image"]


@pytest.mark.parametrize(
    ("written", "given"),
    [
        ("![a cat](https://h.org/c.png)", "[Image: a cat (h\\.org)](https://h.org/c.png)"),
        ("![](https://h.org/c.png)", "[Image (h\\.org)](https://h.org/c.png)"),
        ('![a](<https://h.org/ c> "title")', "[Image: a (h\\.org)](<https://h.org/ c>)"),
        ("![a](https://h.org/(x))", "[Image: a (h\\.org)](https://h.org/(x))"),
        ("![a](//h.org/x)", "[Image: a (h\\.org)](//h.org/x)"),
        ("![a](HTTP://h.org/x)", "[Image: a (h\\.org)](HTTP://h.org/x)"),
        ("![a\n b](https://h.org)", "[Image: a b (h\\.org)](https://h.org)"),
        ("![*a* [b]](https://h.org)", "[Image: \\*a\\* \\[b\\] (h\\.org)](https://h.org)"),
        ("![a](https://me@h.org:80/x)", "[Image: a (h\\.org)](https://me@h.org:80/x)"),
        ("![a][R]\n\n[r]: https://h.org", "[Image: a (h\\.org)](https://h.org)\n\n[r]: https://h.org"),
        ("![r][]\n\n[r]: <https://h.org>", "[Image: r (h\\.org)](<https://h.org>)\n\n[r]: <https://h.org>"),
        ("![r]\n\n[r]: https://h.org", "[Image: r (h\\.org)](https://h.org)\n\n[r]: https://h.org"),
        ("[![a](https://h.org)](https://o.org)", "[[Image: a (h\\.org)](https://h.org)](https://o.org)"),
        ("![a](file.png)", "Image: a"),
        ("![a](javascript:x)", "Image: a"),
        ("![a](http://[)", "Image: a"),
        ("![a](data:image/svg+xml;base64,AA)", "Image: a"),
        ("![a](data:image/png;base64,AA)", "![a](data:image/png;base64,AA)"),
        ("![a](https://h.or", "\\![a](https://h.or"),
        ("![nowhere]", "\\![nowhere]"),
        ("\\![a](https://h.org)", "\\![a](https://h.org)"),
        ("`![a](https://h.org)`", "`![a](https://h.org)`"),
        ("wow![a](https://h.org)", "wow[Image: a (h\\.org)](https://h.org)"),
    ],
)
def test_an_image_is_a_link_to_it(written, given):
    assert bot_markdown(written) == given


@pytest.mark.parametrize(
    ("written", "given"),
    [
        ("between $5 and $10", "between \\$5 and \\$10"),
        ("$5, US$10 or 3 $", "\\$5, US\\$10 or 3 \\$"),
        ("only $5", "only \\$5"),
        ("\\$5", "\\$5"),
        ("$2x+1$ is odd", "$2x+1$ is odd"),
        ("$x$, $y$", "$x$, $y$"),
        ("$ x $", "\\$ x \\$"),
        ("$$x$$", "$$x$$"),
        ("$$\nx\n$$", "$$\nx\n$$"),
        ("$$\nx", "\\$\\$\nx"),
        ("`$5`", "`$5`"),
        ("```sh\necho $5 and $6\n```\n$7", "```sh\necho $5 and $6\n```\n\\$7"),
        ("so \\(a + b\\) is", "so $a + b$ is"),
        ("\\(a\nb\\)", "$a b$"),
        ("so \\[a\\] is", "so $a$ is"),
        ("\\[\nx = y\n\\]", "$$\nx = y\n$$"),
        ("  \\[ x \\]\nso", "  $$\n  x\n  $$\nso"),
        ("> \\[\n> x\n> \\]", "> $$\n> x\n> $$"),
        ("\\(open", "\\(open"),
        ("\\[open", "\\[open"),
        ("`\\(a\\)`", "`\\(a\\)`"),
        ("\\[a\\](https://h.org)", "\\[a\\](https://h.org)"),
    ],
)
def test_prices_are_text_and_formulas_are_formulas(written, given):
    assert bot_markdown(written) == given


@pytest.mark.parametrize(
    ("written", "given"),
    [
        (":red[x]", "\\:red[x]"),
        (":blue-background[x]", "\\:blue-background[x]"),
        (":material/home:", "&#58;material/home:"),
        (":smile:", "&#58;smile:"),
        ("at 10:30:45", "at 10&#58;30:45"),
        ("a note: this", "a note: this"),
        ("`:smile:`", "`:smile:`"),
        ("https://h.org/a:b:c", "https://h.org/a:b:c"),
    ],
)
def test_what_only_streamlit_reads_into_a_text_is_shown_as_it_was_typed(written, given):
    assert bot_markdown(written) == given


@pytest.mark.parametrize(
    "code",
    [
        "```\n![a](https://h.org) $5 :x:\n```",
        "```py\nhalf $5",
        "~~~\n```\n$5\n~~~",
        "````\n```\n$5\n```\n````",
        "- ```\n  $5\n  ```",
        "> ```\n> $5\n> ```",
        "``a ` $5``",
    ],
)
def test_code_stays_as_it_is(code):
    assert bot_markdown(code) == code


SIGNS = ["![", "[", "]", "(", ")", "](", "`", "```", "~~~", "\\", "$", "$$", "!", "> ", "<", ">", '"', "- ", ":", "*"]
PIECES = ["a", " ", "\n", "\n\n", "\\[", "\\]", "https://h.org/x", "[r]: https://h.org\n", "data:image/png,"]
WRITTEN = st.lists(st.sampled_from(SIGNS + PIECES), max_size=14).map("".join)


@given(WRITTEN)
def test_whatever_is_written_no_image_from_elsewhere_is_left(written):
    assert [address for address in images(bot_markdown(written)) if not address.startswith("data:")] == []


@given(st.text())
def test_text_without_signs_stays_as_it_is(text):
    text = "".join(letter for letter in text if letter.isalnum() or letter in " ,.\n")
    assert bot_markdown(text) == text


@pytest.mark.parametrize(
    "hostile",
    ["![", "[![a](", "$a", ":a", "\\[", "\\(a", "> ", "~~~\n", "![a]((", "\n[a]: ", " \t", '![a](x "', "`a``"],
)
def test_a_text_made_to_be_slow_is_not(hostile):
    bot_markdown(hostile * (LONGEST // len(hostile)))  # the time limit of every test is far above what it takes


def test_a_label_is_one_line_shown_as_it_is():
    assert label("a\n*b*") == "a \\*b\\*"
    assert label("") == "Untitled"
    assert plain("<b> $1") == "\\<b\\> \\$1"
