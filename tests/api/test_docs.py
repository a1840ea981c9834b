"""The examples of docs/build/api.md, run by a shell as is: each prints what the comments below it say."""

import re
import shutil
import subprocess

import pytest
from support.bots.stub_server import streamed
from support.paths import DOCS

from botchat.core.auth import AuthService

_PAGE = (DOCS / "build" / "api.md").read_text(encoding="utf-8")


def examples() -> tuple[str, list[str]]:
    """Return a script of all examples that call the server, and the lines that they print."""
    script, printed = ["set -eo pipefail"], []
    for block in re.findall(r"```sh\n(.*?)```", _PAGE, re.DOTALL):
        if "$API" in block:
            lines = block.splitlines()
            script += [line for line in lines if not line.startswith("# ")]
            printed += [line.removeprefix("# ") for line in lines if line.startswith("# ")]
    return "\n".join(script), printed


@pytest.mark.skipif(not (shutil.which("curl") and shutil.which("jq")), reason="no curl or no jq here")
def test_the_examples_print_what_the_page_says(local_shell, stub_for, start_api, local_repository, tmp_path):
    stub_for(local_shell, lambda _: streamed(["A heron ", "is a bird."]))
    token = AuthService(local_repository.accounts()).create_token("ann")[1]
    environment = {"PATH": local_shell.environment["PATH"], "API": start_api().address, "TOKEN": token}
    script, printed = examples()
    # An answer without a line break at its end: the next example begins a line of its own.
    script = re.sub(r"^(curl .*/(me|none) .*)$", r"\1; echo", script, flags=re.MULTILINE)
    bash = ["bash", "-c", script]
    done = subprocess.run(bash, capture_output=True, text=True, env=environment, cwd=tmp_path, check=False)
    assert (done.stdout.splitlines(), done.stderr, done.returncode) == (printed, "", 0)
