"""The command line as a shell runs it: stdout, stderr, exit codes, and what is stored."""

import json
import sqlite3
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pymongo
import pytest
from support.shell import error_line, run_on_terminal
from support.stores.servers import Mongod, mongod_binary

from botchat.core.models import Message, Session

HEAVY_LIBRARIES = {"openai", "pymongo", "streamlit", "textual", "fastapi", "bson", "argon2", "jwt", "uvicorn", "limits"}


def store_sessions(repository, user: str, number: int) -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    for i in range(number):
        message = Message(role="user", content=f"{user}'s {i}")
        repository.append(Session(user=user, bot_id="demo", create_time=start + timedelta(minutes=i)), message)


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["sessions", "--help"], ["ask", "--help"]])
def test_help_and_version_load_nothing_heavy(arguments):
    command = "import sys\nfrom botchat.cli import run\ntry: run(sys.argv[1:])"
    look = command + "\nfinally: print(*sys.modules, file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", look, *arguments], capture_output=True, text=True, check=True)
    assert HEAVY_LIBRARIES & set(done.stderr.split()) == set()
    assert "botchat" in done.stdout


def test_the_version_is_the_packages(local_shell):
    from botchat import __version__

    for option in ("--version", "-V"):
        assert local_shell.run(option).stdout == f"botchat {__version__}\n"


def test_an_answer_alone_is_on_stdout_and_the_session_is_stored(shell):
    done = shell.run("ask", "think", "about", "herons")
    assert done.returncode == 0
    assert done.stdout.startswith("*Demo bot: a canned reply, no AI.*")
    assert "canned replies, no AI" in done.stderr
    ((session_id, name, bot, count, created, updated, *_),) = shell.lines("sessions", "list")
    assert session_id in done.stderr
    assert (name, bot, count) == ("think about herons", "demo", "2")
    assert created < updated
    shown = shell.run("sessions", "show", session_id).stdout
    assert "think about herons" in shown
    assert "**Reasoning**" in shown


def test_a_question_comes_from_stdin_too(local_shell):
    assert local_shell.run("ask", stdin="think: from a pipe").returncode == 0
    assert local_shell.run("ask", "-", stdin="think: from a dash").returncode == 0
    assert [line[1] for line in local_shell.lines("sessions", "list")] == ["think: from a dash", "think: from a pipe"]


def test_reasoning_is_shown_on_stderr_when_asked_for(local_shell):
    assert "canned replies, so there is nothing to think about" in local_shell.run("ask", "--reasoning", "think").stderr
    assert "nothing to think about" not in local_shell.run("ask", "think").stderr


def test_sessions_are_listed_in_pages_of_50_by_the_cursor(shell, repository_at):
    store_sessions(repository_at, "ann", 120)
    store_sessions(repository_at, "bob", 3)
    listed, sizes, more = [], [], []
    while True:
        done = shell.run("sessions", "list", *more)
        lines = done.stdout.splitlines()
        listed += [line.split("\t")[1] for line in lines]
        sizes.append(len(lines))
        if "--after" not in done.stderr:
            break
        more = ["--after", done.stderr.split("--after ")[1].strip()]
    assert sizes == [50, 50, 20]
    assert listed == [f"ann's {i}" for i in range(119, -1, -1)]
    assert [line[1] for line in shell.lines("sessions", "list", "--user", "bob")] == ["bob's 2", "bob's 1", "bob's 0"]


def test_a_session_is_exported_whole_as_markdown_and_as_json(shell, repository_at, tmp_path):
    session = Session(user="ann", bot_id="demo", metadata={"k": [1]})
    for i in range(120):
        repository_at.append(session, Message(role="user", content=f"number {i} \ud800 \x1b[31m ünï"))
    document = json.loads(shell.run("sessions", "export", session.id, "-F", "json").stdout)
    assert [m["content"] for m in document["messages"]] == [m.content for m in session.messages]
    assert (document["id"], document["metadata"], document["message_count"]) == (session.id, {"k": [1]}, 120)
    assert document["create_time"].endswith("Z")
    assert "payload" not in document["messages"][0]
    target = tmp_path / "out.md"
    assert shell.run("sessions", "export", session.id, "-o", str(target)).returncode == 0
    text = target.read_text(encoding="utf-8")
    assert text.count("\n## You") == 120
    assert "number 119 \ufffd \x1b[31m ünï" in text
    assert list(tmp_path.glob("*.part")) == []


def test_show_tells_how_many_messages_it_leaves_out(shell, repository_at):
    session = Session(user="ann", bot_id="demo")
    for i in range(60):
        repository_at.append(session, Message(role="user", content=f"number {i}"))
    done = shell.run("sessions", "show", session.id)
    assert "number 9\n" not in done.stdout
    assert "10 earlier messages not shown" in done.stderr
    assert "number 0\n" in shell.run("sessions", "show", session.id, "--last", "60").stdout


def test_odd_names_harm_neither_the_columns_nor_the_terminal(shell, repository_at):
    name = "tab\tnew\nline \x1b]0;title\x07 [/] \x9b31m :red[x] עברית"
    repository_at.append(session := Session(user="ann", bot_id="demo"), Message(role="user", content=name))
    ((_, shown, *_),) = shell.lines("sessions", "list")
    assert shown.startswith("tab new line ␛]0;title␇ [/]")
    assert "\x1b" not in shell.run("sessions", "show", session.id).stdout
    table = run_on_terminal(shell, "sessions", "list")
    assert "tab new line ␛]0;title␇ [/]" in table
    assert "\x1b]0;" not in table
    assert "\x1b[31m" not in run_on_terminal(shell, "sessions", "export", session.id)


def test_an_id_is_never_cut_also_on_a_narrow_terminal(local_shell):
    local_shell.run("ask", "think: " + "a long name " * 10)
    ((session_id, *_),) = local_shell.lines("sessions", "list")
    for columns in (160, 80, 70):
        table = run_on_terminal(local_shell, "sessions", "list", columns=columns)
        assert session_id in table
        assert "think: a" in table
        assert len(table.splitlines()) == 2


# Errors


def test_a_session_that_is_not_there_and_anothers_are_told_alike(shell, repository_at):
    repository_at.append(theirs := Session(user="bob", bot_id="demo"), Message(role="user", content="secret"))
    for command in ("show", "export"):
        done = shell.run("sessions", command, theirs.id)
        assert done.returncode == 3
        assert error_line(done) == f"botchat: Session '{theirs.id}' not found.\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["ask", "-b", "nobody", "hi"], "Bot 'nobody' not found. Configured bots: demo."),
        (["ask", " "], "No question given"),
        (["sessions", "list", "--after", "nonsense"], "Invalid cursor"),
        (["sessions", "list", "--user", ""], "user"),
        (["sessions", "list", "--store", "ftp://x"], "Unknown store type ftp://"),
        (["web", "--host", "0.0.0.0"], "--no-sign-in"),
        (["web", "--port", "70000"], "port"),
    ],
)
def test_bad_input_is_a_usage_error(local_shell, store, arguments, said):
    done = local_shell.run(*arguments)
    assert done.returncode == 2
    assert said in error_line(done)


def test_a_bot_that_fails_is_told_after_what_came(local_shell):
    done = local_shell.run("ask", "error")
    assert done.returncode == 6
    assert "This is the beginning of a reply" in done.stdout
    assert "The demo bot simulated an error" in done.stderr
    ((session_id, *_),) = local_shell.lines("sessions", "list")
    assert "failed" in local_shell.run("sessions", "show", session_id).stdout


def test_a_mongodb_that_is_down_is_told_and_nothing_else_is_used(local_shell, tmp_path):
    local_shell.environment["BOTCHAT_STORE"] = "mongodb://ann:topsecret@127.0.0.1:1/x"
    for command in (["ask", "think"], ["sessions", "list"], ["web"]):
        done = local_shell.run(*command)
        assert done.returncode == 5
        assert "Can't reach MongoDB at mongodb://ann:***@127.0.0.1:1/x." in error_line(done)
    assert list(tmp_path.rglob("*.db")) == []


def test_a_mongodb_that_wants_a_password_is_told(local_shell, tmp_path):
    if mongod_binary() is None:
        pytest.skip("no mongod here: the dev extra carries one for Linux on x86-64 only")
    server = Mongod(tmp_path / "mongod", "--auth")
    server.start()
    try:
        with pymongo.MongoClient(server.uri) as client:
            client.admin.command("createUser", "root", pwd="right", roles=["root"])
        local_shell.environment["BOTCHAT_STORE"] = server.uri
        done = local_shell.run("sessions", "list")
        assert (done.returncode, "mongodb://USER:PASSWORD@HOST" in error_line(done)) == (5, True)
        with_password = server.uri.replace("://", "://root:{}@") + "/x?authSource=admin"
        local_shell.environment["BOTCHAT_STORE"] = with_password.format("wrong")
        done = local_shell.run("sessions", "list")
        assert (done.returncode, "rejected the username or password" in error_line(done)) == (5, True)
        local_shell.environment["BOTCHAT_STORE"] = with_password.format("right")
        assert local_shell.run("sessions", "list").returncode == 0
    finally:
        server.stop()


def test_a_file_that_is_no_store_is_told_and_left_as_it_is(local_shell, tmp_path):
    text = tmp_path / "notes.txt"
    text.write_text("these are notes, not a database, and they are longer than a header " * 20)
    foreign = tmp_path / "foreign.db"
    with sqlite3.connect(foreign) as db:
        db.execute("CREATE TABLE theirs (x)")
    db.close()
    newer = tmp_path / "newer.db"
    local_shell.run("ask", "--store", str(newer), "think")
    with sqlite3.connect(newer) as db:
        db.execute("PRAGMA user_version = 999")
    db.close()
    cases = {
        text: "is not a SQLite database",
        foreign: "another program's database",
        newer: "created by a newer botchat (format 999",
        tmp_path: "Can't open",
        tmp_path / "none" / "x.db": "Create it, or choose another store with --store.",
    }
    for path, said in cases.items():
        before = path.read_bytes() if path.is_file() else None
        done = local_shell.run("sessions", "list", "--store", str(path))
        assert done.returncode == 5, path
        assert said in error_line(done)
        assert (path.read_bytes() if path.is_file() else None) == before


def test_a_config_with_a_mistake_is_told(local_shell):
    config = local_shell.configure("[bots.a]\nmodle = 'x'")
    done = local_shell.run("sessions", "list")
    assert done.returncode == 2
    assert error_line(done) == f"botchat: {config}: unknown key bots.a.modle. Did you mean model?\n"


def test_a_key_that_is_missing_is_told_when_the_bot_is_asked_and_the_question_is_kept(local_shell):
    local_shell.configure("[bots.paid]\nmodel = 'x'\nbase_url = 'http://127.0.0.1:1/v1'\napi_key_env = 'PAID_KEY'")
    done = local_shell.run("ask", "hi")
    assert (done.returncode, done.stdout) == (2, "")
    assert "Set PAID_KEY" in done.stderr
    ((_, name, bot, count, *_),) = local_shell.lines("sessions", "list")
    assert (name, bot, count) == ("hi", "paid", "2")


def test_a_file_that_can_not_be_written_is_told(local_shell, tmp_path):
    local_shell.run("ask", "think")
    ((session_id, *_),) = local_shell.lines("sessions", "list")
    done = local_shell.run("sessions", "export", session_id, "-o", str(tmp_path / "none" / "x.md"))
    assert done.returncode == 2
    assert "Can't write" in error_line(done)
