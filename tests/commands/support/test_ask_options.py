"""The options of `botchat ask`: model, system prompt, parameters, attachments, a schema and a server."""

import base64
import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from support.bots.stub_server import StubBot, streamed
from support.shell import error_line
from support.stores.sessions import stored

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
SCHEMA = json.dumps(
    {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$defs": {"number.of": {"type": "integer"}},
        "type": "object",
        "properties": {"legs": {"$ref": "#/$defs/number.of"}},
        "required": ["legs"],
    }
)


@contextmanager
def file_server(data: bytes):
    """Serve these bytes at every path, and a redirect to them at /moved; yield the URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(302 if self.path == "/moved" else 404 if self.path == "/none" else 200)
            if self.path == "/moved":
                self.send_header("Location", "/heron.png?size=1")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_model_system_prompt_and_parameters_are_sent_and_stay_with_the_session(local_shell, store, stub_for):
    server = stub_for(local_shell, lambda _: streamed("hi"))
    options = ["-m", "big-1", "-s", "Be brief.", "-o", "temperature=0.2", "-o", 'stop=["x"]', "-o", "user=ann b"]
    done = local_shell.run("ask", *options, "hello")
    assert (done.returncode, done.stdout) == (0, "hi\n"), done.stderr
    assert "(big-1)" in done.stderr
    assert local_shell.run("ask", "-c", "-o", "temperature=null", "again").returncode == 0
    first, second = (request.body for request in server.requests)
    assert (first["model"], first["temperature"], first["stop"], first["user"]) == ("big-1", 0.2, ["x"], "ann b")
    assert first["messages"][0] == {"role": "system", "content": "Be brief."}
    assert (second["model"], second["stop"], "temperature" in second) == ("big-1", ["x"], False)
    (session,) = store.page("ann").sessions
    assert store.get("ann", session.id).bot_model == "big-1"


@pytest.mark.parametrize(
    ("option", "reason"),
    [
        (["-o", "hot"], "Invalid option 'hot'. Use --option key=value"),
        (["-o", "stream=false"], "Can't set parameter 'stream'"),
        (["-m", ""], "The model"),
        (["-a", "/none/at/all.txt"], "Can't read /none/at/all.txt: No such file"),
        (["--schema", "/none.json"], "Can't read the schema /none.json: No such file"),
        (["--schema", '{"type": 5}'], "isn't a valid JSON Schema"),
        (["--schema", "{no"], "isn't valid JSON"),
        (["--server", "127.0.0.1"], "--server needs a URL"),
        (["--server", "http://h/v1", "-b", "demo"], "not both"),
    ],
)
def test_a_wrong_option_is_refused_before_anything_is_asked_or_stored(local_shell, store, option, reason):
    done = local_shell.run("ask", *option, "hi")
    assert (done.returncode, reason in error_line(done)) == (2, True), done.stderr
    assert store.page("ann").sessions == ()


def test_files_addresses_and_piped_input_are_attached(local_shell, store, stub_for, tmp_path):
    server = stub_for(local_shell, lambda _: streamed("seen"))
    with (tmp_path / "config.toml").open("a") as config:
        config.write("images = true\n")
    (tmp_path / "notes.md").write_text("# Herons")
    with file_server(PNG) as url:
        files = ["-a", str(tmp_path / "notes.md"), "-a", f"{url}/heron.png?size=1", "-a", "-"]
        done = local_shell.run("ask", "What is this?", *files, stdin="piped")
        assert done.returncode == 0, done.stderr
        assert local_shell.run("ask", "hi", "-a", f"{url}/moved").returncode == 0
        done = local_shell.run("ask", "hi", "-a", f"{url}/none")
        assert (done.returncode, "127.0.0.1 returned HTTP 404." in error_line(done)) == (1, True)
    second, first = (store.get("ann", session.id) for session in store.page("ann").sessions)
    names = [(file.name, file.type) for file in first.messages[0].files]
    assert names == [("notes.md", "text/markdown"), ("heron.png", "image/png"), ("stdin.txt", "text/plain")]
    assert first.messages[0].content == "What is this?"
    assert [file.name for file in second.messages[0].files] == ["moved"]
    assert "# Herons" in json.dumps(server.requests[0].body)


def test_a_reply_of_a_schema_is_checked_and_the_next_question_is_free(local_shell, store, stub_for, tmp_path):
    answers = [streamed('{"legs": 2}'), streamed('{"legs": "two"}'), streamed("Two."), streamed("Free.")]
    server = stub_for(local_shell, answers)
    (tmp_path / "schema.json").write_text(SCHEMA)
    done = local_shell.run("ask", "--schema", str(tmp_path / "schema.json"), "Legs?")
    assert (done.returncode, json.loads(done.stdout)) == (0, {"legs": 2})
    wrong = local_shell.run("ask", "-c", "--schema", SCHEMA, "Legs?")
    assert (wrong.returncode, "doesn't match the schema at $.legs" in wrong.stderr) == (6, True), wrong.stderr
    prose = local_shell.run("ask", "-c", "--schema", SCHEMA, "Legs?")
    assert (prose.returncode, "isn't valid JSON" in prose.stderr) == (6, True), prose.stderr
    assert local_shell.run("ask", "-c", "And now?").returncode == 0
    formats = [request.body.get("response_format") for request in server.requests]
    assert formats[0]["json_schema"]["schema"] == json.loads(SCHEMA)
    assert [kind and kind["type"] for kind in formats] == ["json_schema"] * 3 + [None]
    (session,) = store.page("ann").sessions
    assert store.get("ann", session.id).bot_params == {}


def test_a_server_is_asked_without_a_config_and_only_its_own_key_is_sent(local_shell, store):
    local_shell.environment["OPENAI_API_KEY"] = "not-for-this-server"
    session = stored(store, name="Herons")
    with StubBot(lambda _: streamed("hi")) as server:
        done = local_shell.run("ask", "--server", server.url, "-m", "any", "hello")
        assert (done.returncode, done.stdout) == (0, "hi\n"), done.stderr
        local_shell.environment["BOTCHAT_SERVER_KEY"] = "sesame-open"
        assert local_shell.run("ask", "--session", "Herons", "--server", server.url, "-m", "b", "hi").returncode == 0
        assert "not-for-this-server" not in str(server.requests)
        keys = [request.headers.get("authorization") for request in server.requests]
    assert "sesame-open" in keys[1]
    assert [request.body["model"] for request in server.requests] == ["any", "b"]
    assert store.get("ann", session.id).bot_model == "b"
