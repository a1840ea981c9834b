"""Password sign-in, with limits on wrong passwords that don't lock out the rightful user. Limits are per process.

The rules are those of OWASP's "Slow Down Online Guessing Attacks with Device Cookies"
(https://owasp.org/www-community/Slow_Down_Online_Guessing_Attacks_with_Device_Cookies): wrong passwords from
unknown devices don't count against the devices that the user has signed in from. Two rules differ: a known device is
slowed down instead of locked, and an unknown one is also counted by address and user together.
"""

import asyncio
import math
import threading
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import NamedTuple

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from botchat.core.auth import DEVICE_LIFETIME, AuthService, Devices, IssuedSignIn, hash_secret
from botchat.core.errors import NotSignedIn, TooMany
from botchat.settings import LimitSettings

DEVICE_COOKIE = "botchat_device"

_MINUTE = 60.0
_MAX_KEYS = 20_000


class SignInSource(NamedTuple):
    """The client that submits a password.

    Attributes:
        address: its `rate_limit_key`.
        device: the token in its device cookie; "" without one.
        is_signed_in: whether this user is currently signed in there.
    """

    address: str
    device: str = ""
    is_signed_in: bool = False


class SignInLimiter:
    """Counts and limits the wrong passwords of the last minute; correct ones don't count."""

    def __init__(self, limits: LimitSettings | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._limits = limits or LimitSettings()
        self._clock = clock
        self._times: dict[str, deque[float]] = {}
        self._lock = threading.Lock()

    @contextmanager
    def attempt_from_unknown_device(self, user: str, address: str) -> Iterator[float]:
        """Count an attempt from an unknown device if the block raises NotSignedIn; yield a delay of 0 seconds.

        Raises:
            TooMany: too many wrong passwords for the user, from the address, or for both together.
        """
        limits = {
            _key("both", address, user): self._limits.wrong_passwords,
            _key("address", address): self._limits.wrong_passwords_by_address,
            _key("user", user): self._limits.wrong_passwords_by_user,
        }
        with self._lock:
            at = self._clock()
            for key, limit in limits.items():
                times = self._recent_attempts(key, at)
                if len(times) >= limit:
                    raise TooMany("Too many attempts", _whole_seconds(times[0] + _MINUTE - at))
            for key in limits:
                self._times[key].append(at)
        with self._uncounted_unless_wrong(at, *limits):
            yield 0.0

    @contextmanager
    def attempt_from_known_device(self, user: str, device: str) -> Iterator[float]:
        """Count an attempt from a known device in the same way; yield the delay in seconds.

        Raises:
            TooMany: another attempt is already waiting.
        """
        key, limit = _key("device", user, device), self._limits.wrong_passwords
        pause = _MINUTE / limit
        with self._lock:
            at = self._clock()
            times = self._recent_attempts(key, at)
            start = max(at, times[-1] + pause) if len(times) >= limit else at
            if start - at > pause:
                raise TooMany("Another sign-in attempt is in progress on this device", _whole_seconds(times[-1] - at))
            times.append(start)
        with self._uncounted_unless_wrong(start, key):
            yield start - at

    @contextmanager
    def _uncounted_unless_wrong(self, at: float, *keys: str) -> Iterator[None]:
        is_wrong = False
        try:
            yield
        except NotSignedIn:
            is_wrong = True
            raise
        finally:
            with self._lock:
                for key in () if is_wrong else keys:
                    if at in self._times.get(key, ()):
                        self._times[key].remove(at)

    def _recent_attempts(self, key: str, at: float) -> deque[float]:
        """Return the times of the counted attempts for a key in the last minute."""
        if len(self._times) > _MAX_KEYS:
            self._times = {known: times for known, times in self._times.items() if times and times[-1] > at - _MINUTE}
        times = self._times.setdefault(key, deque())
        while times and times[0] <= at - _MINUTE:
            times.popleft()
        return times


class PasswordSignIn:
    """Signs users in with a password, for the page and the API."""

    def __init__(
        self,
        access: AuthService,
        devices: Devices,
        limiter: SignInLimiter | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._access = access
        self._devices = devices
        self._limiter = limiter or SignInLimiter()
        self._sleep = sleep

    async def sign_in(self, user: str, password: str, source: SignInSource) -> tuple[IssuedSignIn, str]:
        """Return the sign-in and the token for the device cookie.

        Raises:
            NotSignedIn: the password is wrong.
            TooMany: there were too many wrong passwords.
            StoreError: the store is unreachable.
        """
        with await run_in_threadpool(self._counted_attempt, user, source) as seconds:
            if seconds:
                await self._sleep(seconds)
            return await run_in_threadpool(self._check_and_sign_in, user, password, source.device)

    def _counted_attempt(self, user: str, source: SignInSource) -> AbstractContextManager[float]:
        if source.is_signed_in or self._devices.is_known(source.device, user):
            return self._limiter.attempt_from_known_device(user, "" if source.is_signed_in else source.device)
        return self._limiter.attempt_from_unknown_device(user, source.address)

    def _check_and_sign_in(self, user: str, password: str, device: str) -> tuple[IssuedSignIn, str]:
        user = self._access.check_password(user, password)
        return self._access.sign_in(user), self._devices.remember(device, user)


def set_device_cookie(response: Response, request: Request, device: str, path: str) -> None:
    """Set the cookie that identifies a known device; the browser sends it only to `path`."""
    is_safe = request.url.scheme == "https"
    seconds = int(DEVICE_LIFETIME.total_seconds())
    response.set_cookie(
        DEVICE_COOKIE, device, max_age=seconds, path=path, httponly=True, samesite="strict", secure=is_safe
    )


def _key(*parts: str) -> str:
    return hash_secret("\0".join(parts))


def _whole_seconds(seconds: float) -> int:
    return max(1, math.ceil(seconds))
