"""The nginx configuration of docs/deploy.md as it stands, in front of two processes of the API."""

import re
import shutil
import signal
import subprocess
import threading
from pathlib import Path

import httpx2
import pytest
from api_client import events_of, text_of
from servers import free_port
from stub_bot import streamed

from botchat.core.access import Access

_PAGE = (Path(__file__).parent.parent / "docs" / "deploy.md").read_text(encoding="utf-8")
_AROUND = """daemon off;
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
    """Start nginx in front of two addresses; give its own."""
    binary = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")  # Debian's, for whoever is not root
    if binary is None:
        pytest.skip("no nginx here")
    started = []

    def start(*addresses: str) -> str:
        port = free_port()
        ports = dict(zip(("8601", "8602"), (a.rpartition(":")[2] for a in addresses), strict=True))
        ports |= {"8600": str(port), "8500": str(free_port())}
        (servers,) = re.findall(r"```nginx\n(.*?)```", _PAGE, re.DOTALL)
        servers = re.sub(r":(\d{4});", lambda found: f":{ports.get(found[1], found[1])};", servers)
        config = tmp_path / "nginx.conf"
        config.write_text(_AROUND.format(folder=tmp_path, servers=servers))
        started.append(subprocess.Popen([binary, "-c", config, "-e", tmp_path / "error.log"]))
        address = f"http://127.0.0.1:{port}"
        with httpx2.Client(transport=httpx2.HTTPTransport(retries=10), trust_env=False) as client:
            assert client.get(f"{address}/healthz").status_code == 200
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
    access = Access(local_repository.accounts())
    access.add("ann", "correct horse")
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
            events = events_of(answer.iter_lines())
            next(events)
            assert next(events)["data"] == {"content": "Hel"}  # nothing holds it back
            statuses = {client.post(f"{api.address}{place}/message", json=body).status_code for api in apis}
            assert statuses == {409}
            one, other = sorted(apis, key=lambda api: -_answers(api, meter))
            assert client.post(f"{other.address}{place}/stop").status_code == 409
            with client.stream("GET", f"{other.address}{place}/events") as followed:
                others = events_of(followed.iter_lines())
                assert text_of([next(others)]) == "Hel"
                assert client.post(f"{address}{place}/stop").json()["status"] == "stopped"
                assert list(others)[-1]["data"]["status"] == "stopped"
        one.stop(signal.SIGKILL)
        answer = client.post(f"{address}{place}/message", json={"content": "Again"})
        assert (answer.status_code, answer.json()["message"]["content"]) == (200, "Yes")


def _answers(api, meter: str) -> int:
    """How many answers a process is writing."""
    headers = {"Authorization": f"Bearer {meter}"}
    text = httpx2.get(f"{api.address}/metrics", headers=headers, trust_env=False).text
    return int(float(re.search(r"^botchat_replies_in_flight (.*)$", text, re.MULTILINE)[1]))
