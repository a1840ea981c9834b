"""The rows of the session list in Chromium: links, the menu of a row, a new name in place, and loading by itself."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect
from support.web.browser import chromium_binary

from botchat.core.models import Message, Session

pytestmark = pytest.mark.skipif(chromium_binary() is None, reason="no Chromium here: install it to run these")

MARKUP = "<img src=x onerror=\"document.title='run'\"> **b** & $x$"


def begun(repository, *names: str) -> list[Session]:
    made = []
    for name in names:
        made.append(Session(user="ann", bot_id="demo"))
        repository.append(made[-1], Message(role="user", content=name))
    return made


def open_menu(visitor, name: str) -> None:
    row = visitor.page.locator(".botchat-row").filter(has_text=name)
    row.hover()
    row.get_by_role("button", name="Options").click()


def stored_name(repository, session: Session) -> str:
    return repository.get("ann", session.id).name


def test_a_row_is_a_link_that_opens_in_place_or_in_a_tab_of_its_own(local_shell, serve, visitor, local_repository):
    _, other = begun(local_repository, "herons", MARKUP)
    visitor.visit(serve(local_shell).address)
    visitor.page.evaluate("window.notReloaded = true")
    row = visitor.page.locator(f'[data-id="{other.id}"] a')
    expect(row).to_have_text(local_repository.get("ann", other.id).name)
    assert "<img" in row.text_content()
    row.click()
    expect(row).to_have_attribute("aria-current", "page")
    expect(visitor.messages.filter(has_text="onerror")).to_be_visible()
    assert visitor.page.evaluate("window.notReloaded")
    with visitor.page.context.expect_page() as opened:
        visitor.page.get_by_role("link", name="herons").click(modifiers=["ControlOrMeta"])
    expect(opened.value).to_have_title("herons · botchat")
    expect(row).to_have_attribute("aria-current", "page")


def test_a_row_is_renamed_in_place_and_escape_keeps_the_name(local_shell, serve, visitor, local_repository):
    heron, fish = begun(local_repository, "herons", "fish")
    visitor.visit(f"{serve(local_shell).address}/?session={fish.id}")
    expect(visitor.messages.filter(has_text="fish")).to_be_visible()
    open_menu(visitor, "herons")
    visitor.page.get_by_role("menuitem", name="Rename").click()
    field = visitor.page.get_by_label("New name")
    expect(field).to_be_focused()
    expect(field).to_have_value("herons")
    field.fill("storks")
    field.press("Escape")
    expect(field).to_have_count(0)
    visitor.page.get_by_role("link", name="herons").press("F2")
    field.fill("<b>cranes</b>")
    field.press("Enter")
    expect(visitor.list).to_have_text(["fish", "<b>cranes</b>"])
    assert stored_name(local_repository, heron) == "<b>cranes</b>"
    assert stored_name(local_repository, fish) == "fish"
    expect(visitor.page).to_have_title("fish · botchat")


def test_the_menu_of_a_row_pins_archives_and_deletes_another_chat_than_the_open_one(
    local_shell, serve, visitor, local_repository
):
    first, second, third = begun(local_repository, "same", "same", "open")
    visitor.visit(f"{serve(local_shell).address}/?session={third.id}")
    expect(visitor.list).to_have_count(3)

    def choose(session: Session, option: str) -> None:
        row = visitor.page.locator(f'[data-id="{session.id}"]')
        row.hover()
        row.get_by_role("button", name="Options").click()
        visitor.page.get_by_role("menuitem", name=option, exact=True).click()

    choose(first, "Pin")
    expect(visitor.page.get_by_role("heading", name="Pinned")).to_be_visible()
    assert local_repository.get("ann", first.id).pinned
    choose(second, "Delete")
    expect(visitor.list).to_have_text(["same", "open"])
    assert local_repository.get("ann", second.id).state == "trash"
    visitor.click("Undo")
    expect(visitor.list).to_have_count(3)
    assert local_repository.get("ann", second.id).state == "active"
    choose(second, "Export")
    expect(visitor.page.get_by_role("dialog")).to_be_visible()
    expect(visitor.page).to_have_title("open · botchat")


def test_the_list_is_used_with_keys_and_has_no_violations(local_shell, serve, visitor, local_repository):
    begun(local_repository, "one", "two")
    visitor.visit(serve(local_shell).address)
    expect(visitor.list).to_have_count(2)
    visitor.list.first.focus()
    visitor.page.keyboard.press("ArrowDown")
    expect(visitor.list.last).to_be_focused()
    visitor.page.keyboard.press("Tab")
    visitor.page.keyboard.press("Enter")
    expect(visitor.page.get_by_role("menuitem", name="Rename")).to_be_focused()
    visitor.page.keyboard.press("ArrowUp")
    expect(visitor.page.get_by_role("menuitem", name="Delete")).to_be_focused()
    results = Axe().run(visitor.page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]})
    assert results.violations_count == 0, results.generate_report()
    visitor.page.keyboard.press("Escape")
    expect(visitor.page.get_by_role("menu")).to_have_count(0)
    expect(visitor.page.locator(".botchat-row").last.get_by_role("button")).to_be_focused()


def test_more_is_loaded_near_the_end_and_the_foot_stays(local_shell, serve, visitor, local_repository):
    begun(local_repository, *(f"number {i}" for i in range(60)))
    visitor.visit(serve(local_shell).address)
    expect(visitor.list).to_have_count(50)
    expect(visitor.page.get_by_role("button", name="Settings")).to_be_in_viewport()
    visitor.list.last.scroll_into_view_if_needed()
    visitor.page.get_by_test_id("stSidebarContent").hover()
    visitor.page.mouse.wheel(0, 10_000)
    expect(visitor.list).to_have_count(60)
    expect(visitor.page.get_by_role("button", name="Settings")).to_be_in_viewport()
