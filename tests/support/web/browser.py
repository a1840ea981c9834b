"""The real page in a real browser: a server in its own process, and Chromium driven by Playwright."""

import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import httpx2
from playwright.sync_api import Browser, Page, expect, sync_playwright
from support.paths import ROOT, TESTS
from support.shell import Shell

PATIENCE = 30_000
"""Timeout in milliseconds of every step: machines are shared."""

expect.set_options(timeout=PATIENCE)


WIDE = {"width": 1440, "height": 900}
PHONE = {"width": 375, "height": 800}


def chromium_binary() -> str | None:
    names = ("chromium", "chromium-browser", "google-chrome")
    found = next(filter(None, map(shutil.which, names)), None)
    return found or ("/usr/bin/chromium" if Path("/usr/bin/chromium").exists() else None)


def options() -> list[str]:
    quiet = [
        "--disable-dev-shm-usage",
        "--disable-gpu",
        "--disable-background-networking",
        "--disable-component-update",
    ]
    return [*quiet, "--no-sandbox"] if os.geteuid() == 0 else quiet


@contextmanager
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_binary(), args=options())
        yield browser
        browser.close()


def kill(browser: Browser) -> None:
    """Kill a Chromium as the out-of-memory killer would."""
    processes = browser.new_browser_cdp_session().send("SystemInfo.getProcessInfo")["processInfo"]
    os.kill(next(process["id"] for process in processes if process["type"] == "browser"), signal.SIGKILL)


def page_cookie(address: str, source: str = "127.0.0.1") -> str:
    """Load a page from `source`, an address of this machine; return its cookies as the header `Cookie`."""
    with httpx2.Client(transport=httpx2.HTTPTransport(local_address=source)) as client:
        client.get(address)
        return "; ".join(f"{name}={value}" for name, value in client.cookies.items())


class Site:
    """A `botchat web` process."""

    def __init__(self, shell: Shell, *options: str) -> None:
        self._shell = shell
        self._options = options
        self._process: subprocess.Popen[bytes] | None = None
        self.address = ""

    def start(self, port: int = 0, stderr: int | IO[bytes] = subprocess.DEVNULL) -> None:
        self._process = self._shell.start("web", "--port", str(port), *self._options, stderr=stderr)
        assert self._process.stdout is not None
        self.line = self._process.stdout.readline().decode()
        self.address = self.line.split()[1]

    @property
    def port(self) -> int:
        return int(self.address.rsplit(":", 1)[1])

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        assert self._process is not None
        if self._process.poll() is None:
            os.kill(self._process.pid, number)
        code = self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()
        return code


class Visitor:
    """A user of the page in a browser."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def visit(self, address: str) -> None:
        self.page.goto(address, timeout=PATIENCE)
        expect(self.line).to_be_visible()
        expect(self.page.locator(".botchat-said")).to_be_attached()  # the script runs

    @property
    def line(self):
        return self.page.get_by_placeholder("Message botchat…")

    @property
    def messages(self):
        return self.page.get_by_test_id("stChatMessage")

    @property
    def list(self):
        return self.page.locator(".botchat-row a")

    def say(self, text: str) -> None:
        self.line.fill(text)
        self.line.press("Enter")

    def click(self, name: str) -> None:
        self.page.get_by_role("button", name=name).first.click(timeout=PATIENCE)

    def pick(self, menu: str, option: str) -> None:
        """Choose an option of the last menu with that name."""
        self.page.get_by_role("button", name=menu, exact=True).last.click(timeout=PATIENCE)
        self.page.get_by_role("menuitem", name=option, exact=True).click(timeout=PATIENCE)

    def rests(self) -> None:
        """Wait until the page has finished its run."""
        expect(self.page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning")

    def is_at_the_end(self) -> None:
        """Wait until the page has scrolled to the last message, as it does when a chat is opened."""
        self.rests()
        self.page.wait_for_function(
            """() => {
              const it = document.querySelector('[data-testid=stAppScrollToBottomContainer]').parentElement;
              const isAtEnd = Math.abs(it.scrollHeight - it.clientHeight - it.scrollTop) < 2;
              const before = window.endSince;
              window.endSince = isAtEnd ? (before ?? performance.now()) : undefined;
              return isAtEnd && performance.now() - window.endSince > 300;
            }"""
        )

    def sees(self, text: str) -> None:
        expect(self.page.get_by_text(text).first).to_be_visible()


@contextmanager
def served_parts() -> Iterator[str]:
    """Serve the page of `look_page.py`; yield its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), str(TESTS)])}
    process = subprocess.Popen([sys.executable, Path(__file__).with_name("look_page.py"), str(port)], env=environment)
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            break
        except ConnectionRefusedError:
            assert process.poll() is None
    yield f"http://127.0.0.1:{port}"
    process.send_signal(signal.SIGTERM)
    process.wait()
