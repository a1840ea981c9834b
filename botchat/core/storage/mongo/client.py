"""The connection to MongoDB, and the translation of pymongo's errors."""

import re
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any
from urllib.parse import parse_qsl, unquote

import pymongo
from bson.codec_options import CodecOptions, DatetimeConversion
from bson.errors import BSONError
from pymongo import MongoClient, WriteConcern
from pymongo.database import Database
from pymongo.errors import (
    ConfigurationError,
    ConnectionFailure,
    DocumentTooLarge,
    ExecutionTimeout,
    InvalidName,
    InvalidURI,
    NetworkTimeout,
    OperationFailure,
    PyMongoError,
    WaitQueueTimeoutError,
    WTimeoutError,
)

from botchat.core.errors import (
    ConfigError,
    InvalidInput,
    SessionTooLarge,
    StoreBusy,
    StoreError,
    StoreRefused,
    StoreUnavailable,
)
from botchat.core.urls import hide_secrets, is_unambiguous, secrets_in, without_password

Document = dict[str, Any]
Client = MongoClient[Document]

DEFAULT_DATABASE = "botchat"

# A server that hangs must not hang a page. With 2 s and 3 s, a dead and a frozen server are told from a slow one in
# 2.1 s and 3.0 s, where the driver's own defaults take 30 s and more.
_TIMEOUTS = {"serverSelectionTimeoutMS": 2000, "timeoutMS": 3000}

# A ping that takes longer than this means that the server hangs.
_PING_SECONDS = 1.0

# An acknowledged message must be on disk, and on most members of a set: with the driver's default a killed server
# had lost acknowledged messages in 2 of 4 trials.
_DURABLE = {"w": "majority", "journal": True}

_NOT_ENCODED = "percent-encode special characters in the username and password (@ as %40, / as %2F, : as %3A)"
_HOW_TO_WRITE_IT = (
    "check the host, port and options. Use mongodb://USER:PASSWORD@HOST:PORT/DATABASE, "
    "or mongodb+srv://USER:PASSWORD@HOST/DATABASE without a port"
)
_HOSTS = re.compile(r"[\w.,%-]*(:\d+)?|.*\]|.*,.*")

# Codes of https://github.com/mongodb/mongo/blob/master/src/mongo/base/error_codes.yml
_UNAUTHORIZED, _AUTHENTICATION_FAILED = 13, 18
_WRITE_CONFLICT = 112
_TOO_LARGE = {10334, 17419, 17420}


def open_client(uri: str, **pool_options: Any) -> MongoClient[Document]:
    """Create a client of the server at `uri`, without connecting. Options in the URI always win.

    `pool_options`, such as maxPoolSize, are passed to the driver.

    Raises:
        ConfigError: the URI is invalid, or requests unacknowledged writes.
    """
    _check(uri)
    given = uri_options(uri)
    wanted = _TIMEOUTS | {"tz_aware": True, "appname": "botchat"} | pool_options
    options: dict[str, Any] = {name: value for name, value in wanted.items() if name.lower() not in given}
    options["tz_aware"] = True  # the times of a record are UTC
    if not (given | {name.lower() for name in pool_options}) & {"w", "journal", "j", "wtimeoutms"}:
        options |= _DURABLE
    try:
        client: MongoClient[Document] = MongoClient(uri, **options)
    except (PyMongoError, ValueError, TypeError, OSError) as error:
        raise _unusable(uri, error) from error
    if not client.write_concern.acknowledged:
        client.close()
        raise ConfigError("The store address sets w=0, so failed writes would go unnoticed. Remove it or use w=1.")
    return client


def borrowed_database(client: MongoClient[Document], name: str) -> Database[Document]:
    """Return a database of a borrowed client, with botchat's codec and write concern; the client's own settings win.

    Raises:
        ConfigError: its writes are unacknowledged, or MongoDB accepts no database with that name.
    """
    if not client.write_concern.acknowledged:
        raise ConfigError("The client sets w=0, so failed writes would go unnoticed. Create it without w=0.")
    concern = WriteConcern(w="majority", j=True) if client.write_concern.is_server_default else client.write_concern
    in_utc = lenient_options(
        client.codec_options.with_options(tz_aware=True, tzinfo=None)
    )  # given, it costs twice the time
    try:
        return client.get_database(name, codec_options=in_utc, write_concern=concern)
    except InvalidName as error:
        raise ConfigError(f"Invalid database name {name!r}: {error}.") from error


def lenient_options(options: CodecOptions[Document]) -> CodecOptions[Document]:
    """Return options that decode damaged documents too, because one that can't be decoded would break a whole batch.

    Bytes that are not UTF-8 become lone surrogates, a time outside the years 1 to 9999 becomes no `datetime`; the
    checks of a record find both.
    """
    kept = DatetimeConversion.DATETIME_AUTO
    return options.with_options(unicode_decode_error_handler="surrogateescape", datetime_conversion=kept)


def uri_options(uri: str) -> set[str]:
    """Return the names of the options in a URI, in lower case."""
    return {name.lower() for name, _ in parse_qsl(uri.partition("?")[2])}


def database_name(client: MongoClient[Document], uri: str) -> str:
    """Return the name of the URI's database, or the default.

    Raises:
        ConfigError: MongoDB accepts no such name.
    """
    try:
        return client.get_default_database(DEFAULT_DATABASE).name
    except (ConfigurationError, InvalidName) as error:
        raise _unusable(uri, error) from error


def _check(uri: str) -> None:
    """Reject an address that the driver would parse differently than intended.

    Raises:
        ConfigError: a password isn't percent-encoded, or the database's name has a dot.
    """
    rest = uri.partition("://")[2]
    place, _, options = rest.partition("?")
    authority, _, path = place.partition("/")
    if "@" in path and set("@:") & set(authority):
        raise _unusable_because(uri, _NOT_ENCODED)
    if "@" in options and "@" not in authority and not _HOSTS.fullmatch(authority):
        raise _unusable_because(uri, _NOT_ENCODED)
    if "." in unquote(path):  # the driver takes the part after the dot for a collection
        raise _unusable_because(
            uri,
            "a MongoDB database name can't contain a dot. Earlier versions ignored the dot and the text after it: "
            "remove them to open the same database",
        )


def _unusable(uri: str, error: Exception) -> ConfigError:
    """Return the error for an address that the driver rejects; the driver's message can quote part of a password."""
    if type(error.__cause__).__module__.startswith("dns."):
        return _unusable_because(uri, "its host was not found in DNS. Check the hostname, or use mongodb://HOST")
    if isinstance(error, InvalidName):
        return _unusable_because(uri, "MongoDB doesn't accept the database name")
    if isinstance(error, OSError):
        return _unusable_because(uri, "a file in its options can't be read. Check tlsCAFile and similar options")
    if isinstance(error, ConfigurationError) and not isinstance(error, InvalidURI):
        return _unusable_because(uri, hide_secrets(str(error).rstrip("."), _values_in(uri)))
    return _unusable_because(uri, _HOW_TO_WRITE_IT if is_unambiguous(uri) or "@" not in uri else _NOT_ENCODED)


def _unusable_because(uri: str, why: str) -> ConfigError:
    return ConfigError(f"Can't use the store address {without_password(uri)}: {why}.")


def _values_in(uri: str) -> set[str]:
    """Return the parts of an address that must not be quoted: credentials and option values."""
    values = {value for _, value in parse_qsl(uri.partition("?")[2])}
    return secrets_in(uri) | {value for value in values if len(value) > 2}  # noqa: PLR2004


@contextmanager
def translate_errors(name: str) -> Iterator[None]:
    """Translate the driver's exceptions to botchat's; `name` is the store's display name."""
    try:
        yield
    except DocumentTooLarge as error:  # before BSONError, which it is too
        raise SessionTooLarge from error
    except (BSONError, OverflowError, UnicodeError) as error:
        raise InvalidInput(f"The value can't be stored: {error}.") from error
    except WTimeoutError as error:
        raise _unconfirmed(name) from error
    except (ExecutionTimeout, WaitQueueTimeoutError) as error:
        raise _busy(name) from error
    except NetworkTimeout as error:  # before ConnectionFailure, which it is too
        raise _silent(name) from error
    except ConnectionFailure as error:
        raise _unavailable(name) from error
    except OperationFailure as error:
        raise _refused(name, error) from error
    except PyMongoError as error:
        raise _unavailable(name) if error.timeout else StoreError(f"MongoDB at {name}: {error}") from error


def is_slow(error: StoreUnavailable, database: Database[Document]) -> bool:
    """Return whether a command timed out although the server answers a ping, so that it is slow and doesn't hang."""
    if not isinstance(error.__cause__, NetworkTimeout):
        return False
    try:
        with pymongo.timeout(_PING_SECONDS):
            database.command("ping")
    except PyMongoError:
        return False
    return True


def slow_timeout(seconds: float | None) -> AbstractContextManager[object]:
    """Set the total timeout in seconds of a block's commands; None keeps the client's own."""
    return pymongo.timeout(seconds) if seconds else nullcontext()


def iterate(cursor: Iterator[Document], name: str, seconds: float | None) -> Iterator[Document]:
    """Yield a cursor's documents; the timeout `seconds` applies to each step, not to the whole."""
    while True:
        with translate_errors(name), slow_timeout(seconds):
            found = next(cursor, None)
        if found is None:
            return
        yield found


def _unavailable(name: str) -> StoreUnavailable:
    return StoreUnavailable(
        f"Can't reach MongoDB at {name}. Start it, check the address, or choose another store with --store."
    )


def _silent(name: str) -> StoreUnavailable:
    return StoreUnavailable(
        f"MongoDB at {name} didn't respond in time: it hangs or is overloaded. Check the server, then try again."
    )


def _busy(name: str) -> StoreBusy:
    return StoreBusy(f"MongoDB at {name} is overloaded and didn't finish in time. Try again.")


def _unconfirmed(name: str) -> StoreUnavailable:
    return StoreUnavailable(
        f"MongoDB at {name} didn't confirm the write on a majority of its replica set. "
        "Check the members, then try again. Nothing is stored twice."
    )


def _refused(name: str, error: OperationFailure) -> StoreError | InvalidInput:
    if error.code in _TOO_LARGE or "larger than" in str(error):
        return SessionTooLarge()
    if error.timeout or error.code == _WRITE_CONFLICT:  # the server reports it
        return _busy(name)
    if error.code == _AUTHENTICATION_FAILED:
        return StoreRefused(f"MongoDB at {name} rejected the username or password. Check the store address.")
    if error.code == _UNAUTHORIZED:
        return StoreRefused(
            f"MongoDB at {name} denied access. Use an account that can read and write the database: "
            "mongodb://USER:PASSWORD@HOST/DATABASE?authSource=admin."
        )
    reason = (error.details or {}).get("errmsg") or str(error)
    return StoreError(f"MongoDB at {name} returned an error: {reason}")
