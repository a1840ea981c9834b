"""The OpenAPI document, held to what it says by schemathesis, also along its links from one request to the next."""

import subprocess
import sys
from pathlib import Path

from support.bots.stub_server import streamed

from botchat.core.auth import AuthService

_LIMITS = "replies_at_once = 1000\nrequests_per_minute = 1000000\nrequests_per_minute_by_address = 1000000\n"


# What a schema can't say: whether a session waits for an answer, what a key, a cursor or an event's id stood for, which
# keys metadata have deep inside, whose message is the last.
_CONFIG = """
[[operations]]
include-operation-id = [
  "create_session", "change_session", "list_sessions", "count_sessions", "send_message", "edit_message",
  "retry_reply", "regenerate_reply", "show_branch", "attach", "complete", "change_preferences",
]
[operations.checks.positive_data_acceptance]
expected-statuses = ["2xx", "401", "403", "404", "409", "422", "5xx"]
"""


def test_the_api_is_as_its_document_says(local_shell, stub_for, start_api, local_repository, tmp_path):
    stub_for(local_shell, lambda _: streamed(["Hello"]))
    config = tmp_path / "config.toml"
    config.write_text(f"{config.read_text()}[api]\n{_LIMITS}")
    (tmp_path / "schemathesis.toml").write_text(_CONFIG)
    local_shell.environment["BOTCHAT_SIGNING_KEY"] = "k" * 32
    address = start_api().address
    token = AuthService(local_repository.accounts()).create_token("ann", scopes=("read", "write", "metrics"))[1]
    command = [sys.executable, "-m", "schemathesis.cli", "run", f"{address}/openapi.json", "--seed", "1", "--no-color"]
    command += ["-H", f"Authorization: Bearer {token}", "--max-examples", "12", "--continue-on-failure"]
    command += ["--phases", "examples,coverage,fuzzing,stateful"]
    # Starlette's own: the Allow of a path that several routes share names the first one's methods alone.
    command += ["--exclude-checks", "allow_header_conformance"]
    environment = {name: value for name, value in local_shell.environment.items() if name != "PYTHONWARNINGS"}
    # The tables of Unicode that hypothesis keeps there take seconds to make; examples of earlier runs aren't read.
    environment["HYPOTHESIS_STORAGE_DIRECTORY"] = str(Path.cwd() / ".hypothesis")
    command += ["--generation-database", "none"]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=tmp_path, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
