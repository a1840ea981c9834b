"""A key or a token is sent to the server that it is for, and to no other."""

import pytest
from support.bots.stub_server import streamed

from botchat.core.errors import ConfigError
from botchat.remote.connection import check_server_url

KEY = "sk-secret"


def test_the_key_of_openai_is_not_sent_to_a_server_of_the_config(local_shell, stub_for):
    server = stub_for(local_shell, lambda _request: streamed(["Hello"]))
    local_shell.environment["OPENAI_API_KEY"] = KEY
    assert local_shell.run("ask", "Hi").stdout == "Hello\n"
    assert [KEY in str(request.headers) for request in server.requests] == [False]


def test_the_key_of_openai_is_sent_to_the_server_that_the_environment_names(local_shell, stub_for):
    server = stub_for(local_shell, lambda _request: streamed(["Hello"]))
    local_shell.configure('[bots.openai]\nmodel = "m"\n')
    local_shell.environment |= {"OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": server.url}
    assert local_shell.run("ask", "Hi").stdout == "Hello\n"
    assert server.requests[-1].headers["authorization"] == f"Bearer {KEY}"


def test_a_token_is_sent_to_another_machine_only_over_https():
    for safe in ("http://127.0.0.1:8600", "http://localhost:8600", "https://chat.example.org"):
        check_server_url(safe)
    for open_to_all in ("http://chat.example.org", "http://10.0.0.1:8600", "http://localhost.example.org"):
        with pytest.raises(ConfigError, match="over the network"):
            check_server_url(open_to_all)
