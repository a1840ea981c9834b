"""The audit of the dependencies (`make audit`) with a database of vulnerabilities on this machine."""

import json
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from support.stores.servers import free_port

AUDIT = Path(__file__).parents[1] / ".ci" / "audit.py"
ADVISORY = {
    "id": "GHSA-xxxx-yyyy-zzzz",
    "aliases": ["CVE-2026-0001"],
    "summary": "A long line\nis never read to its end.",
    "affected": [
        {
            "package": {"name": "starlette", "ecosystem": "PyPI"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "9999.1"}]}],
        }
    ],
}


class Database:
    """Answers queries as OSV does: `advisories` by package; `status` of each answer after the first `healthy` ones."""

    def __init__(self) -> None:
        self.advisories: dict[str, list[object]] = {}
        self.asked: list[str] = []
        self.status, self.healthy = 200, 0
        database = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                database.answer(self)

            def log_message(self, *_args):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/v1/query"
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()

    def answer(self, request) -> None:
        query = json.loads(request.rfile.read(int(request.headers["Content-Length"])))
        self.asked.append(query["package"]["name"])
        found = self.advisories.get(query["package"]["name"])
        request.send_response(200 if len(self.asked) <= self.healthy else self.status)
        request.end_headers()
        request.wfile.write(json.dumps({"vulns": found} if found else {}).encode())

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def database():
    database = Database()
    yield database
    database.close()


@pytest.fixture
def audit(tmp_path, database):
    def run(*options, accepted="", url=database.url):
        file = tmp_path / "accepted.toml"
        file.write_text(accepted)
        command = [sys.executable, AUDIT, "--osv-url", url, "--accepted", file, *options]
        environment = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "NO_PROXY": "127.0.0.1"}
        done = subprocess.run(command, check=False, capture_output=True, text=True, env=environment)
        assert done.stderr == ""
        return done.returncode, done.stdout

    return run


def entry(advisory="CVE-2026-0001", reason='reason = "We never read it."', until="until = 9999-12-31") -> str:
    return f'[[accepted]]\nid = "{advisory}"\n{reason}\n{until}\n'


def test_where_nothing_is_known_all_packages_but_our_own_were_asked_for(audit, database):
    code, text = audit()
    assert (code, text) == (0, f"Audited {len(database.asked)} packages: 0 vulnerabilities, 0 accepted.\n")
    assert {"starlette", "streamlit", "pymongo"} <= set(database.asked)
    assert not {"botchat-sessions", "botchat", "pip", "setuptools"} & set(database.asked)


def test_a_vulnerability_fails_and_is_named_with_its_fix(audit, database):
    database.advisories["starlette"] = [ADVISORY]
    code, text = audit()
    assert code == 1
    assert text.startswith("VULNERABLE: starlette ")
    assert "CVE-2026-0001, GHSA-xxxx-yyyy-zzzz, fixed in 9999.1.\n  A long line is never read to its end.\n" in text


@pytest.mark.parametrize("advisory", ["CVE-2026-0001", "GHSA-xxxx-yyyy-zzzz"])
def test_one_that_is_accepted_with_a_reason_passes_and_is_named(audit, database, advisory):
    database.advisories["starlette"] = [ADVISORY]
    code, text = audit(accepted=entry(advisory))
    assert (code, text.startswith("Accepted (We never read it.): starlette ")) == (0, True)


def test_another_s_acceptance_does_not_count(audit, database):
    database.advisories["starlette"] = [ADVISORY]
    assert audit(accepted=entry("CVE-2026-0002"))[0] == 1


@pytest.mark.parametrize(
    ("accepted", "told"),
    [
        (entry(until="until = 2020-01-01"), "CVE-2026-0001 was accepted until 2020-01-01."),
        (entry(until='until = "9999-12-31"'), "CVE-2026-0001 has no date."),
        (entry(until=""), "CVE-2026-0001 has no date."),
        (entry(reason=""), "CVE-2026-0001 has no reason."),
        (entry(reason='reason = " "'), "CVE-2026-0001 has no reason."),
        (entry(""), "An entry has no id."),
        ("[[acepted]]\n", "Only [[accepted]] tables"),
        ("accepted = 1", "Only [[accepted]] tables"),
        ("accepted = 1 2", "Expected newline"),
    ],
)
def test_an_acceptance_that_is_incomplete_or_past_its_date_fails(audit, database, accepted, told):
    code, text = audit(accepted=accepted)
    assert (code, told in text, database.asked) == (1, True, [])


@pytest.mark.parametrize(("options", "expected"), [([], 0), (["--strict"], 2)])
def test_a_database_that_can_t_be_reached_is_said_and_fails_where_that_is_asked_for(audit, options, expected):
    url = f"http://127.0.0.1:{free_port()}/v1/query"
    code, text = audit(*options, url=url)
    assert (code, text) == (expected, f"Not audited: {url} can't be reached (ConnectionError).\n")


@pytest.mark.parametrize(("status", "reason"), [(503, "HTTP 503"), (403, "HTTP 403")])
def test_a_database_that_is_down_or_blocked_counts_as_not_reached(audit, database, status, reason):
    database.status = status
    assert audit() == (0, f"Not audited: {database.url} can't be reached ({reason}).\n")


def test_what_was_found_before_it_was_lost_still_fails(audit, database):
    database.advisories["starlette"] = [ADVISORY]
    audit()
    place = database.asked.index("starlette")
    database.asked.clear()
    database.status, database.healthy = 503, place + 1
    code, text = audit()
    assert (code, "VULNERABLE: starlette " in text, "Not audited" in text) == (1, True, True)
