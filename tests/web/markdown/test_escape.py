"""Markdown on the page: images are links, formulas are formulas, everything else is shown as written."""

import base64
import io
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from PIL import Image

from botchat.core.exporting import printable
from botchat.core.models import has_padded_tables
from botchat.web.markdown.escape import MAX_MARKDOWN_LENGTH, bot_markdown, escape, session_label
from botchat.web.markdown.formulas import MAX_SIZE_EM


def image_of(width: int, height: int) -> str:
    """A black PNG in an address: of one color, so that many pixels are few bytes."""
    written = io.BytesIO()
    Image.new("1", (width, height)).save(written, "PNG")
    return f"data:image/png;base64,{base64.b64encode(written.getvalue()).decode()}"


PIXEL = image_of(1, 1)


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
        ("![a](data:image/png;base64,AA)", "Image: a"),
        (f"![a]({PIXEL})", f"![a]({PIXEL})"),
        ("![a](https://h.or", "\\![a](https://h.or"),
        ("![nowhere]", "\\![nowhere]"),
        ("~5 to ~10 of ~~6~~", "\\~5 to \\~10 of ~~6~~"),
        ("`~a~` https://h.org/~ann/~b~ [c](/~d)", "`~a~` https://h.org/~ann/~b~ [c](/~d)"),
        ("~~~\n~a~\n~~~", "~~~\n~a~\n~~~"),
        ("| a<br>b<BR/>c |", "| a&#10;b&#10;c |"),
        ("| `<br>` |", "| `<br>` |"),
        ("a <br> b\n| c |", "a <br> b\n| c |"),
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
        "\\``$5`",
        "`a\n$5`",
        "````sh\n```` $5\n`````  \n`$6`",
        "> 1. ~~~ `a`\n $5\n ~~~`  ",
    ],
)
def test_code_stays_as_it_is(code):
    assert bot_markdown(code) == code


@pytest.mark.parametrize(
    ("written", "given"),
    [
        ("`a\n\n$5`", "`a\n\n\\$5`"),
        ("`a\n \t\n$5`", "`a\n \t\n\\$5`"),
        ("``$5`", "``\\$5`"),
        ("`$5``", "`\\$5``"),
        ("``` $5 `\n$6\n", "``` \\$5 `\n\\$6\n"),
        ("a ```\n$5\n```", "a ```\n$5\n```"),
        ("```\n$5\n``` \n$6", "```\n$5\n``` \n\\$6"),
        ("Https://h.org/:a:", "Https://h.org/&#58;a:"),
    ],
)
def test_what_only_looks_like_code_or_an_address_is_text(written, given):
    assert bot_markdown(written) == given


def test_runs_of_backticks_that_close_nothing_take_no_longer_than_others():
    runs = " ".join("`" * length for length in range(1, 1_500))  # a search of the rest for each would be 10^9 steps
    assert bot_markdown(f"{runs} $5") == f"{runs} \\$5"


SIZE = re.compile(r"([0-9]+(?:\.[0-9]*)?|\.[0-9]+) *(em|mu|cm|in)")


@pytest.mark.parametrize(
    "formula",
    [
        r"\rule{100000em}{100000em}",
        r"\rule[100000em]{100000em}{100000em}",
        r"\rule 100000em 100000em",
        r"\kern100000em x",
        r"\kern-100000em x",
        r"\mkern 100000mu x",
        r"\hspace{100000em}x",
        r"\hspace*{ - 100000 em}x",
        r"\raisebox{100000em}{x}",
        r"a \above 100000em b",
        r"\genfrac(){100000em}{}{a}{b}",
        r"\genfrac{\{}{\}}{100000em}{}{a}{b}",
        r"\begin{matrix}a\\[100000em]b\cr[100000in]c\end{matrix}",
        r"\text{\rule{100000cm}{100000cm}}",
    ],
)
def test_no_size_in_a_formula_is_larger_than_the_page(formula):
    in_dollars, in_brackets = [f"$${formula}$$", f"${formula}$"], [f"\\[{formula}\\]", f"\\({formula}\\)"]
    for written in in_dollars if "\\[" in formula else in_dollars + in_brackets:  # \[ is no part of the latter
        given = bot_markdown(written)
        sizes = [float(number) for number, unit in SIZE.findall(given) if unit in {"em", "mu"}]
        assert sizes
        assert max(sizes) <= MAX_SIZE_EM * 18
        assert "100000" not in given


def test_a_comment_does_not_hide_a_size():
    assert "100000" not in bot_markdown("$$\n\\rule{100%\n000em}{1em}\n$$")
    assert bot_markdown("$$\n\\rule{100%\n000em}{1em}\n$$") == "$$\n\\rule{50em}{1em}\n$$"


def test_many_formulas_together_are_no_higher_than_a_long_message():
    given = bot_markdown("$$\\rule{1em}{50em}$$\n\n" * 1000)
    assert sum(float(number) for number, _ in SIZE.findall(given)) <= 1_000


@pytest.mark.parametrize(
    "formula",
    [
        r"\def\x{100000}\rule{\x em}{1em}",
        r"\newcommand{\x}{xxxxxxxx}\x\x",
        r"\rule{\x}{1em}",
        r"\rule{100000\@firstoftwo{em}{}}{1em}",
        r"\expandafter\kern 1em",
        r"\gdef\a{`}\a",
    ],
)
def test_a_formula_that_defines_macros_is_shown_as_it_is_written(formula):
    assert re.fullmatch(r"(`+) \$(.*)\$ \1", bot_markdown(f"${formula}$"))[2] == formula
    assert formula in bot_markdown(f"$$\n{formula}\n$$")
    (inline,) = MarkdownIt("commonmark").parse(bot_markdown(f"$${formula}$$"))[1].children
    assert (inline.type, inline.content) == ("code_inline", f"$${formula}$$")


@pytest.mark.parametrize(
    "formula",
    [
        r"\rule{10cm}{0.4pt}",
        r"x \hspace{1em} y\\[2pt] z \kern-.5em w \mkern18mu",
        r"\text{a rod of 100000 cm, 50 \% of it} 1000000 em",
        r"\frac{1}{2} \\ [a] \raisebox{-1ex}{x} \definecolor \lettered \left( x \right)",
    ],
)
def test_an_honest_formula_stays_as_it_is(formula):
    assert bot_markdown(f"$${formula}$$") == f"$${formula}$$"


def test_an_image_of_few_bytes_and_many_pixels_is_not_drawn():
    huge = image_of(6000, 6000)
    assert len(huge) < MAX_MARKDOWN_LENGTH
    assert bot_markdown(f"![a]({huge})") == "Image: a"
    large = image_of(3000, 3000)
    assert bot_markdown(f"![a]({large}) ![b]({large})") == f"![a]({large}) Image: b"


def padded(columns: int, rows: int, prefix: str = "") -> str:
    header = ["|a" * columns, "|-" * columns, *["b"] * rows]
    return "\n".join(prefix + line for line in header)


@pytest.mark.parametrize("prefix", ["", "> ", "   "])
def test_a_table_that_grows_when_it_is_drawn_is_noticed(prefix):
    assert has_padded_tables(padded(500, 1000, prefix))
    assert has_padded_tables("\n\n".join([padded(100, 100, prefix)] * 20))


@pytest.mark.parametrize(
    "text",
    [
        padded(60, 10),
        padded(3, 3) + "\n" + "a line\n" * 200,
        ("|a|b|c|\n|-|-|-|\n" + "|1|2|3|\n" * 3000),
        "|a|b|\n" + "|-|-|\n|1|2|\n" * 2000,
        "a - b | c\n" * 5000,
    ],
)
def test_a_table_that_was_written_out_is_drawn(text):
    assert not has_padded_tables(text)


def test_what_turns_the_direction_of_a_line_is_shown():
    assert printable("a\u202eb\u2066c\u2069") == "a\ufffdb\ufffdc\ufffd"
    assert bot_markdown("a\u202eb") == "a\ufffdb"
    assert printable("\u05d0\u200f\u200d") == "\u05d0\u200f\u200d"


SIGNS = ["![", "[", "]", "(", ")", "](", "`", "```", "~~~", "\\", "$", "$$", "!", "> ", "<", ">", '"', "- ", ":", "*"]
PIECES = ["a", " ", "\n", "\n\n", "\\[", "\\]", "https://h.org/x", "[r]: https://h.org\n", PIXEL, "$\\rule{9cm}1em$"]
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
    [
        *("![", "[![a](", "$a", ":a", "\\[", "\\(a", "> ", "~~~\n", "![a]((", "\n[a]: ", " \t", '![a](x "'),
        *("`a``", "`a\n\n", "![[a]", "![ ![x]", "\\", "```a`\n", "~~~\n```\n", "\nh"),
    ],
)
def test_a_text_made_to_be_slow_is_not(hostile):
    # The time limit of every test is far above what it takes.
    bot_markdown(hostile * (MAX_MARKDOWN_LENGTH // len(hostile)))


def test_a_label_is_one_line_shown_as_it_is():
    assert session_label("a\n*b*") == "a \\*b\\*"
    assert session_label("") == "Untitled"
    assert escape("<b> $1") == "\\<b\\> \\$1"
