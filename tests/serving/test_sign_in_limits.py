"""Guessing passwords is limited, and doesn't lock out the rightful user."""

import pytest
from support.api.client import client_factory
from support.web.sign_in import PASSWORD, has_access, sign_in, sign_out, world_in

from botchat.api.jwt import JwtSigner
from botchat.core.auth import Devices
from botchat.core.errors import NotSignedIn, StoreUnavailable, TooMany
from botchat.serving import DEVICE_COOKIE, SignInLimiter
from botchat.settings import LimitSettings


@pytest.fixture
def world(tmp_path):
    yield from world_in(tmp_path)


@pytest.fixture
def client_with(store):
    yield from client_factory(store)


def _guess(world, times: int, user: str = "ann", address: str = "10.6.6.6") -> list[int]:
    browser = world.browser(address)
    return [sign_in(browser, user, "wrong").status_code for _ in range(times)]


def test_wrong_passwords_from_elsewhere_keep_nobody_out(world):
    assert _guess(world, 11) == [401] * 10 + [429]
    assert sign_in(world.browser("10.1.1.1")).status_code == 303


def test_a_known_device_is_let_in_while_its_address_and_its_user_are_guessed_at(world):
    device = world.browser("10.1.1.1")
    assert sign_in(device).status_code == 303
    sign_out(device)
    assert _guess(world, 11, address="10.1.1.1") == [401] * 10 + [429]
    for number in range(9):
        assert _guess(world, 10, address=f"10.2.2.{number}") == [401] * 10
    assert _guess(world, 1, address="10.3.3.3") == [429]  # a hundred for this user
    assert sign_in(world.browser("10.3.3.4")).status_code == 429  # nobody knows this device
    assert sign_in(device).status_code == 303
    assert has_access(device)
    world.clock += 61
    assert sign_in(world.browser("10.3.3.4")).status_code == 303


def test_a_known_device_is_slowed_down_not_refused(world):
    device = world.browser()
    sign_in(device)
    sign_out(device)
    assert [sign_in(device, "ann", "wrong").status_code for _ in range(10)] == [401] * 10
    assert world.waits == []
    assert [sign_in(device, "ann", "wrong").status_code for _ in range(3)] == [401] * 3
    assert world.waits == [6.0, 6.0, 6.0]
    assert sign_in(device).status_code == 303


def test_a_browser_that_is_signed_in_is_a_known_device(world):
    browser = world.signed_in("ann")
    browser.cookies.delete(DEVICE_COOKIE)
    assert _guess(world, 11, address="127.0.0.1") == [401] * 10 + [429]
    assert has_access(browser)
    assert sign_in(browser).status_code == 303
    assert sign_in(browser, "bob", "wrong").status_code == 401  # as a device that bob doesn't know
    bob = world.signed_in("bob")
    bob.cookies.delete(DEVICE_COOKIE)
    assert sign_in(bob).status_code == 429  # for ann it is unknown


def test_the_device_cookie_lets_nobody_in_and_no_script_reads_it(world, tmp_path):
    browser = world.browser()
    answer = sign_in(browser)
    line = next(line for line in answer.headers.get_list("set-cookie") if line.startswith(DEVICE_COOKIE))
    assert {"HttpOnly", "SameSite=strict", "Path=/sign-in", "Max-Age=15552000"} <= set(line.split("; "))
    token = browser.cookies[DEVICE_COOKIE]
    other = world.browser("10.1.1.1")
    other.cookies.set(DEVICE_COOKIE, token)
    assert (has_access(other), sign_in(other, "ann", "wrong").status_code) == (False, 401)
    assert DEVICE_COOKIE not in sign_in(world.browser(), "ann", "wrong").headers.get("set-cookie", "")
    assert not any(token.encode() in file.read_bytes() for file in tmp_path.glob("botchat.db*"))
    sign_out(browser)
    assert sign_in(browser).cookies[DEVICE_COOKIE] == token  # it stays the same


def test_an_address_tries_thirty_passwords_for_all_users_together(world):
    browser = world.browser("10.6.6.6")
    statuses = [sign_in(browser, f"user {number}", "wrong").status_code for number in range(31)]
    assert statuses == [401] * 30 + [429]


def test_right_passwords_do_not_count(world):
    for number in range(50):
        assert sign_in(world.browser("10.5.5.5"), ("ann", "bob")[number % 2]).status_code == 303


def test_the_api_keeps_the_same_rules(client_with):
    client = client_with(signer=JwtSigner("k" * 32))
    client.chat.auth.add_account("bob", PASSWORD)
    wrong, right = {"user": "bob", "password": "wrong"}, {"user": "bob", "password": PASSWORD}
    assert client.post("/auth/sign-in", json=right).status_code == 200
    device = client.cookies[DEVICE_COOKIE]
    client.cookies.clear()
    assert [client.post("/auth/sign-in", json=wrong).status_code for _ in range(11)] == [401] * 10 + [429]
    refused = client.post("/auth/sign-in", json=right)
    assert (refused.status_code, 1 <= int(refused.headers["retry-after"]) <= 60) == (429, True)
    client.cookies.set(DEVICE_COOKIE, device)
    assert client.post("/auth/sign-in", json=right).status_code == 200


def test_a_device_is_known_to_each_of_its_users_in_every_process(repository):
    devices = Devices(repository.expiring_values())
    token = devices.remember("", "ann")
    assert devices.remember(token, "bob") == token
    assert devices.remember("made up", "ann") not in {token, "made up"}
    others = Devices(repository.expiring_values())
    assert [others.is_known(token, user) for user in ("ann", "bob", "eve")] == [True, True, False]
    assert [others.is_known(made_up, "ann") for made_up in ("", "made up", token[:-1])] == [False] * 3


def test_tries_at_the_same_time_count_before_they_end(store):
    limiter = SignInLimiter(LimitSettings(wrong_passwords=2), lambda: 0.0)
    one, other = (limiter.attempt_from_unknown_device("ann", "10.1.1.1") for _ in range(2))
    with one, other:
        with pytest.raises(TooMany) as refused, limiter.attempt_from_unknown_device("ann", "10.1.1.1"):
            pass
        assert refused.value.retry_after == 60
    with limiter.attempt_from_unknown_device("ann", "10.1.1.1"):  # both were right
        pass


def test_a_store_that_is_down_is_no_wrong_password():
    limiter = SignInLimiter(LimitSettings(wrong_passwords=1), lambda: 0.0)
    for _ in range(3):
        with pytest.raises(StoreUnavailable), limiter.attempt_from_unknown_device("ann", "10.1.1.1"):
            raise StoreUnavailable("The store is down.")
    with pytest.raises(NotSignedIn), limiter.attempt_from_unknown_device("ann", "10.1.1.1"):
        raise NotSignedIn("wrong")
    with pytest.raises(TooMany), limiter.attempt_from_unknown_device("ann", "10.1.1.1"):
        pass


def test_only_one_try_of_a_slowed_device_waits():
    limiter = SignInLimiter(LimitSettings(wrong_passwords=1), lambda: 0.0)
    with pytest.raises(NotSignedIn), limiter.attempt_from_known_device("ann", "device"):
        raise NotSignedIn("wrong")
    with limiter.attempt_from_known_device("ann", "device") as seconds:
        assert seconds == 60.0
        with pytest.raises(TooMany) as refused, limiter.attempt_from_known_device("ann", "device"):
            pass
        assert refused.value.retry_after == 60
