"""Proxies and certificates from the environment: used if valid, else reported by the name of their variable."""

import os
import select
import socket
import subprocess
import sys
import threading
from contextlib import contextmanager, suppress

import httpx2
import pytest
from support.bots.asked_bot import ask, bot_at
from support.bots.stub_server import Answer, StubBot, refused, streamed, whole
from support.paths import TESTS
from support.stores.servers import free_port

from botchat.core.bots.http_client import Proxy, is_valid_url, open_client, proxy_for
from botchat.core.errors import BotError, ConfigError
from botchat.core.turn import fetch_model_lists

HI = streamed(["Hi."])
TIMEOUT = httpx2.Timeout(5)


def run(code: str, **environment: str) -> str:
    """Run code with only the given proxies set; return its output."""
    inherited = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    # The HTTP library leaves a connection that its proxy refused to the garbage collector.
    done = subprocess.run(
        [
            sys.executable,
            "-W",
            "error",
            "-W",
            "ignore::ResourceWarning",
            "-c",
            f"from support.bots.asked_bot import ask, bot_at\n{code}",
        ],
        cwd=TESTS,
        env=inherited | environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stderr == ""
    return done.stdout.strip()


def ask_through(**environment: str) -> str:
    """Ask a bot on another machine with these variables set; return its answer or its error."""
    return run("h = ask(bot_at('http://bot.invalid/v1'))[0]\nprint(h.content or h.error)", **environment)


class SmallServer:
    """Serves one client at a time, in a thread, within its `with` block."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._over, self._end = socket.socketpair()
        self._thread = threading.Thread(target=self._serve)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._end.close()
        self._thread.join()
        self._over.close()
        self._listener.close()

    def _serve(self) -> None:
        while self._listener in self._ready(self._listener):
            with self._listener.accept()[0] as client, suppress(OSError):
                self.talk(client)

    def _ready(self, *sockets: socket.socket) -> list[socket.socket]:
        """Wait for one of these sockets; return [] at the end."""
        ready = select.select([*sockets, self._over], [], [])[0]
        return [] if self._over in ready else ready

    def talk(self, client: socket.socket) -> None:
        """Answer a TLS client in plain text."""
        client.sendall(b"HTTP/1.0 400 No\r\n\r\n")
        client.recv(65536)


class SocksServer(SmallServer):
    """A SOCKS 5 server that connects every client to one address, or rejects every password."""

    def __init__(self, target: str, *, refuses: bool = False) -> None:
        super().__init__()
        self._target, self._refuses = int(target.rpartition(":")[2].removesuffix("/v1")), refuses
        self.hosts: list[bytes] = []

    def talk(self, client: socket.socket) -> None:
        client.recv(512)
        client.sendall(b"\x05\x02" if self._refuses else b"\x05\x00")
        asked = client.recv(512)
        if self._refuses:
            client.sendall(b"\x01\x01")
            return
        self.hosts.append(asked[5:-2])
        client.sendall(b"\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00")
        with socket.create_connection(("127.0.0.1", self._target)) as far:
            while ready := self._ready(client, far):
                for source in ready:
                    data = source.recv(65536)
                    if not data:
                        return
                    (far if source is client else client).sendall(data)


@pytest.mark.parametrize("scheme", ["socks", "socks5", "socks5h", "SOCKS5"])
def test_a_socks_proxy_is_used_also_by_the_name_that_gnome_gives_it(scheme):
    with StubBot([HI]) as stub, SocksServer(stub.url) as proxy:
        assert ask_through(ALL_PROXY=f"{scheme}://127.0.0.1:{proxy.port}/") == "Hi."
    assert proxy.hosts == [b"bot.invalid"]


def test_an_http_proxy_is_used_with_its_password_and_no_proxy_is_heeded():
    with StubBot([HI]) as proxy:
        address = proxy.url.removesuffix("/v1").replace("http://", "http://ann:p%40ss@")
        assert ask_through(http_proxy=address) == "Hi."
        assert proxy.requests[0].headers["proxy-authorization"] == "Basic YW5uOnBAc3M="
        assert ask_through(HTTP_PROXY=address, NO_PROXY="other, .invalid").startswith("Can't reach http://bot.invalid")
        assert len(proxy.requests) == 1


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("ALL_PROXY", "socks4://127.0.0.1:1", "has an unsupported scheme. Use http://, https:// or socks5://."),
        ("HTTP_PROXY", "ftp://host:1", "has an unsupported scheme. Use http://, https:// or socks5://."),
        ("HTTP_PROXY", "http://host:port", "isn't a valid URL. Use http://HOST:PORT, and percent-encode"),
        ("http_proxy", "http://[::1", "isn't a valid URL. Use http://HOST:PORT, and percent-encode"),
        ("http_proxy", "http://", "isn't a valid URL."),
        ("http_proxy", "http://h:0", "isn't a valid URL."),
        ("http_proxy", "http://h:99999", "isn't a valid URL."),
        ("http_proxy", f"http://{'a' * 64}.example", "isn't a valid URL."),
        ("all_proxy", "http://user:pa#ss@host:1", "isn't a valid URL."),
        ("all_proxy", "http://user:80/ss@host:1", "isn't a valid URL."),
        ("all_proxy", "http://user:p@ss@host:1", "isn't a valid URL."),
    ],
)
def test_a_proxy_that_can_not_be_used_is_named_by_its_variable_and_no_part_of_it_is_shown(name, value, says):
    with pytest.raises(ConfigError) as caught:
        open_client("http://bot.invalid/v1", timeout=TIMEOUT, environment={name: value})
    message = str(caught.value)
    assert message.startswith(f"The proxy in {name} {says}")
    assert not any(part in message for part in ("pa#ss", "ss@", "port'", "aaaa", "99999"))


def test_a_bad_proxy_is_an_error_of_the_bot_and_others_are_still_checked():
    code = (
        "from botchat.core.turn.probe import fetch_model_lists, probe_bots\n"
        "bots = [bot_at('http://bot.invalid/v1'), bot_at('http://127.0.0.1:1/v1')]\n"
        "print([str(e) for e in fetch_model_lists(bots, 9)], [str(t.failure) for t in probe_bots(bots)])"
    )
    said = run(code, ALL_PROXY="socks9://ann:geheim@h:1")
    assert said.count("The proxy in ALL_PROXY has an unsupported scheme.") == 2
    assert said.count("Can't reach http://127.0.0.1:1/v1") == 2
    assert "geheim" not in said


def test_a_proxy_that_is_down_is_named_and_not_the_server():
    said = ask_through(HTTP_PROXY=f"http://ann:geheim@127.0.0.1:{free_port()}")
    assert said == (
        "Can't reach the proxy in HTTP_PROXY. Check that it is running and HTTP_PROXY is correct, "
        "or add the server's host to NO_PROXY."
    )


def test_a_proxy_that_refuses_is_named():
    with StubBot([refused(407, "Who are you?")] * 3) as proxy:
        said = run("print(ask(bot_at('https://bot.invalid/v1'))[0].error)", HTTPS_PROXY=proxy.url.removesuffix("/v1"))
    assert said.startswith("Can't reach https://bot.invalid/v1 through the proxy in HTTPS_PROXY: it requires another")
    with StubBot([]) as stub, SocksServer(stub.url, refuses=True) as proxy:
        said = ask_through(ALL_PROXY=f"socks5://no:no@127.0.0.1:{proxy.port}")
    assert said.startswith(
        "Can't reach http://bot.invalid/v1 through the proxy in ALL_PROXY: it refused the connection"
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [("OPENAI_ORG_ID", "org\nQZQZ"), ("OPENAI_PROJECT_ID", "QZQZé"), ("OPENAI_CUSTOM_HEADERS", "QZQZ é: x\ny")],
)
def test_a_header_of_the_environment_that_can_not_be_sent_is_reported_without_its_value(name, value):
    with StubBot([HI]) as stub:
        said = run(f"print(ask(bot_at({stub.url!r}))[0].error)", **{name: value})
    assert said.startswith(f"Can't send a request to {stub.url}: its address or a header isn't valid.")
    assert name in said
    assert "QZQZ" not in said


# Which proxy


@pytest.mark.parametrize(
    ("url", "environment", "expected"),
    [
        ("http://h/v1", {"HTTP_PROXY": "p:1"}, Proxy("HTTP_PROXY", "http://p:1")),
        ("https://h/v1", {"HTTP_PROXY": "p:1"}, None),
        ("https://h/v1", {"HTTP_PROXY": "p:1", "all_proxy": "socks5://q:2"}, Proxy("all_proxy", "socks5://q:2")),
        ("http://h/v1", {"HTTP_PROXY": "p:1", "http_proxy": "q:2"}, Proxy("http_proxy", "http://q:2")),
        ("http://h/v1", {"http_proxy": " "}, None),
        ("http://h/v1", {"HTTP_PROXY": "p:1", "REQUEST_METHOD": "GET"}, None),
        ("http://h/v1", {"HTTP_PROXY": "p:1", "NO_PROXY": "*"}, None),
        ("http://h.example/v1", {"HTTP_PROXY": "p:1", "NO_PROXY": "x,example"}, None),
        ("http://h.example/v1", {"HTTP_PROXY": "p:1", "NO_PROXY": ".EXAMPLE"}, None),
        ("http://h.example/v1", {"HTTP_PROXY": "p:1", "NO_PROXY": "*.example"}, None),
        ("http://h.example:8/v1", {"HTTP_PROXY": "p:1", "NO_PROXY": "h.example:8"}, None),
        ("http://u:p@h.example/v1", {"HTTP_PROXY": "p:1", "NO_PROXY": "http://h.example"}, None),
        ("http://hexample/v1", {"HTTP_PROXY": "p:1", "NO_PROXY": "example,,"}, Proxy("HTTP_PROXY", "http://p:1")),
        ("http://10.1.2.3/v1", {"HTTP_PROXY": "p:1", "NO_PROXY": "10.0.0.0/8"}, None),
        ("http://10.1.2.3:8/v1", {"HTTP_PROXY": "p:1", "NO_PROXY": "10.1.2.3"}, None),
        ("http://11.1.2.3/v1", {"HTTP_PROXY": "p:1", "NO_PROXY": "10.0.0.0/8 x/y"}, Proxy("HTTP_PROXY", "http://p:1")),
        ("http://[fd00::1]:8/v1", {"HTTP_PROXY": "p:1", "NO_PROXY": "[fd00::1],127.0.0.1"}, None),
        ("http://[fd00::1]/v1", {"HTTP_PROXY": "p:1", "NO_PROXY": "fd00::/8"}, None),
    ],
)
def test_the_proxy_for_a_server_is_chosen_as_curl_does(url, environment, expected):
    assert proxy_for(url, environment) == expected


# Certificates and addresses


def test_certificates_of_the_environment_count_also_for_https_on_this_machine_and_not_for_plain_http(tmp_path):
    bad = tmp_path / "bad.pem"
    bad.write_text("no certificate")
    with StubBot([HI]) as stub:
        code = f"print(ask(bot_at({stub.url!r}))[0].content, ask(bot_at('https://127.0.0.1:1/v1'))[0].error)"
        said = run(code, SSL_CERT_FILE=str(bad), SSL_CERT_DIR="")
    assert said.startswith("Hi. Can't load the certificates in SSL_CERT_FILE (")
    assert said.endswith("Check SSL_CERT_FILE.")


def test_a_server_that_speaks_no_tls_is_a_problem_of_its_certificate_and_not_of_the_proxy():
    with SmallServer() as server:
        (heard,) = ask(bot_at(f"https://127.0.0.1:{server.port}/v1"))
    assert heard.error.startswith("Can't verify the certificate of https://127.0.0.1")


@pytest.mark.parametrize(
    "url",
    ["http://", "http://h:x", "http://[::1", "http://h:0", f"http://{'a' * 64}.b", "http://a..b", "http://a b/", "x"],
)
def test_an_address_that_nothing_can_be_asked_at_is_not_valid(url):
    assert not is_valid_url(url)


@pytest.mark.parametrize(
    "url", ["http://h", "https://h:8/v1?a=b", "http://[::1]:8/v1", "http://ann:p%40@h/", "https://bücher.example/@x"]
)
def test_an_address_that_can_be_asked_is_valid(url):
    assert is_valid_url(url)


# A bot's address


@pytest.mark.parametrize(
    ("path", "asked"),
    [
        ("/v1", "/v1/chat/completions"),
        ("/v1/", "/v1/chat/completions"),
        ("", "/chat/completions"),
        ("/v1/chat/completions", "/v1/chat/completions"),
        ("/v1/chat/completions/", "/v1/chat/completions"),
        (
            "/openai/deployments/gpt?api-version=2024-10-21",
            "/openai/deployments/gpt/chat/completions?api-version=2024-10-21",
        ),
        ("/v1/chat/completions?a=b%20c&d=", "/v1/chat/completions?a=b+c&d="),
        ("/v1#part", "/v1/chat/completions"),
    ],
)
def test_the_paths_of_the_api_are_put_behind_the_path_of_base_url_and_before_its_query(path, asked):
    with StubBot([HI]) as stub:
        (heard,) = ask(bot_at(stub.url.removesuffix("/v1") + path))
    assert (heard.content, stub.requests[0].path.replace("%20", "+")) == ("Hi.", asked)


def test_the_list_of_models_and_embeddings_are_asked_for_with_the_query_too():
    def answer(request):
        return whole({"data": [{"id": "first", "index": 0, "embedding": [1.0]}]}) if "chat" not in request.path else HI

    with StubBot(answer) as stub:
        ask(bot_at(f"{stub.url}?api-version=7", model=None, api_key="secret-key"))
    assert [request.path for request in stub.requests] == [
        "/v1/models?api-version=7",
        "/v1/chat/completions?api-version=7",
    ]
    assert stub.requests[1].headers["api-key"] == "secret-key"


def test_a_user_name_and_password_of_base_url_are_sent_and_are_not_part_of_the_address_asked():
    with StubBot([HI]) as stub:
        ask(bot_at(stub.url.replace("http://", "http://ann:p%40ss@")))
    assert stub.requests[0].headers["authorization"] == "Basic YW5uOnBAc3M="


def redirect(status: int, location: str) -> Answer:
    return Answer(steps=[], status=status, headers={"location": location})


def test_a_redirect_that_keeps_the_request_is_followed_and_one_that_does_not_is_reported():
    with StubBot([redirect(308, "/v2/chat/completions"), HI]) as stub:
        assert ask(bot_at(stub.url))[0].content == "Hi."
    with StubBot([redirect(301, "/v2/chat/completions?x=geheim"), refused(404, "No such page.")]) as stub:
        (heard,) = ask(bot_at(stub.url))
    new = stub.url.replace("/v1", "/v2")
    assert heard.error == f"{stub.url} redirects to {new} (HTTP 404). Set base_url to the new address."
    with StubBot([redirect(302, "/login"), whole("<title>Sign in</title>", kind="text/html")]) as stub:
        (heard,) = ask(bot_at(stub.url))
    assert "redirects to an address that isn't a chat API (Sign in)" in heard.error


@contextmanager
def no_output(capfd):
    yield
    assert capfd.readouterr() == ("", "")


def test_whatever_one_bot_raises_the_others_are_still_checked(capfd):
    class Broken:
        def __init__(self, info) -> None:
            self.info = info

        async def list_models(self):
            raise LookupError("odd")

        async def aclose(self) -> None:
            raise RuntimeError("odd too")

    with StubBot([whole({"data": [{"id": "first"}]})]) as stub, no_output(capfd):
        fine = bot_at(stub.url)
        broken, listed = fetch_model_lists([Broken(fine.info), fine], 9)
    assert isinstance(broken, BotError)
    assert "RuntimeError: odd too" in str(broken)
    assert listed == ["first"]
