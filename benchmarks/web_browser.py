"""Typing and scrolling on the page in Chromium while a long reply streams, compared with an idle page."""

import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import sample
from measure import Row
from web_server import botchat_web, stub_bot

from botchat.bootstrap import build_repository

sys.path.append(str(Path(__file__).resolve().parent.parent / "tests"))

_ABOVE = 50
_PIECES, _PER_SECOND = 4_000, 50
_KEYS = 60
_SCROLLS = 60

# Measures from a key to its paint: the first task after the next frame runs after painting.
_WATCH = """() => {
  window.keys = []; window.frames = [];
  document.querySelector('textarea').addEventListener('keydown', event => requestAnimationFrame(() => {
    const painted = new MessageChannel();
    painted.port1.onmessage = () => window.keys.push(performance.now() - event.timeStamp);
    painted.port2.postMessage(0);
  }));
  let last = performance.now();
  const frame = now => { window.frames.push(now - last); last = now; requestAnimationFrame(frame); };
  requestAnimationFrame(frame);
}"""


def rows(folder: Path) -> Iterator[Row]:
    from support.web.browser import chromium

    store = str(folder / "browser.db")
    with closing(build_repository(store)) as repository:
        repository.prepare()
        session = sample.new_session(_ABOVE, user=sample.USER)
        repository.save(session)
    with (
        stub_bot(_PIECES, _PER_SECOND) as base_url,
        botchat_web(folder, store, sample.USER, base_url) as server,
        chromium() as browser,
    ):
        page = browser.new_page(viewport={"width": 1200, "height": 800})
        page.goto(f"{server.address}/?session={session.id}")
        page.get_by_test_id("stChatMessage").last.wait_for()
        page.locator("textarea").wait_for()
        page.evaluate(_WATCH)
        still = _used(page)
        page.locator("textarea").fill("Continue")
        page.keyboard.press("Enter")
        page.get_by_text("piece 100").wait_for()
        streaming = _used(page)
    what = f"page in Chromium, reply of {_PER_SECOND} chunks per second"
    for name, floor, ours in zip(("key latency, p95", "longest frame while scrolling"), still, streaming, strict=True):
        yield Row(f"{what}: {name}", f"{ours:.0f} ms", f"{floor:.0f} ms", f"{ours - floor:+.0f} ms")


def _used(page: Any) -> tuple[float, float]:
    """Type and scroll; return the p95 latency of a key and the longest frame, both in milliseconds."""
    page.locator("textarea").click()
    page.evaluate("window.keys = []")
    for _ in range(_KEYS):
        page.keyboard.press("x")
        page.wait_for_timeout(50)
    keys = sorted(page.evaluate("window.keys"))
    page.mouse.move(600, 300)
    page.evaluate("window.frames = []")
    for i in range(_SCROLLS):
        page.mouse.wheel(0, -120 if i < _SCROLLS // 2 else 120)
        page.wait_for_timeout(16)
    frames = page.evaluate("window.frames")
    return keys[int(len(keys) * 0.95)], max(frames)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="botchat-web-") as place:
        for row in rows(Path(place)):
            print("| " + " | ".join(row.cells) + " |", flush=True)
