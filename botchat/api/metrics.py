"""Prometheus metrics. The only module that uses prometheus-client."""

import time

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from botchat.core.chat import Reply

_BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)


class Metrics:
    """The metrics of one process, in their own registry. Labels are routes and bots, never users or text."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "botchat_requests", "Completed requests.", ("method", "route", "status"), registry=self._registry
        )
        self._seconds = Histogram(
            "botchat_request_seconds",
            "Seconds until the first byte of the response.",
            ("method", "route"),
            buckets=_BUCKETS,
            registry=self._registry,
        )
        self.replies_in_flight = Gauge("botchat_replies_in_flight", "Replies in progress.", registry=self._registry)
        self._replies = Counter(
            "botchat_replies", "Ended replies, by status.", ("bot", "status"), registry=self._registry
        )
        self._first_token = Histogram(
            "botchat_first_token_seconds",
            "Seconds to first token.",
            ("bot",),
            buckets=_BUCKETS,
            registry=self._registry,
        )
        self._tokens = Counter(
            "botchat_tokens", "Tokens, as counted by the bots' servers.", ("bot", "kind"), registry=self._registry
        )
        self._save_failures = Counter(
            "botchat_save_failures", "Replies that couldn't be saved when they ended.", registry=self._registry
        )

    def text(self) -> bytes:
        """Return all metrics in the Prometheus text format."""
        return generate_latest(self._registry)

    def record_response(self, method: str, route: str, status: int, seconds: float) -> None:
        """Record a response and the seconds until its first byte."""
        self._requests.labels(method, route, str(status)).inc()
        self._seconds.labels(method, route).observe(seconds)

    def count_save_failure(self) -> None:
        """Count a reply that couldn't be stored."""
        self._save_failures.inc()

    def record_reply(self, bot_id: str, reply: Reply) -> None:
        """Record a completed reply, with its token usage and time to first token."""
        message = reply.message
        self._replies.labels(bot_id, message.status or "complete").inc()
        if message.first_token_ms is not None:
            self._first_token.labels(bot_id).observe(message.first_token_ms / 1000)
        for kind in ("prompt_tokens", "completion_tokens"):
            if tokens := (message.usage or {}).get(kind):
                self._tokens.labels(bot_id, kind.removesuffix("_tokens")).inc(tokens)


class MetricsMiddleware:
    """Records every response by its route."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        start = time.perf_counter()

        async def timed_send(message: Message) -> None:
            if message["type"] == "http.response.start":
                route = getattr(
                    scope.get("route"), "path", "none"
                )  # the pattern: a path with IDs would be a label of its own
                method = scope["method"] if route != "none" else "any"
                self._metrics.record_response(method, route, message["status"], time.perf_counter() - start)
            await send(message)

        await self._app(scope, receive, timed_send)
