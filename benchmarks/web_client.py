"""A headless client of the page: it uses Streamlit's protocol on the page's WebSocket and renders nothing.

Like the browser, it keeps the elements of the page, sends the widgets' state with every run, lists the cached large
messages, which aren't sent again, and runs the timers of fragments. Widgets are found by their key.
"""

import asyncio
import time
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple, Self

import httpx2
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.asyncio.client import ClientConnection, connect

TIMEOUT_SECONDS = 120.0
"""Time limit of a run: high, so that the benchmark can exceed the load that the page can handle."""

_FINISHED = ForwardMsg.ScriptFinishedStatus
_KEPT_RUNS = 2  # Streamlit's global.maxCachedMessageAge
_TEXTS = ("markdown", "text", "heading", "alert")


async def _page_cookie(address: str) -> str:
    """Load the page for the cookie that its WebSocket needs; return it as the header `Cookie`."""
    async with httpx2.AsyncClient(trust_env=False, timeout=TIMEOUT_SECONDS) as client:
        await client.get(address)
        return "; ".join(f"{name}={value}" for name, value in client.cookies.items())


class _Shown(NamedTuple):
    run: str
    fragment: str
    key: str
    text: str


class Tab:
    """One open page.

    Attributes:
        query: the query string of the address.
        seen: called with every text that the page shows, as it arrives.
        runs: the number of finished runs, of the page and of fragments.
    """

    def __init__(self, address: str, query: str = "") -> None:
        self.query = query
        self.seen: Callable[[str], None] = lambda _text: None
        self.runs = 0
        self._address = address
        self._states: dict[str, WidgetState] = {}
        self._ids: dict[str, str] = {}
        self._fragments: dict[str, str] = {}
        self._shown: dict[tuple[int, ...], _Shown] = {}
        self._kept: dict[str, tuple[ForwardMsg, int]] = {}
        self._timers: dict[str, tuple[float, asyncio.Task[None]]] = {}
        self._whole = asyncio.Event()
        self._ran = asyncio.Event()
        self._page = self._run = ""

    async def __aenter__(self) -> Self:
        stream = self._address.replace("http", "ws", 1) + "/_stcore/stream"
        self._socket: ClientConnection = await connect(
            stream,
            additional_headers={"Cookie": await _page_cookie(self._address)},
            subprotocols=["streamlit"],
            max_size=None,
            compression=None,
            open_timeout=TIMEOUT_SECONDS,
        )
        self._reader = asyncio.create_task(self._read())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._stop_timers(list(self._timers))
        self._reader.cancel()
        await asyncio.gather(self._reader, return_exceptions=True)
        await self._socket.close()

    @property
    def text(self) -> str:
        """All text of the page, from top to bottom."""
        return "\n".join(shown.text for _, shown in sorted(self._shown.items()))

    def has(self, key: str) -> bool:
        """Return whether the page has a widget with this key."""
        return any(shown.key == key for shown in self._shown.values())

    async def run(self, **changed: Any) -> float:
        """Run the whole page and return its duration in seconds; `changed` is a widget's new state."""
        self._whole.clear()
        start = time.perf_counter()
        await self._send(**changed)
        async with asyncio.timeout(TIMEOUT_SECONDS):
            await self._whole.wait()
        return time.perf_counter() - start

    async def say(self, text: str) -> float:
        """Send a message with the composer."""
        return await self.run(id=self._ids["prompt"], chat_input_value={"data": text})

    async def click(self, key: str) -> float:
        """Click a button whose callback runs the whole page."""
        return await self.run(id=self._ids[key], trigger_value=True)

    async def click_in(self, key: str) -> float:
        """Click a button of a fragment, and return how many seconds it took until a run finished."""
        before, start = self.runs, time.perf_counter()
        await self._send(self._fragments[key], id=self._ids[key], trigger_value=True)
        await self.until(lambda: self.runs > before)
        return time.perf_counter() - start

    async def until(self, reached: Callable[[], bool]) -> None:
        """Wait until a condition is true at the end of a run.

        Raises:
            TimeoutError: the condition didn't become true in time.
        """
        async with asyncio.timeout(TIMEOUT_SECONDS):
            while not reached():
                self._ran.clear()
                await self._ran.wait()

    async def _send(self, fragment: str = "", *, timer: bool = False, **changed: Any) -> None:
        message = BackMsg()
        state = message.rerun_script
        state.query_string, state.page_script_hash = self.query, self._page
        state.fragment_id, state.is_auto_rerun = fragment, timer
        state.cached_message_hashes.extend(self._kept)
        state.widget_states.widgets.extend(self._states.values())
        if changed:
            widget = WidgetState(**changed)
            state.widget_states.widgets.append(widget)
            if widget.WhichOneof("value") not in {"trigger_value", "chat_input_value"}:  # those apply to one run only
                self._states[widget.id] = widget
        await self._socket.send(message.SerializeToString())

    async def _read(self) -> None:
        async for data in self._socket:
            message = ForwardMsg.FromString(data)  # type: ignore[arg-type]
            match message.WhichOneof("type"):
                case "delta" | "ref_hash":
                    self._take(self._whole_of(message))
                case "new_session":
                    self._page = message.new_session.page_script_hash
                    self._run = message.metadata.run.script_run_id
                    if not message.metadata.run.fragment_ids:
                        self._stop_timers(list(self._timers))
                case "page_info_changed":
                    self.query = message.page_info_changed.query_string
                case "auto_rerun":
                    self._start_timer(message.auto_rerun.fragment_id, message.auto_rerun.interval)
                case "stop_auto_rerun":
                    self._stop_timers(message.stop_auto_rerun.fragment_ids)
                case "script_finished":
                    self._finish(message)

    def _whole_of(self, message: ForwardMsg) -> ForwardMsg:
        """Cache a large message, or return the cached one for a message with only its hash."""
        key = message.ref_hash or message.hash
        if message.ref_hash:
            message.delta.CopyFrom(self._kept[key][0].delta)
        if message.ref_hash or message.metadata.cacheable:
            self._kept[key] = message, self.runs
        return message

    def _take(self, message: ForwardMsg) -> None:
        delta, path = message.delta, tuple(message.metadata.delta_path)
        if delta.WhichOneof("type") == "add_block":
            self._shown = {other: shown for other, shown in self._shown.items() if other[: len(path)] != path}
            return
        kind = delta.new_element.WhichOneof("type")
        element = getattr(delta.new_element, kind) if kind else None
        widget = getattr(element, "id", "")
        key = widget.split("-", 2)[-1]  # $$ID-hash-key
        if widget:
            self._ids[key], self._fragments[key] = widget, delta.fragment_id
        self._shown[path] = _Shown(self._run, delta.fragment_id, key, element.body if kind in _TEXTS else "")
        self.seen(self._shown[path].text)

    def _finish(self, message: ForwardMsg) -> None:
        """Remove the elements that the run didn't draw again."""
        fragments = set(message.metadata.run.fragment_ids)
        if message.script_finished == _FINISHED.FINISHED_EARLY_FOR_RERUN:
            return
        self._shown = {
            path: shown
            for path, shown in self._shown.items()
            if shown.run == self._run or (fragments and shown.fragment not in fragments)
        }
        self.runs += 1
        self._kept = {
            key: (kept, run)
            for key, (kept, run) in self._kept.items()
            if self.runs - run <= _KEPT_RUNS or (fragments and kept.delta.fragment_id not in fragments)
        }
        self._ran.set()
        if not fragments:
            self._whole.set()

    def _start_timer(self, fragment: str, interval: float) -> None:
        if fragment in self._timers and self._timers[fragment][0] == interval:
            return
        self._stop_timers([fragment])
        self._timers[fragment] = (interval, asyncio.create_task(self._tick(fragment, interval)))

    async def _tick(self, fragment: str, interval: float) -> None:
        while True:
            await asyncio.sleep(interval)
            await self._send(fragment, timer=True)

    def _stop_timers(self, fragments: Iterable[str]) -> None:
        for fragment in fragments:
            if fragment in self._timers:
                self._timers.pop(fragment)[1].cancel()
