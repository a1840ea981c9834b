"""Answers in Chromium: Markdown of all kinds without faults of axe, notices in sight, and replies that broke off."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect
from support.bots.stub_server import Answer, chunk, streamed
from support.web.browser import PHONE, WIDE, chromium_binary

from botchat.core.models import Message, Session

pytestmark = pytest.mark.skipif(chromium_binary() is None, reason="no Chromium here: install it to run these")

_LONG_LINE = "x = " + " + ".join(f"number_{i}" for i in range(60))
_SUM = " + ".join(f"x_{{{i}}}" for i in range(60))
_EVERYTHING = rf"""# A heading

~5 to ~10 of ~~6~~, `code`, [a link](https://example.org).

> A quote with *emphasis*.

| a | b |
|-|-|
| one<br>two | {"wide " * 60} |

- [ ] to do
- [x] done

```python
# a comment
@decorator
def f(n: int = 1, *, b=True) -> str:
    return f"text {{n}}" + 'x' if n > 2.5 else None
{_LONG_LINE}
```

```html
<a href="x">text &amp;</a>
```

```diff
- old
+ new
```

```json
{{"key": [1, true, null, "text"]}}
```

```css
.a:hover {{ color: #fff !important; background: url("x.png"); }}
```

Formula: \(a^2 + b^2\) and

$$
{_SUM}
$$
"""


@pytest.fixture
def everything(local_repository):
    """A chat whose answer has all that Markdown can show."""
    session = Session(user="ann", bot_id="demo")
    local_repository.append(session, Message(role="user", content="Show everything"))
    answer = Message(role="assistant", content=_EVERYTHING, reasoning_content="Let me see.")
    local_repository.append(session, answer)
    return session


@pytest.mark.parametrize("viewport", [WIDE, PHONE], ids=["wide", "phone"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_on_an_answer_with_everything(everything, local_shell, serve, visit, scheme, viewport):
    visitor = visit(f"{serve(local_shell).address}/?session={everything.id}", viewport, color_scheme=scheme)
    expect(visitor.messages.last.locator(".katex").last).to_be_attached()
    expect(visitor.page.locator("code .token.keyword").first).to_be_attached()
    visitor.rests()
    found = Axe().run(visitor.page, '[data-testid="stMainBlockContainer"]')
    assert [(it["id"], [node["html"][:200] for node in it["nodes"]]) for it in found.response["violations"]] == []


def test_a_break_in_a_cell_breaks_the_line_and_single_tildes_are_text(everything, local_shell, serve, visit):
    visitor = visit(f"{serve(local_shell).address}/?session={everything.id}")
    visitor.sees("~5 to ~10 of")
    assert visitor.messages.last.locator("del").all_inner_texts() == ["6"]
    assert visitor.messages.last.locator("td").first.inner_text() == "one\ntwo"


def test_code_that_scrolls_sideways_is_reached_by_keys(everything, local_shell, serve, visit):
    visitor = visit(f"{serve(local_shell).address}/?session={everything.id}")
    code = visitor.page.locator("pre", has_text="number_59")
    expect(code).to_have_attribute("tabindex", "0")


def test_a_reply_that_broke_off_is_asked_for_again_and_both_are_kept(
    local_shell, serve, visit, stub_for, local_repository
):
    stub_for(local_shell, [Answer(steps=[chunk("The first half")]), streamed(["The whole."])])
    visitor = visit(serve(local_shell).address)
    visitor.say("Go")
    visitor.sees("The first half")
    visitor.click("Try again")
    visitor.sees("The whole.")
    visitor.sees("2/2")
    expect(visitor.page.get_by_role("button", name="Try again")).to_have_count(0)
    (session,) = local_repository.page("ann").sessions
    contents = [message.content for message in local_repository.get("ann", session.id).messages]
    assert contents == ["Go", "The first half", "The whole."]


def test_another_model_answers_once_and_both_replies_are_versions(
    local_shell, serve, visit, stub_for, local_repository
):
    bot = stub_for(local_shell, [streamed(["The small one."]), streamed(["The large one."])])
    visitor = visit(serve(local_shell).address)
    visitor.say("Go")
    visitor.sees("The small one.")
    expect(visitor.page.get_by_role("button", name="Regenerate", exact=True)).to_be_visible()
    visitor.rests()
    visitor.pick("More", "Regenerate with another model…")
    dialog = visitor.page.get_by_role("dialog")
    dialog.get_by_label("Model").fill("large-1")
    dialog.get_by_label("Model").press("Tab")
    dialog.get_by_role("button", name="Regenerate", exact=True).click()
    visitor.sees("The large one.")
    visitor.sees("2/2")
    (session,) = local_repository.page("ann").sessions
    kept = local_repository.get("ann", session.id)
    assert [message.content for message in kept.messages] == ["Go", "The small one.", "The large one."]
    assert kept.messages[2].parent == kept.messages[0].id
    assert kept.bot_model is None
    assert [request.body["model"] for request in bot.requests if request.body] == ["stub-1", "large-1"]
