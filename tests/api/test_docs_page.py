"""The page /docs: it works in a browser and loads nothing from other servers."""

import re

import pytest
from playwright.sync_api import expect
from support.api.client import REASONING_REPLY, client_factory
from support.web.browser import PATIENCE, chromium_binary


def test_the_page_names_no_other_server_and_what_it_loads_is_there_for_anybody(store):
    for client_with in client_factory(store):
        client = client_with(*REASONING_REPLY)
        client.headers.pop("Authorization", None)
        page = client.get("/docs")
        assert "//" not in page.text
        assert "default-src 'none'; script-src 'self';" in page.headers["Content-Security-Policy"]
        for address in re.findall(r'(?:src|href)="(docs/[^"]+)"', page.text):
            answer = client.get(f"/{address}")
            assert (answer.status_code, address.rsplit(".")[-1] in {"js", "css"}) == (200, True)
            assert answer.headers["content-type"].startswith(("text/javascript", "text/css", "application/javascript"))
        assert client.get("/docs/favicon.png").status_code == 401


@pytest.mark.skipif(chromium_binary() is None, reason="no Chromium here: install it to run these")
@pytest.mark.parametrize("below", ["/docs", "/api/docs"])
def test_the_page_works_in_a_browser_and_asks_no_other_server(local_shell, serve, start_api, browser, below):
    address = start_api().address if below == "/docs" else serve(local_shell, "--api").address
    context = browser.new_context()
    page, asked, complaints = context.new_page(), [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda line: line.type == "error" and complaints.append(line.text))
    page.goto(f"{address.rstrip('/')}{below}", timeout=PATIENCE)
    expect(page.get_by_text("/session/create").first).to_be_visible(timeout=PATIENCE)
    context.close()
    assert complaints == []
    assert [url for url in asked if not url.startswith((address.rstrip("/"), "data:"))] == []
