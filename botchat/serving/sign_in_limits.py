"""How often passwords may be guessed, in this process: who guesses is stopped, and the right person is not.

The rules are those of OWASP's "Slow Down Online Guessing Attacks with Device Cookies"
(https://owasp.org/www-community/Slow_Down_Online_Guessing_Attacks_with_Device_Cookies): wrong passwords from devices
that a user never signed in from do not count against the devices that the user did sign in from. Two rules differ: a
known device is slowed down, not locked, and an unknown one is also counted by address and user together.
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
_MOST_KEYS = 20_000


class Origin(NamedTuple):
    """Where a password comes from.

    Attributes:
        address: that requests are counted by.
        device: the token that the device keeps; "" if it keeps none.
        is_signed_in: the user whose password it should be is signed in there now.
    """

    address: str
    device: str = ""
    is_signed_in: bool = False


class Guesses:
    """Counts wrong passwords of the last minute. The right ones do not count."""

    def __init__(self, limits: LimitSettings | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._limits = limits or LimitSettings()
        self._clock = clock
        self._times: dict[str, deque[float]] = {}
        self._lock = threading.Lock()

    @contextmanager
    def from_unknown(self, user: str, address: str) -> Iterator[float]:
        """Count a try from a device that is not known, if it ends with NotSignedIn; give 0: it need not wait.

        Raises:
            TooMany: there were too many wrong ones for the user, from the address, or of both together.
        """
        amounts = {
            _key("both", address, user): self._limits.wrong_passwords,
            _key("address", address): self._limits.wrong_passwords_by_address,
            _key("user", user): self._limits.wrong_passwords_by_user,
        }
        with self._lock:
            at = self._clock()
            for key, amount in amounts.items():
                times = self._recent(key, at)
                if len(times) >= amount:
                    raise TooMany("There were too many wrong passwords in a minute", _whole(times[0] + _MINUTE - at))
            for key in amounts:
                self._times[key].append(at)
        with self._forgiven_unless_wrong(at, *amounts):
            yield 0.0

    @contextmanager
    def from_known(self, user: str, device: str) -> Iterator[float]:
        """Count a try from a known device in the same way; give the seconds that it has to wait.

        Raises:
            TooMany: another one is waiting already.
        """
        key, amount = _key("device", user, device), self._limits.wrong_passwords
        pause = _MINUTE / amount
        with self._lock:
            at = self._clock()
            times = self._recent(key, at)
            start = max(at, times[-1] + pause) if len(times) >= amount else at
            if start - at > pause:
                raise TooMany("Another password is being checked for this device", _whole(times[-1] - at))
            times.append(start)
        with self._forgiven_unless_wrong(start, key):
            yield start - at

    @contextmanager
    def _forgiven_unless_wrong(self, at: float, *keys: str) -> Iterator[None]:
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

    def _recent(self, key: str, at: float) -> deque[float]:
        """Return the times of the last minute that are counted by a key."""
        if len(self._times) > _MOST_KEYS:
            self._times = {known: times for known, times in self._times.items() if times and times[-1] > at - _MINUTE}
        times = self._times.setdefault(key, deque())
        while times and times[0] <= at - _MINUTE:
            times.popleft()
        return times


class PasswordSignIn:
    """Signs people in with a password, on every front end of a server."""

    def __init__(
        self,
        access: AuthService,
        devices: Devices,
        guesses: Guesses | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._access = access
        self._devices = devices
        self._guesses = guesses or Guesses()
        self._sleep = sleep

    async def sign_in(self, user: str, password: str, origin: Origin) -> tuple[IssuedSignIn, str]:
        """Return the sign-in, and the token that the device is to keep.

        Raises:
            NotSignedIn: the password is wrong.
            TooMany: there were too many wrong ones.
            StoreError: the store does not answer.
        """
        with await run_in_threadpool(self._counted, user, origin) as seconds:
            if seconds:
                await self._sleep(seconds)
            return await run_in_threadpool(self._signed, user, password, origin.device)

    def _counted(self, user: str, origin: Origin) -> AbstractContextManager[float]:
        if origin.is_signed_in or self._devices.is_known(origin.device, user):
            return self._guesses.from_known(user, "" if origin.is_signed_in else origin.device)
        return self._guesses.from_unknown(user, origin.address)

    def _signed(self, user: str, password: str, device: str) -> tuple[IssuedSignIn, str]:
        user = self._access.check_password(user, password)
        return self._access.sign_in(user), self._devices.remember(device, user)


def keep_device(answer: Response, request: Request, device: str, path: str) -> None:
    """Have a browser keep the token of its device, and send it to a path alone."""
    is_safe = request.url.scheme == "https"
    seconds = int(DEVICE_LIFETIME.total_seconds())
    answer.set_cookie(
        DEVICE_COOKIE, device, max_age=seconds, path=path, httponly=True, samesite="strict", secure=is_safe
    )


def _key(*parts: str) -> str:
    return hash_secret("\0".join(parts))


def _whole(seconds: float) -> int:
    return max(1, math.ceil(seconds))
