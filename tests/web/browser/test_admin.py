"""The admin page, export and import in Chromium, on a SQLite file and a real MongoDB."""

import pytest
from playwright.sync_api import expect
from support.stores.sessions import stored
from support.web.browser import PATIENCE, chromium_binary

from botchat.core.models import Message

pytestmark = pytest.mark.skipif(chromium_binary() is None, reason="no Chromium here: install it to run these")


def look(visitor, address: str) -> list[str]:
    """Open the admin page, and return what goes wrong in the browser from now on."""
    wrong: list[str] = []
    visitor.page.on("pageerror", lambda error: wrong.append(str(error)))
    visitor.page.goto(f"{address}/?view=admin", timeout=PATIENCE)
    visitor.sees("Usage")
    return wrong


def fill(repository) -> None:
    """Sessions of several users, with all that is counted."""
    for i in range(8):
        session = stored(repository, "ann@example.org" if i % 2 else f"user {i}", name=f"Herons {i}")
        more = {"latency_ms": 900 * (i + 1), "usage": {"prompt_tokens": 1000, "completion_tokens": 200}} | {
            "model": "=1+2"
        }
        answer = Message(role="assistant", content="a secret", **more)
        repository.append(session, answer)
        repository.update_message(session.user, session.id, answer.id, feedback={"rating": "up"})


def test_an_admin_sees_the_charts_and_every_user_on_a_wide_screen_and_on_a_phone(shell, serve, visitor, repository_at):
    fill(repository_at)
    wrong = look(visitor, serve(shell).address)
    for width in (1440, 375):
        visitor.page.set_viewport_size({"width": width, "height": 900})
        drawn = visitor.page.locator("[data-testid=stVegaLiteChart] svg")
        expect(drawn).to_have_count(8)
        expect(drawn.first.locator(".mark-rect path").first).to_be_visible()
        assert visitor.page.evaluate("document.body.scrollWidth") <= width
    expect(visitor.page.locator("[aria-label='Top users: Top: ann@example.org (8)']")).to_have_count(1)
    rows = visitor.page.get_by_test_id("stTable").last.locator("tbody tr")
    expect(rows).to_have_count(5)
    visitor.page.get_by_label("Search", exact=True).fill("user 4")
    visitor.page.get_by_label("Search", exact=True).press("Enter")
    expect(rows).to_have_count(1)
    visitor.page.get_by_text("View data").first.click()
    expect(visitor.page.get_by_test_id("stTable").first).to_be_visible()
    expect(visitor.page.locator(".stMain a[href^='mailto:'], [data-testid=stMain] a[href^='mailto:']")).to_have_count(0)
    assert "secret" not in visitor.page.content()
    assert wrong == []


def test_a_charts_data_are_downloaded_as_csv(local_shell, serve, visitor, local_repository):
    fill(local_repository)
    look(visitor, serve(local_shell).address)
    card = visitor.page.get_by_test_id("stVerticalBlock").filter(has_text="Token usage by model").last
    expect(card.get_by_role("button", name="CSV")).to_be_visible()
    with visitor.page.expect_download(timeout=PATIENCE) as download:
        card.get_by_role("button", name="CSV").click()
    assert download.value.suggested_filename == "token-usage-by-model.csv"
    assert download.value.path().read_text() == "Model,Input (prompt),Output (completion)\n'=1+2,8000,1600\n"


def test_who_is_no_admin_finds_no_such_page(local_shell, serve, visitor):
    local_shell.configure('admins = ["eve"]\n')
    visitor.page.goto(f"{serve(local_shell).address}/?view=admin", timeout=PATIENCE)
    visitor.sees("Page not found.")
    expect(visitor.page.get_by_test_id("stVegaLiteChart")).to_have_count(0)


def test_a_link_downloads_a_session_and_leaves_the_page_where_it_is(shell, serve, visitor, repository_at):
    session = stored(repository_at, name="Grüße")
    visitor.visit(f"{serve(shell).address}/?session={session.id}")
    address = visitor.page.url
    for form in ("md", "html", "json", "jsonl", "csv"):
        with visitor.page.expect_download(timeout=PATIENCE) as download:
            visitor.page.evaluate(f"location.href = 'export?form={form}&session={session.id}'")
        assert download.value.suggested_filename == f"Grüße.{form}"
        assert "message 0" in download.value.path().read_text()
    assert visitor.page.url == address
    visitor.sees("message 0")
