"""Every fenced block of the docs is run or checked: shell, TOML, JSON, YAML and Python.

The shell blocks of a page run in order, in one shell with a home folder of its own, as a reader would type them. TOML
blocks before them are the config file at that point. `botchat` is support/docs/documented_botchat.py.
"""

import ast
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
import uuid
from pathlib import Path

import pytest
import yaml
from support.bots.stub_server import StubBot, streamed, whole
from support.docs.documents import Block, blocks, pages
from support.docs.shell_blocks import botchat_commands, problem_of, programs
from support.paths import DOCS, ROOT, TESTS

from botchat.settings import load_settings

DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *pages()]
SHOWN = {"text", "mermaid", "nginx", "ini", "js", "http", "powershell"}
"""Languages of blocks that are only shown. tests/api/test_nginx.py runs the nginx configuration."""

NOT_HERE = {
    "docker": "needs a Docker daemon",
    "make": "installs from the network, or serves",
    "mongodump": "comes with MongoDB's tools",
    "mongorestore": "comes with MongoDB's tools",
    "mongosh": "comes with MongoDB's tools",
    "pip": "installs from the network",
    "pipx": "installs from the network",
    "read": "asks the reader",
    "ssh": "needs another machine",
    "sudo": "changes the machine",
    "systemctl": "needs systemd",
    "uv": "installs from the network",
    "uvx": "installs from the network",
}
"""Programs that can't run in a test. A block with one of them isn't run; its syntax and options are checked."""

NOT_RUN = {
    "docs/reference/cli/": "examples of the help, each in a state of its own: checked against the commands",
    "docs/build/api.md": "tests/api/test_docs.py runs them and compares what they print",
    "docs/build/openai.md": "tests/api/test_docs.py runs them and compares what they print",
    "docs/build/library.md": "tests/docs/test_library_pages.py runs the examples; these install and serve",
    "docs/build/strands.md": "tests/docs/test_library_pages.py runs the examples; these install and serve",
    "docs/contribute/": "they run the tests and the benchmarks; tests/docs/test_tests_page.py checks them",
    "docs/admin/serve.md": "needs a replica set; tests/api/test_nginx.py and tests/test_deploy.py run its parts",
}
"""Pages, or beginnings of their paths, whose shell blocks run elsewhere or nowhere, with the reason."""

OTHER_TOML: dict[str, str] = {}
"""First lines of TOML blocks that aren't botchat's config, with the reason."""


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


EVERY_BLOCK = [pytest.param(each, id=str(each)) for document in DOCUMENTS for each in blocks(document)]
WITH_SHELL = [path for path in DOCUMENTS if any(each.language == "sh" for each in blocks(path))]


def reason_not_to_run(block: Block) -> str | None:
    """Return why a shell block isn't run."""
    name = name_of(block.document)
    found = [reason for path, reason in NOT_RUN.items() if name.startswith(path)]
    return next(iter([*found, *(NOT_HERE[each] for each in programs(block.text) if each in NOT_HERE)]), None)


@pytest.mark.parametrize("block", EVERY_BLOCK)
def test_a_block_is_what_its_language_says(block, tmp_path):
    check = CHECKS.get(block.language)
    if check is None:
        assert block.language in SHOWN, f"{block}: unknown language {block.language!r}"
    else:
        check(block.text, tmp_path)


def check_shell(text, _):
    done = subprocess.run(["bash", "-n"], input=text, capture_output=True, text=True, check=False)
    assert (done.stderr, done.returncode) == ("", 0)
    problems = {" ".join(words): problem_of(words) for words in botchat_commands(text)}
    assert {words: problem for words, problem in problems.items() if problem} == {}
    targets = re.findall(r"^([\w-]+(?: [\w-]+)*):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    known = {target for line in targets for target in line.split()}
    assert set(re.findall(r"^make ([a-z-]+)", text, re.MULTILINE)) <= known


def check_toml(text, folder):
    tomllib.loads(text)
    text = re.sub(r'(store = )"(?:env|file):[^"]*"', r'\1"botchat.db"', text)  # where it is isn't there
    if text.splitlines()[0] not in OTHER_TOML:
        (folder / "config.toml").write_text(text)
        load_settings({"BOTCHAT_CONFIG": str(folder / "config.toml")})


def check_json(text, _):
    try:
        json.loads(text)
    except ValueError:
        assert [json.loads(line) for line in text.splitlines()]


def check_yaml(text, _):
    assert list(yaml.safe_load_all(text))


def check_python(text, _):
    """Compile a block, and import what it imports: a name that isn't there fails."""
    tree = ast.parse(text)
    imports = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    exec(compile(ast.Module(imports, type_ignores=[]), "<docs>", "exec"), {})
    compile(tree, "<docs>", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)


CHECKS = {"sh": check_shell, "toml": check_toml, "json": check_json, "yaml": check_yaml, "python": check_python}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """The path of the socket at which commands run."""
    path = tmp_path_factory.mktemp("server") / "socket"
    command = [sys.executable, TESTS / "support" / "docs" / "fork_server.py", path]
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "ready\n"
        yield path
        process.terminate()


@pytest.fixture
def bot():
    """An OpenAI-compatible server that answers at once."""

    def answer(request):
        if request.method == "GET":
            return whole({"object": "list", "data": [{"id": "stub-1", "object": "model"}]})
        if request.path.endswith("/embeddings"):
            return whole({"data": [{"index": 0, "embedding": [1.0, 0.0]}], "model": "stub-1"})
        return streamed(["A heron ", "is a bird."])

    with StubBot(answer) as server:
        yield server


@pytest.fixture
def home(tmp_path):
    """A folder with the command `botchat`, a repository with a change, and nothing else."""
    folder, programs_folder = tmp_path / "home", tmp_path / "bin"
    folder.mkdir()
    programs_folder.mkdir()
    for name, script in (("botchat", f'"{TESTS}/support/docs/documented_botchat.py"'), ("python3", ""), ("python", "")):
        program = programs_folder / name
        program.write_text(f'#!/bin/sh\nexec "{sys.executable}" {script} "$@"\n')
        program.chmod(0o755)
    (folder / "notes.txt").write_text("Herons stand still.\n")
    for command in (["init", "-q"], ["add", "."]):
        subprocess.run(["git", *command], cwd=folder, check=True)
    (folder / "notes.txt").write_text("Herons stand very still.\n")
    return folder


def script_of(document: Path, bot_url: str) -> tuple[str, list[str]]:
    """Return a script of the shell blocks of a page with its config files, and why others aren't run."""
    lines, skipped = ["set -eo pipefail", "mkdir -p ~/.config/botchat"], []
    for block in blocks(document):
        if block.language == "toml" and block.text.splitlines()[0] not in OTHER_TOML:
            config = re.sub(r'(base_url = )"[^"]*"', rf'\1"{bot_url}"', block.text)
            lines += ["cat > ~/.config/botchat/config.toml <<'END_OF_CONFIG'", config.rstrip(), "END_OF_CONFIG"]
        elif block.language == "sh" and (reason := reason_not_to_run(block)):
            skipped.append(f"{block}: {reason}")
        elif block.language == "sh":
            lines += [f"echo '==> {block}' >&2", block.text.rstrip()]
    return "\n".join([*lines, "wait"]), skipped


@pytest.mark.parametrize("document", WITH_SHELL, ids=name_of)
@pytest.mark.timeout(300)
def test_the_shell_blocks_of_a_page_run_in_order(document, bot, home, server, request):
    script, skipped = script_of(document, bot.url)
    if "==> " not in script:
        pytest.skip("; ".join(dict.fromkeys(each.partition(": ")[2] for each in skipped)))
    missing = {name for name in ("curl", "jq", "git") if name in programs(script) and shutil.which(name) is None}
    if missing:
        pytest.skip(f"no {', '.join(missing)} here")
    environment = {
        "HOME": str(home),
        "LOGNAME": "ann",
        "PATH": f"{home.parent / 'bin'}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "DOCS_BOT": bot.url,
        "DOCS_SERVER": str(server),
        "DOCS_DATABASE": f"docs_{uuid.uuid4().hex}",
    }
    if "mongodb" in script:
        environment["DOCS_MONGO"] = request.getfixturevalue("mongod").uri
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=home,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{done.stderr[-3000:]}\n{done.stdout[-1000:]}"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("git diff | botchat ask 'a | b' && FOO=1 make web", ["git", "botchat", "make"]),
        ("for p in 1 2; do sudo ls & done", ["sudo"]),
        ('x=$(jq -r .id a.json)  # docker run\nif botchat doctor; then echo "make"; fi', ["jq", "botchat", "echo"]),
        ("curl -s a \\\n  -d '{}' | tee b", ["curl", "tee"]),
        ('curl -H "Bearer $(cat token)" a', ["cat", "curl"]),
        ("cat > a <<'END'\nsudo ls\nEND\nls a", ["cat", "ls"]),
        ("docker run botchat web", ["docker"]),
    ],
)
def test_the_programs_of_a_shell_text_are_found(text, found):
    assert programs(text) == found


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("botchat sessions list -n 5 --user ann", None),
        ("botchat ask 'what --is this' | botchat ask -", None),
        ("echo x | botchat sessions lst", "there is no command 'lst'"),
        ("botchat sessions list --usr ann", "there is no option --usr"),
        ("x=$(botchat ask --jsn hi)", "there is no option --jsn"),
    ],
)
def test_a_mistake_in_a_command_is_found_without_running_it(line, problem):
    assert [found for words in botchat_commands(line) if (found := problem_of(words))] == ([problem] if problem else [])


def test_every_exception_is_one_of_a_page_that_is_there():
    assert [path for path in NOT_RUN if not any(name_of(page).startswith(path) for page in DOCUMENTS)] == []
    assert DOCS.is_dir()
