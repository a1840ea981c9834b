"""Take the screenshots in docs/images: `python docs/scripts/web_pictures.py`, with Chromium and the dev extra."""

import shutil
import sys
import tempfile
from datetime import timedelta
from pathlib import Path

_DOCS = Path(__file__).resolve().parents[1]
sys.path.append(str(_DOCS.parent / "tests"))

from playwright.sync_api import Browser, expect  # noqa: E402
from support.shell import Shell  # noqa: E402
from support.web.browser import Site, Visitor, chromium  # noqa: E402

from botchat.core.models import (  # noqa: E402
    Feedback,
    Message,
    Session,
    now,
)
from botchat.core.storage.sqlite.repository import SqliteRepository  # noqa: E402

_TIMEOUT = 120_000  # ms, for a busy machine
_WIDE, _PHONE = {"width": 1440, "height": 900}, {"width": 375, "height": 800}
_TAKEN = {
    ("chat", "wide", "light"),
    ("chat", "wide", "dark"),
    ("chat", "phone", "light"),
    ("chat", "phone", "dark"),
    ("new", "phone", "light"),
    ("new", "wide", "light"),
    ("settings", "wide", "light"),
    ("admin", "wide", "light"),
    ("admin", "wide", "dark"),
}
_SHOWN = {
    "chat": "[data-testid=stCode]",
    "new": "[data-testid=stChatInputTextArea]",
    "settings": "text=Storage",
    "admin": "[data-testid=stVegaLiteChart] :is(canvas, svg)",
}
_SAID = [
    ("Grey herons of the lake", 0),
    ("A recipe for lentil soup", 0),
    ("Why is the sky blue?", 1),
    ("Tides, explained to a child", 3),
    ("A name for a grey cat", 20),
    ("Packing list for a week in Lisbon", 45),
]
_QUESTION = "How long does a heron wait, and how deep may the water be?"
_ANSWER = """\
A grey heron may stand still for **half an hour** before it strikes. It fishes where it can stand:

| where | depth |
|---|---|
| reeds | 10 to 20 cm |
| open shore | up to 40 cm |

With a wait of $t$ minutes and a chance $p$ a minute, it has caught something with probability $1 - (1 - p)^t$:

```python
def caught(p: float, minutes: int) -> float:
    return 1 - (1 - p) ** minutes
```"""


def main() -> None:
    folder = Path(tempfile.gettempdir(), "botchat")  # the name is visible in the settings
    folder.mkdir()
    try:
        opened = _fill(folder / "botchat.db")
        site = Site(Shell(folder, str(folder / "botchat.db")))
        site.start()
        try:
            with chromium() as browser:
                _take(browser, site.address, opened)
        finally:
            site.stop()
    finally:
        shutil.rmtree(folder)


def _fill(path: Path) -> str:
    repository = SqliteRepository(path)
    repository.prepare()
    for words, days in _SAID[::-1]:
        session = Session(user="ann", bot_id="demo", create_time=now() - timedelta(days=days))
        repository.append(session, Message(role="user", content=words, create_time=session.create_time))
    first = session
    repository.append(
        first, Message(role="assistant", content="They wait at the shore, and wait.", model="heron-1", latency_ms=900)
    )
    repository.append(first, Message(role="user", content=_QUESTION))
    feedback = dict(Feedback(rating="up", time=now()))
    answer = Message(role="assistant", content=_ANSWER, reasoning_content="Reeds first, then the open shore.")
    answer.reasoning_ms, answer.latency_ms, answer.first_token_ms, answer.model = 2400, 5200, 400, "heron-1"
    answer.usage, answer.feedback = {"prompt_tokens": 212, "completion_tokens": 164}, feedback
    repository.append(first, answer)
    repository.update("ann", repository.page("ann").sessions[3].id, pinned=True)
    repository.close()
    return first.id


def _take(browser: Browser, address: str, opened: str) -> None:
    views = {"chat": f"?session={opened}", "new": "", "settings": "?view=settings", "admin": "?view=admin"}
    for scheme in ("light", "dark"):
        for size, viewport in (("wide", _WIDE), ("phone", _PHONE)):
            context = browser.new_context(viewport=viewport, color_scheme=scheme)
            visitor = Visitor(context.new_page())
            visitor.page.set_default_timeout(_TIMEOUT)
            for view, place in views.items():
                visitor.page.goto(f"{address}/{place}")
                visitor.page.wait_for_load_state("networkidle")
                expect(visitor.page.locator(_SHOWN[view]).last).to_be_visible()
                expect(visitor.page.get_by_test_id("stSkeleton")).to_have_count(0)
                visitor.page.wait_for_timeout(2000)  # charts and fonts are drawn after the page
                if view == "chat":
                    visitor.messages.last.hover()
                    visitor.page.wait_for_timeout(500)  # the actions fade in
                if (view, size, scheme) in _TAKEN:
                    visitor.page.screenshot(path=_DOCS / "images" / f"web-{view}-{size}-{scheme}.png")
            context.close()


if __name__ == "__main__":
    main()
