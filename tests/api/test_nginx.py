"""The nginx configuration of docs/admin/serve.md as is, in front of two processes of the API, and two of the page."""

import http.client
import os
import re
import shutil
import signal
import subprocess
import threading

import httpx2
import pytest
from support.api.client import delta_text, parse_events
from support.bots.stub_server import streamed
from support.paths import DOCS
from support.stores.servers import free_port
from support.stores.sessions import stored

from botchat.core.auth import AuthService

_PAGE = (DOCS / "admin" / "serve.md").read_text(encoding="utf-8")
_NGINX_CONFIG = """daemon off;
{user}
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{}}
http {{
access_log off;
client_body_temp_path {folder};
proxy_temp_path {folder};
fastcgi_temp_path {folder};
uwsgi_temp_path {folder};
scgi_temp_path {folder};
{servers}
}}
"""


@pytest.fixture
def nginx(tmp_path):
    """Return a function that starts nginx in front of two URLs and returns its own URL."""
    binary = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")  # Debian's, for whoever is not root
    if binary is None:
        pytest.skip("no nginx here")
    started = []

    def start(*addresses: str, of_page: bool = False, signs_in: bool = False) -> str:
        inside, outside = (("8501", "8502"), "8500") if of_page else (("8601", "8602"), "8600")
        port = free_port()
        ports = {"8600": str(free_port()), "8500": str(free_port()), outside: str(port)}
        ports |= dict(zip(inside, (a.rpartition(":")[2] for a in addresses), strict=True))
        servers, knows_them = re.findall(r"```nginx\n(.*?)```", _PAGE, re.DOTALL)
        if signs_in:
            servers = servers.replace("proxy_pass http://botchat_web;", f"proxy_pass http://botchat_web;\n{knows_them}")
            (tmp_path / "botchat.htpasswd").write_text("ann:{PLAIN}correct horse\nbob:{PLAIN}battery staple\n")
        servers = re.sub(r":(\d{4});", lambda found: f":{ports.get(found[1], found[1])};", servers)
        config = tmp_path / "nginx.conf"
        user = "" if os.geteuid() else "user root;"  # or its workers can't read the folder
        config.write_text(_NGINX_CONFIG.format(folder=tmp_path, servers=servers, user=user))
        started.append(subprocess.Popen([binary, "-c", config, "-e", tmp_path / "error.log"]))
        address = f"http://127.0.0.1:{port}"
        with httpx2.Client(transport=httpx2.HTTPTransport(retries=10), trust_env=False) as client:
            assert client.get(f"{address}{'/sign-in' if of_page else '/healthz'}").status_code == (
                401 if signs_in else 200
            )
        return address

    yield start
    for process in started:
        process.send_signal(signal.SIGTERM)
        process.wait()


def test_two_processes_behind_nginx_are_one_server(local_shell, stub_for, start_api, local_repository, nginx):
    hold = threading.Event()
    stub_for(local_shell, [streamed(["Hel", hold, "never"]), streamed(["Yes"])])
    local_shell.environment["BOTCHAT_SIGNING_KEY"] = "k" * 32
    apis = [start_api(), start_api()]
    address = nginx(*(api.address for api in apis))
    access = AuthService(local_repository.accounts())
    access.add_account("ann", "correct horse")
    meter = access.create_token("meter", scopes=("metrics",))[1]
    with httpx2.Client(timeout=60, trust_env=False) as client:
        who = {"user": "ann", "password": "correct horse"}
        signed = client.post(f"{address}/auth/sign-in", json=who).json()
        client.headers["Authorization"] = f"Bearer {signed['access_token']}"
        assert client.get(f"{address}/metrics").status_code == 403
        session_id = client.post(f"{address}/session/create", json={}).json()["id"]
        place = f"/session/{session_id}"
        body = {"content": "Hi", "stream": True}
        with client.stream("POST", f"{address}{place}/message", json=body) as answer:
            events = parse_events(answer.iter_lines())
            next(events)
            assert next(events)["data"] == {"content": "Hel"}  # nothing holds it back
            statuses = {client.post(f"{api.address}{place}/message", json=body).status_code for api in apis}
            assert statuses == {409}
            one, other = sorted(apis, key=lambda api: -_replies_in_flight(api, meter))
            with client.stream("GET", f"{other.address}{place}/events") as followed:
                others = parse_events(followed.iter_lines())
                assert delta_text([next(others)]) == "Hel"
                stopped = client.post(f"{other.address}{place}/stop")  # which does not write it
                assert (stopped.status_code, stopped.json()["status"]) == (200, "stopped")
                assert list(others)[-1]["data"] == list(events)[-1]["data"] == stopped.json()
        one.stop(signal.SIGKILL)
        answer = client.post(f"{address}{place}/message", json={"content": "Again"})
        assert (answer.status_code, answer.json()["message"]["content"]) == (200, "Yes")


def test_two_processes_of_the_page_behind_nginx_sign_people_in(local_shell, local_repository, serve, nginx):
    local_shell.configure('[web]\nsign_in = "password"\n')
    AuthService(local_repository.accounts()).add_account("ann", "correct horse")
    pages = [serve(local_shell), serve(local_shell)]
    address = nginx(*(page.address for page in pages), of_page=True)
    with httpx2.Client(base_url=address, trust_env=False) as browser:
        assert _open_websocket(address) == 403
        key = re.search(r'name="form" value="([^"]*)"', browser.get("/sign-in").text)[1]
        answer = browser.post("/sign-in", data={"form": key, "user": "ann", "password": "correct horse"})
        assert (answer.status_code, answer.headers["location"]) == (303, "/")
        cookie = f"botchat_sign_in={browser.cookies['botchat_sign_in']}"
        assert _open_websocket(address, cookie) == 101
        for page in pages:
            seen = httpx2.get(f"{page.address}/export?form=json", headers={"Cookie": cookie}, trust_env=False)
            assert seen.status_code == 200
        browser.post("/sign-out", data={"form": key})
        assert _open_websocket(address, cookie) == 403


def test_nginx_signs_people_in_and_nobody_else_says_who_they_are(local_shell, local_repository, serve, nginx):
    local_shell.configure('[web]\nsign_in = "header"\nheader = "X-Forwarded-User"\n')
    of_ann, of_bob = stored(local_repository, name="Herons"), stored(local_repository, user="bob", name="Storks")
    page = serve(local_shell)
    address = nginx(page.address, page.address, of_page=True, signs_in=True)
    with httpx2.Client(base_url=address, trust_env=False, headers={"X-Forwarded-User": "bob"}) as stranger:
        assert stranger.get("/").status_code == 401
        assert stranger.get("/", auth=("bob", "correct horse")).status_code == 401
    assert _open_websocket(address) == 401
    ann = httpx2.BasicAuth("ann", "correct horse")
    with httpx2.Client(base_url=address, trust_env=False, auth=ann, headers={"X-Forwarded-User": "bob"}) as browser:
        assert browser.get("/").status_code == 200
        exported = browser.get("/export?form=json").text
        assert (of_ann.id in exported, of_bob.id in exported) == (True, False)
        known = browser.build_request("GET", "/")
    basic = next(ann.auth_flow(known)).headers["Authorization"]
    assert _open_websocket(address, authorization=basic) == 101
    AuthService(local_repository.accounts()).disable("ann")
    while _open_websocket(address, authorization=basic) == 101:  # the page's process hears of it within a second
        pass
    assert _open_websocket(address, authorization=basic) == 403


def _open_websocket(address: str, cookie: str = "", authorization: str = "") -> int:
    """Return the status of the handshake of the page's WebSocket."""
    host = address.removeprefix("http://")
    connection = http.client.HTTPConnection(host, timeout=30)
    upgrade = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13"}
    key = {"Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==", "Origin": address, "Cookie": cookie}
    key |= {"Authorization": authorization} if authorization else {}
    connection.request("GET", "/_stcore/stream", headers=upgrade | key)
    status = connection.getresponse().status
    connection.close()
    return status


def _replies_in_flight(api, meter: str) -> int:
    """Return the number of replies in progress in a process."""
    headers = {"Authorization": f"Bearer {meter}"}
    text = httpx2.get(f"{api.address}/metrics", headers=headers, trust_env=False).text
    return int(float(re.search(r"^botchat_replies_in_flight (.*)$", text, re.MULTILINE)[1]))
