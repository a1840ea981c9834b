"""Behind a proxy, limits count by the client that it names, in every sign-in mode; others can't forge a client."""

import re

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient
from support.web.sign_in import World

from botchat.api.launcher import mount_api
from botchat.serving import rate_limit_key
from botchat.settings import Settings
from botchat.web.auth.setup import set_up_auth

PROXY, STRANGER = ("127.0.0.1", 50000), ("10.9.9.9", 50000)


@pytest.fixture
def world(tmp_path):
    world = World(tmp_path)
    yield world
    for turns in world.site.made:
        turns.close(timeout=0)
    world.repository.close()


@pytest.fixture
def beside(world):
    """Return a function that creates a client of the API below the page, with a given address."""

    def make(client=PROXY, per_minute: int = 600, **web) -> TestClient:
        settings = Settings(web=web, api={"requests_per_minute_by_address": per_minute})
        made = set_up_auth(settings.web, world.access, world.passwords, world.repository.expiring_values(), {})
        app = Starlette(routes=[mount_api("/api", world.site.connect(), settings)], middleware=made.middleware)
        return TestClient(app, base_url="http://127.0.0.1", client=client)

    return make


MODES = [{"sign_in": "none"}, {"sign_in": "password"}, {"sign_in": "header"}]


@pytest.mark.parametrize("mode", MODES, ids=str)
def test_640_clients_of_one_proxy_are_640(beside, mode):
    client = beside(**mode)
    statuses = [
        client.get("/api/healthz", headers={"X-Forwarded-For": f"10.1.{number // 250}.{number % 250}"}).status_code
        for number in range(640)
    ]
    assert statuses.count(200) == 640


@pytest.mark.parametrize("mode", MODES, ids=str)
def test_one_client_stays_one_whatever_it_sends_itself(beside, mode):
    client = beside(per_minute=2, **mode)
    chains = [f"10.7.7.{number}, 10.1.1.1" for number in range(3)]  # the proxy appends
    assert [client.get("/api/healthz", headers={"X-Forwarded-For": chain}).status_code for chain in chains] == [
        200,
        200,
        429,
    ]
    stranger = beside(client=STRANGER, per_minute=2, **mode)
    forged = [{"X-Forwarded-For": f"10.8.8.{number}", "X-Forwarded-User": f"u{number}"} for number in range(3)]
    assert [stranger.get("/api/healthz", headers=headers).status_code for headers in forged] == [200, 200, 429]


@pytest.mark.parametrize("mode", MODES, ids=str)
def test_a_proxy_on_another_machine_is_trusted_when_it_is_named(beside, mode):
    client = beside(client=STRANGER, per_minute=1, proxies=["10.9.0.0/16"], **mode)
    statuses = [
        client.get("/api/healthz", headers={"X-Forwarded-For": f"10.1.1.{number}"}).status_code for number in range(5)
    ]
    assert statuses == [200] * 5


def test_a_proxy_that_names_only_the_user_is_counted_by_user(beside):
    client = beside(per_minute=1, sign_in="header")
    statuses = [
        client.get("/api/healthz", headers={"X-Forwarded-User": user}).status_code for user in ("ann", "bob", "ann")
    ]
    assert statuses == [200, 200, 429]


@pytest.mark.parametrize("mode", MODES, ids=str)
def test_the_server_itself_counts_by_the_forwarded_address(local_shell, local_repository, serve, mode):
    local_shell.configure(f'[web]\nsign_in = "{mode["sign_in"]}"\n[api]\nrequests_per_minute_by_address = 1\n')
    page = serve(local_shell, "--api")
    statuses = [
        httpx2.get(f"{page.address}/api/healthz", headers={"X-Forwarded-For": address}, trust_env=False).status_code
        for address in ("10.1.1.1", "10.1.1.2", "10.1.1.1")
    ]
    assert statuses == [200, 200, 429]


def test_botchat_api_trusts_the_proxies_that_the_config_names(local_shell, start_api):
    local_shell.configure('[api]\nrequests_per_minute_by_address = 1\nproxies = ["127.0.0.2"]\n')
    api = start_api()

    def statuses(sender: str) -> list[int]:
        with httpx2.Client(transport=httpx2.HTTPTransport(local_address=sender), trust_env=False) as client:
            return [
                client.get(f"{api.address}/healthz", headers={"X-Forwarded-For": address}).status_code
                for address in ("10.1.1.1", "10.1.1.2")
            ]

    assert statuses("127.0.0.2") == [200, 200]
    assert statuses("127.0.0.1") == [200, 429]


def test_sign_ins_behind_a_proxy_elsewhere_are_counted_by_client(world):
    app = world.app(sign_in="password", proxies=["10.9.9.9"])
    browser = TestClient(app, base_url="http://127.0.0.1", follow_redirects=False, client=STRANGER)
    form = {"form": re.search(r'name="form" value="([^"]*)"', browser.get("/sign-in").text)[1], "password": "wrong"}
    statuses = [
        browser.post(
            "/sign-in", data=form | {"user": f"u{number}"}, headers={"X-Forwarded-For": f"10.1.1.{number}"}
        ).status_code
        for number in range(50)
    ]
    assert statuses == [401] * 50


@pytest.mark.parametrize(
    ("host", "counted"),
    [
        ("10.1.1.1", "10.1.1.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
        ("::ffff:10.1.1.1", "10.1.1.1"),
        ("unix", "unix"),
        ("", "unknown"),
    ],
)
def test_a_network_of_one_customer_counts_as_one(host, counted):
    assert rate_limit_key({"client": (host, 1)}) == counted
    assert rate_limit_key({}) == "unknown"
