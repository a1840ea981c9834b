"""The Python examples of docs/build/library.md and strands.md, run in order: each prints the comments below it."""

import contextlib
import re

import pytest
from fastapi.testclient import TestClient
from support.bots.stub_server import StubBot, streamed
from support.environment import environment
from support.paths import DOCS
from support.shell import Shell

from botchat.library import Store

BUILD = DOCS / "build"


def blocks(page: str, language: str = "python") -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", (BUILD / page).read_text("utf-8"), re.DOTALL | re.MULTILINE)


def run(code: str, names: dict, capsys: pytest.CaptureFixture[str]) -> None:
    """Run an example in a namespace; check that it prints the lines of its comments."""
    exec(compile(code, "example", "exec"), names)
    expected = [line.removeprefix("# ") for line in code.splitlines() if line.startswith("# ")]
    printed = capsys.readouterr().out.splitlines()
    assert printed == expected or not expected


@pytest.fixture
def folder(tmp_path):
    with environment(BOTCHAT_STORE=None, BOTCHAT_CONFIG=None, HOME=str(tmp_path)), contextlib.chdir(tmp_path):
        yield tmp_path


def shown(folder, page: str) -> str:
    """Return the output of the page's last command that shows a session."""
    command = [line for block in blocks(page, "sh") for line in block.splitlines() if line.startswith("botchat ")][-1]
    done = Shell(folder, "none.db").run(*command.split()[1:])
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_library_page(folder, capsys, request):
    names: dict = {}
    for code in blocks("library.md"):
        uri = request.getfixturevalue("own_mongod").uri if "MongoClient" in code else ""
        run(code.replace("mongodb://127.0.0.1:27017", uri), names, capsys)
    with TestClient(names["app"]) as client:
        assert client.get("/sessions/case-4711").json() == ["My parcel is late.", "I'll look into it."]
    names["store"].close()
    names["client"].close()
    assert "I'll look into it." in shown(folder, "library.md")


def test_the_strands_page(folder, capsys):
    names: dict = {}
    with StubBot(lambda _: streamed(["I'll look ", "into it."])) as server:
        for code in blocks("strands.md"):
            run(code.replace("http://127.0.0.1:8080/v1", server.url), names, capsys)
    with Store.open("botchat.db", user="ann") as store:
        messages = store.session("case-4711").messages()
    assert [message.content for message in messages] == ["My parcel is late.", "I'll look into it."]
    assert "I'll look into it." in shown(folder, "strands.md")
