"""The examples of docs/build/api.md and openai.md, run as printed: each prints the lines that follow it as comments."""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator

import pytest
from support.paths import DOCS, ROOT

from botchat.api import errors as http_errors
from botchat.core import errors
from botchat.core.auth import AuthService

_SERVERS = ("botchat api", "botchat web")
_PYTHON = f'"{sys.executable}"'


def blocks(page: str, language: str) -> list[str]:
    """Return the code blocks of a page in one language, without the indentation of a list."""
    text = (DOCS / "build" / page).read_text(encoding="utf-8")
    found = re.findall(rf"^( *)```{language}\n(.*?)^ *```", text, re.DOTALL | re.MULTILINE)
    return [re.sub(f"^{indent}", "", block, flags=re.MULTILINE) for indent, block in found]


def expected_lines(code: str) -> list[str]:
    """Return the output that the comments of a block show."""
    return [line.removeprefix("# ") for line in code.splitlines() if line.startswith("# ")]


def assert_printed(done: subprocess.CompletedProcess[str], code: str) -> None:
    """Check the output of a script. "…" in an expected line stands for any text; notes of botchat are ignored."""
    expected = expected_lines(code)
    unexpected = [line for line in done.stderr.splitlines() if not line.startswith("botchat: ")]
    assert (done.returncode, unexpected) == (0, [])
    printed = done.stdout.splitlines()
    patterns = [re.escape(line).replace("…", ".*") for line in expected]
    assert len(printed) == len(expected), printed
    assert [line for line, pattern in zip(printed, patterns, strict=True) if not re.fullmatch(pattern, line)] == []


@pytest.fixture
def run(local_shell, start_api, local_repository, tmp_path):
    """A function that runs code of a page against a server, with the page's placeholders filled in."""
    token = AuthService(local_repository.accounts()).create_token("ann")[1]
    address = start_api().address

    def run(code: str, *command: str) -> subprocess.CompletedProcess[str]:
        code = code.replace("http://127.0.0.1:8600", address).replace("YOUR_TOKEN", token)
        environment = local_shell.environment | {"PYTHONPATH": str(ROOT)}
        environment.pop("PYTHONWARNINGS")
        return subprocess.run(
            [*command, code], capture_output=True, text=True, env=environment, cwd=tmp_path, check=False
        )

    return run


@pytest.mark.skipif(not (shutil.which("curl") and shutil.which("jq")), reason="curl or jq is missing")
@pytest.mark.parametrize("page", ["api.md", "openai.md"])
def test_the_shell_examples_print_what_the_page_shows(run, page):
    code = "\n".join(block for block in blocks(page, "sh") if not block.startswith(_SERVERS))
    commands = f'botchat() {{ {_PYTHON} -m botchat "$@"; }}\npython() {{ {_PYTHON} "$@"; }}\n'
    assert_printed(run(f"set -eo pipefail\n{commands}{code}", "bash", "-c"), code)


def test_the_python_examples_print_what_the_page_shows_and_are_stored(run, local_repository):
    code = "\n".join(blocks("openai.md", "python"))
    assert_printed(run(code, sys.executable, "-c"), code)
    names = {session.name: session.message_count for session in local_repository.page("ann").sessions}
    assert names == {"What is a heron?": 2, "What is a lake?": 2, "What is a river?": 4}


@pytest.mark.parametrize("page", ["api.md", "openai.md"])
def test_the_only_command_that_is_not_run_starts_the_server(page):
    started = [line for block in blocks(page, "sh") for line in block.splitlines() if line.startswith(_SERVERS)]
    assert started == ["botchat api"]


def error_rows() -> Iterator[tuple[int, str]]:
    """Yield each status and code of the table of errors."""
    section = (
        (DOCS / "build" / "api.md").read_text(encoding="utf-8").partition("\n## Errors\n")[2].partition("\n## ")[0]
    )
    for status, codes in re.findall(r"^\| (\d+) \| ([^|]*) \|", section, re.MULTILINE):
        for code in re.findall(r"`(\w+)`", codes):
            yield int(status), code


def test_the_table_of_errors_has_the_status_of_each_code():
    named = {name: kind for name, kind in vars(errors).items() if isinstance(kind, type)}
    for status, code in error_rows():
        if code == "invalid_request":  # the validation of a request, not an error of the core
            assert status in {400, 422}
            continue
        kind = named["".join(part.title() for part in code.split("_"))]
        assert http_errors.http_status(kind.__new__(kind)) == status, code


def test_the_table_of_errors_has_each_status():
    assert {status for status, _ in error_rows()} == {*http_errors._STATUS.values(), 400} - {500}
