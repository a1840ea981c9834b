"""Bots' messages run and load nothing, and the page is accessible, in Chromium."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect
from support.bots.stub_server import streamed
from support.web.browser import PATIENCE, PHONE, WIDE, chromium_binary
from support.web.look_page import LONG

pytestmark = pytest.mark.skipif(chromium_binary() is None, reason="no Chromium here: install it to run these")

# Streamlit's own index page has this one script; the page works without it.
_KNOWN_VIOLATION = "sha256-THxz9J9+wf7rhwR2YkXJoSZ13UCmYyC+3lNDv2+8ugA="


@pytest.fixture
def page_address(local_shell, serve):
    """The page itself, on an empty store."""
    return serve(local_shell).address


# What bots write


def test_an_image_from_elsewhere_is_asked_for_when_its_link_is_followed_not_before(local_shell, serve, visit, stub_for):
    server = stub_for(local_shell, lambda _request: streamed([picture]))
    picture = f"![a cat]({server.url}/pixel?q=1) [![in a link]({server.url}/badge)](https://example.invalid)\n\nThe end"
    visitor = visit(serve(local_shell).address)
    visitor.say("Show me")
    visitor.sees("The end")
    visitor.sees("Image: in a link (127.0.0.1)")
    assert {request.path for request in server.requests} <= {"/v1/chat/completions", "/v1/models"}
    with visitor.page.context.expect_page() as opened:
        visitor.page.get_by_role("link", name="Image: a cat (127.0.0.1)").click()
    opened.value.wait_for_load_state()
    followed = next(r.path for r in server.requests if r.method == "GET" and r.path != "/v1/models")
    assert followed == "/v1/pixel?q=1"


@pytest.mark.parametrize(
    "evil",
    [
        "<script>document.title='run'</script>",
        "<img src=x onerror=\"document.title='run'\">",
        "[click](javascript:document.title='run') <a href=\"javascript:document.title='run'\">x</a>",
        "<iframe src='https://example.invalid/frame'></iframe><object data='https://example.invalid/'></object>",
        "![x](https://example.invalid/x.png) ![x][r]\n\n[r]: https://example.invalid/r.png",
        "![x](data:image/svg+xml,<svg onload=alert(1)>)",
        "```html\n<script>document.title='run'</script>",
        "| " + " | ".join(f"column {i}" for i in range(60)) + " |\n" + "|-" * 60 + "|\n" + "| cell " * 60 + "|",
        "# " * 3000 + "deep",
        "> " * 300 + "deep",
    ],
    ids=["script", "onerror", "javascript", "frame", "image", "svg", "half a fence", "table", "headings", "quotes"],
)
def test_what_a_bot_writes_is_never_run_and_stays_in_its_place(local_shell, serve, visit, stub_for, evil):
    stub_for(local_shell, lambda _request: streamed([evil]))
    visitor = visit(serve(local_shell).address)
    visitor.say("Go")
    expect(visitor.messages).to_have_count(2)
    expect(visitor.page.get_by_role("button", name="Stop")).to_have_count(0)
    assert visitor.page.title() == "Go · botchat"
    assert visitor.page.locator("[data-testid=stChatMessage] :is(script, iframe, object, svg[onload])").count() == 0
    assert visitor.page.locator("[href^='javascript']").count() == 0
    assert visitor.page.evaluate("document.querySelector('.stMain').scrollWidth <= innerWidth")


@pytest.mark.parametrize(
    ("evil", "drawn"),
    [
        ("$$\\rule{100000em}{100000em}$$", ".katex .rule"),
        ("so $\\rule{100000em}{100000em}$ is", ".katex .rule"),
        ("so\n        ```\n$\\rule{100000em}{100000em}$ and\n$$\n\\rule{100000em}{100000em}\n$$", ".katex .rule"),
        (
            '```mermaid\n%%{init: {"flowchart": {"rankSpacing": 900000}}}%%\ngraph TD\nA-->B-->C\n```',
            "img[src^='blob:']",
        ),
        ("|a" * 3000 + "\n" + "|-" * 3000 + "\n" + "b\n" * 3000, "pre, table"),
    ],
    ids=["formula", "formula in a line", "formula after what is no code", "diagram", "padded table"],
)
def test_what_a_bot_draws_is_never_larger_than_a_long_message(local_shell, serve, visit, stub_for, evil, drawn):
    stub_for(local_shell, lambda _request: streamed([evil]))
    visitor = visit(serve(local_shell).address)
    visitor.say("Go")
    expect(visitor.messages.nth(1).locator(drawn).first).to_be_attached()
    expect(visitor.page.get_by_role("button", name="Stop")).to_have_count(0)
    page = "document.querySelector('.stMain')"
    assert visitor.page.evaluate(f"{page}.scrollWidth <= innerWidth")
    assert visitor.page.evaluate(f"{page}.scrollHeight") < 60_000
    assert visitor.page.evaluate("document.querySelectorAll('*').length") < 20_000


def test_a_message_of_1_mb_is_read_part_by_part(parts, visit):
    visitor = visit(parts)
    visitor.sees("1,048,576 characters (shown as plain text)")
    box = visitor.page.locator(".st-key-long-long")
    assert len(box.inner_text()) <= 40_000
    visitor.page.get_by_role("button", name="27").click()
    expect(box).to_contain_text(LONG[-16:-1])


# Everybody can use it


@pytest.mark.parametrize("viewport", [WIDE, PHONE], ids=["wide", "phone"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_serious_is_found_by_axe(parts, page_address, visit, scheme, viewport):
    for where in (parts, page_address):
        visitor = visit(where, viewport, color_scheme=scheme)
        found = Axe().run(visitor.page)
        serious = [it for it in found.response["violations"] if it["impact"] in {"serious", "critical"}]
        assert [(it["id"], [node["html"][:200] for node in it["nodes"]]) for it in serious] == []


def test_no_width_makes_the_page_scroll_sideways(parts, visit):
    for width in (320, 375, 768, 1440):
        visitor = visit(parts, {"width": width, "height": 800})
        visitor.page.wait_for_load_state("networkidle", timeout=PATIENCE)
        assert visitor.page.evaluate("document.querySelector('.stMain').scrollWidth <= innerWidth"), width
