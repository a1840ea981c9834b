"""Rate limits: requests per minute of one user and of one address. The only module that uses `limits`."""

import math
import time

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from botchat.core.errors import TooMany
from botchat.settings import ApiSettings


class RateLimits:
    """Counts requests in this process; with several processes, each has its own counts."""

    def __init__(self, settings: ApiSettings) -> None:
        self._limiter = MovingWindowRateLimiter(MemoryStorage())
        self._user_limit = RateLimitItemPerMinute(settings.requests_per_minute, namespace="user")
        self._address_limit = RateLimitItemPerMinute(settings.requests_per_minute_by_address, namespace="address")

    def count_user(self, user: str) -> None:
        """Count a request of a user.

        Raises:
            TooMany: there were too many in the last minute.
        """
        self._count(self._user_limit, user)

    def count_address(self, address: str) -> None:
        """Count a request from an address.

        Raises:
            TooMany: there were too many in the last minute.
        """
        self._count(self._address_limit, address)

    def _count(self, limit: RateLimitItemPerMinute, key: str) -> None:
        if not self._limiter.hit(limit, key):
            reset_time = self._limiter.get_window_stats(limit, key).reset_time
            seconds = max(1, math.ceil(reset_time - time.time()))
            raise TooMany(f"Rate limit of {limit.amount} requests per minute exceeded", seconds)
