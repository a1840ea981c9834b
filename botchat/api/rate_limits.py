"""How much one person, or one address, may ask for in a minute. The only module that knows limits."""

import math
import time

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from botchat.core.errors import TooMany
from botchat.settings import ApiSettings


class RateLimits:
    """Counts requests, in this process: with several of them everybody may ask each for so much."""

    def __init__(self, settings: ApiSettings) -> None:
        self._window = MovingWindowRateLimiter(MemoryStorage())
        self._of_user = RateLimitItemPerMinute(settings.requests_per_minute, namespace="user")
        self._of_address = RateLimitItemPerMinute(settings.requests_per_minute_by_address, namespace="address")

    def count_user(self, user: str) -> None:
        """Count a request of this user.

        Raises:
            TooMany: there were too many in the last minute.
        """
        self._count(self._of_user, user)

    def count_address(self, address: str) -> None:
        """Count a request from this address.

        Raises:
            TooMany: there were too many in the last minute.
        """
        self._count(self._of_address, address)

    def _count(self, limit: RateLimitItemPerMinute, whose: str) -> None:
        if not self._window.hit(limit, whose):
            again = self._window.get_window_stats(limit, whose).reset_time
            seconds = max(1, math.ceil(again - time.time()))
            raise TooMany(f"There were more than {limit.amount} requests in a minute", seconds)
