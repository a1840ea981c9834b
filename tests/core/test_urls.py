"""No part of a secret in a URL gets into a message, a name or a log, also if the URL is invalid."""

import asyncio
import logging
from contextlib import aclosing

import httpx2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.bots.asked_bot import bot_at, collect_reply
from support.bots.stub_server import StubBot, refused

from botchat.bootstrap import build_repository, sqlite_path
from botchat.core.bots.http_client import open_client
from botchat.core.errors import BotchatError, ConfigError
from botchat.core.storage.mongo.client import open_client as open_mongo
from botchat.core.turn import fetch_model_lists
from botchat.core.urls import hide_secrets, is_unambiguous, secrets_in, without_password
from botchat.remote.connection import Connection, check_server_url

RARE = "QZ"  # letters that no sentence of botchat's has: what shows them together with a neighbor shows the secret
PUNCTUATION = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~ "
STORES = [
    "mongodb://ann:{}@127.0.0.1:1/db",
    "mongodb://ann:{}@127.0.0.1:1,127.0.0.1:2/db?w=1",
    "mongodb://{}@127.0.0.1:1/db",
    "mongodb://ann:{}",
    "mongodb://ann:x@127.0.0.1:1/db?tlsCertificateKeyFilePassword={}",
    "mongodb://ann:x@127.0.0.1:1/db?authMechanismProperties=A:{}&tls=perhaps",
    "MONGODB://ann:{}@h/db",
    "mongodb:/ann:{}@h/db",
    "mongodb:ann:{}@h",
    "ann:{}@h/db",
    "sqlite://ann:{}@h/db",
    "postgres://ann:{}@h/db",
]
URLS = [
    "http://ann:{}@HOST/v1",
    "http://{}@HOST/v1",
    "http://:{}@HOST/v1",
    "http://ann:{}",
    "http://HOST/v1?api-key={}",
    "http://HOST/v1?a=b&token={}",
    "http://ann:x@HOST/v1?password={}",
    "http://HOST/v1#{}",
    "http://HOST/v1/chat/completions?key={}",
]


def parts_of(secret: str) -> set[str]:
    """Return the parts of a secret that occur only because of it."""
    parts = {secret[i : i + 3] for i in range(len(secret) - 2)}
    return {part for part in parts if any(letter in part for letter in RARE)}


passwords = st.text(PUNCTUATION + RARE * 8, min_size=4, max_size=14).filter(parts_of)


def as_placed(form: str, secret: str) -> str:
    """A secret as it can stand in a place.

    Alone before an @, its part before a colon is a user name. Where no host follows, what follows its @ is one:
    `ann:a@b` has the password `a`, whatever was meant.
    """
    if form.endswith("ann:{}"):
        head, _, tail = secret.rpartition("@")
        return secret if not head else head.replace("@", "") + tail
    return secret.replace(":", "") if "//{}@" in form else secret


def check_hidden(secret: str, *texts: str) -> None:
    shown = [(part, text) for part in parts_of(secret) for text in texts if part in text]
    assert shown == []


def error_of(function, *arguments, **named) -> str:
    """Return the message of the error that a call raises; "" if it raises none."""
    try:
        made = function(*arguments, **named)
    except BotchatError as error:
        return str(error)
    if hasattr(made, "close"):
        made.close()
    return getattr(made, "name", "")


@pytest.mark.filterwarnings("ignore::UserWarning")  # the driver's about options, without their values
@pytest.mark.parametrize("form", STORES)
@given(secret=passwords)
@settings(max_examples=20, deadline=None)
def test_a_store_address_shows_no_part_of_its_password(form, secret):
    secret = as_placed(form, secret)
    address = form.format(secret)
    check_hidden(secret, without_password(address))
    if "mongodb://" in address:
        check_hidden(secret, error_of(build_repository, address))
    else:
        check_hidden(secret, error_of(sqlite_path, address))


@pytest.mark.parametrize("form", URLS)
@given(secret=passwords)
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_bots_address_shows_no_part_of_a_secret_in_it_whatever_its_server_says(form, secret, caplog):
    caplog.clear()
    secret = as_placed(form, secret)
    with StubBot(lambda request: refused(404, f"No {request.path} here.")) as stub:
        url = form.replace("HOST", stub.url.removeprefix("http://").removesuffix("/v1")).format(secret)
        bot = bot_at(url)

        async def asking() -> str:
            async with aclosing(bot):
                return str((await collect_reply(bot)).error)

        with caplog.at_level(logging.INFO):
            error = asyncio.run(asking())
        tried = fetch_model_lists([bot], 9)
    check_hidden(secret, error, *map(str, tried), bot.info.label, without_password(url))
    check_hidden(secret, *(record.getMessage() for record in caplog.records))


@pytest.mark.parametrize(
    "form", ["http://ann:{}@h:1", "socks5://{}@h:1", "ftp://ann:{}@h", "ann:{}@h:1", "http://ann:{}"]
)
@given(secret=passwords)
@settings(max_examples=15, deadline=None)
def test_a_proxy_shows_no_part_of_its_password(form, secret):
    secret = as_placed(form, secret)
    environment = {"HTTP_PROXY": form.format(secret)}
    check_hidden(
        secret, error_of(open_client, "http://bot.invalid", timeout=httpx2.Timeout(1), environment=environment)
    )


@pytest.mark.parametrize("form", URLS)
@given(secret=passwords)
@settings(max_examples=15, deadline=None)
def test_a_servers_address_shows_no_part_of_a_secret_in_it(form, secret):
    secret = as_placed(form, secret)
    server = form.replace("HOST", "127.0.0.1:1").format(secret)
    problem = error_of(check_server_url, server)
    check_hidden(secret, problem)
    if not problem:
        connection = Connection(server, None)
        check_hidden(secret, connection.server)
        connection.close()


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("mongodb://ann:geheim@h1:27017,h2/x", "mongodb://ann:***@h1:27017,h2/x"),
        ("mongodb+srv://ann:geheim@c.example.net", "mongodb+srv://ann:***@c.example.net"),
        ("mongodb://ann:geheim@[::1]:27017/x", "mongodb://ann:***@[::1]:27017/x"),
        ("mongodb://ann:ge/heim@h/x", "mongodb://ann:***@h/x"),
        ("mongodb://ann:geheim", "mongodb://***"),
        ("http://127.0.0.1:8080/v1/", "http://127.0.0.1:8080/v1/"),
        ("https://ge:he:im@h/v1", "https://ge:***@h/v1"),
        ("https://token@h/v1", "https://***@h/v1"),
        ("https://h/v1#geheim", "https://h/v1"),
        ("http://[::1", "http://***"),
        ("ann:ge/heim@h", "***"),
        ("C:/Users/ann@home/x.db", "C:/Users/ann@home/x.db"),
        ("notes.db", "notes.db"),
    ],
)
def test_an_address_is_shown_as_far_as_it_is_certainly_no_secret(address, shown):
    assert without_password(address) == shown


@pytest.mark.parametrize(
    ("uri", "says"),
    [
        (
            "mongodb://ann:p@ss/w0rd@127.0.0.1:1/x",
            "percent-encode special characters in the username and password (@ as %40",
        ),
        (
            "mongodb://ann:p%zz@127.0.0.1:1/x",
            "percent-encode special characters in the username and password (@ as %40",
        ),
        ("mongodb://ann:p?x@127.0.0.1:1/x", "percent-encode special characters in the username and password (@ as %40"),
        ("mongodb://127.0.0.1:1/my.db", "a MongoDB database name can't contain a dot"),
        ("mongodb://127.0.0.1:1/my%2Edb", "a MongoDB database name can't contain a dot"),
        ("mongodb://127.0.0.1:port/x", "check the host, port and options. Use mongodb://USER:PASSWORD@HOST:PORT"),
        ("mongodb://127.0.0.1:1/x?tlsCAFile=/none", "a file in its options can't be read"),
        ("mongodb://ann:geheim@127.0.0.1:99999/x", "check the host, port and options"),
        ("mongodb+srv://ann:geheim@nowhere.invalid:1/x", "mongodb+srv://USER:PASSWORD@HOST/DATABASE without a port"),
    ],
)
def test_a_mongodb_address_that_can_not_be_used_says_why(uri, says):
    with pytest.raises(ConfigError) as caught:
        open_mongo(uri)
    assert says in str(caught.value)
    assert not any(part in str(caught.value) for part in ("w0rd", "ss/", "geheim"))


@pytest.mark.parametrize(
    ("address", "clear"),
    [
        ("http://ann:a%40b@h:1/v1", True),
        ("http://h/v1/@cf/model", True),
        ("http://ann:a@b@h/v1", False),
        ("http://ann:80/x@h/v1", False),
        ("http://ann:a?b@h/v1", False),
        ("http://ann:a%b@h/v1", False),
        ("http://ann:a:b@h/v1", False),
        ("h/v1", False),
    ],
)
def test_an_address_is_clear_if_its_credentials_are_percent_encoded(address, clear):
    assert is_unambiguous(address) is clear


def test_a_password_in_the_middle_of_an_error_is_hidden_also_where_the_text_was_cut():
    secrets = secrets_in("http://ann:ge%20heim@h/v1?key=abcdef&api-version=2024-10-21")
    assert hide_secrets("ge heim, ge%20heim, abcdef, 2024-10-21, abcd …", secrets) == "***, ***, ***, 2024-10-21, *** …"
