"""How botchat connects to MongoDB, and what MongoDB's errors mean to a person."""

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

# A server that hangs must not hang a page. With 2 s and 3 s a dead and a frozen server are told from a slow one in
# 2.1 s and 3.0 s, where the driver's own defaults take 30 s and more.
_TIMEOUTS = {"serverSelectionTimeoutMS": 2000, "timeoutMS": 3000}

# A server that answers this late answers nobody.
_PING_SECONDS = 1.0

# An acknowledged message must be on disk, and on most members of a set: with the driver's default a killed server
# had lost acknowledged messages in 2 of 4 trials.
_DURABLE = {"w": "majority", "journal": True}

_NOT_ENCODED = "special characters in its user name and password must be percent-encoded (@ is %40, / is %2F, : is %3A)"
_HOW_TO_WRITE_IT = (
    "check its host, port and options. Use mongodb://USER:PASSWORD@HOST:PORT/DATABASE, "
    "or mongodb+srv://USER:PASSWORD@HOST/DATABASE without a port"
)
_HOSTS = re.compile(r"[\w.,%-]*(:\d+)?|.*\]|.*,.*")

# Codes of https://github.com/mongodb/mongo/blob/master/src/mongo/base/error_codes.yml
_UNAUTHORIZED, _AUTHENTICATION_FAILED = 13, 18
_WRITE_CONFLICT = 112
_TOO_LARGE = {10334, 17419, 17420}


def open_client(uri: str, **pool_options: Any) -> MongoClient[Document]:
    """Make a client of the server at `uri`; nothing is sent yet. What the URI says is never overruled.

    The driver gets `pool_options` as they are, such as maxPoolSize.

    Raises:
        ConfigError: the URI is none, or asks for writes that nobody acknowledges.
    """
    _check(uri)
    given = options_of(uri)
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
        raise ConfigError("The store address says w=0, so nobody would know what was saved: leave it out, or say w=1.")
    return client


def borrowed_database(client: MongoClient[Document], name: str) -> Database[Document]:
    """Return a database of someone's client, read and written as botchat's own; what the client was told stays.

    Raises:
        ConfigError: nobody acknowledges its writes, or MongoDB takes no database of that name.
    """
    if not client.write_concern.acknowledged:
        raise ConfigError("The client says w=0, so nobody would know what was saved: make it without that.")
    concern = WriteConcern(w="majority", j=True) if client.write_concern.is_server_default else client.write_concern
    in_utc = lenient(client.codec_options.with_options(tz_aware=True, tzinfo=None))  # given, it costs twice the time
    try:
        return client.get_database(name, codec_options=in_utc, write_concern=concern)
    except InvalidName as error:
        raise ConfigError(f"There can be no database {name!r}: {error}.") from error


def lenient(options: CodecOptions[Document]) -> CodecOptions[Document]:
    """Make options that decode damaged documents too, because one that can't be decoded would end a whole batch.

    Bytes that are not UTF-8 become lone surrogates, a time outside the years 1 to 9999 becomes no `datetime`; the
    checks of a record find both.
    """
    kept = DatetimeConversion.DATETIME_AUTO
    return options.with_options(unicode_decode_error_handler="surrogateescape", datetime_conversion=kept)


def options_of(uri: str) -> set[str]:
    """Tell which options a URI sets, in lower case."""
    return {name.lower() for name, _ in parse_qsl(uri.partition("?")[2])}


def database_name(client: MongoClient[Document], uri: str) -> str:
    """Tell the database that the URI names, or botchat's own.

    Raises:
        ConfigError: MongoDB takes no such name.
    """
    try:
        return client.get_default_database(DEFAULT_DATABASE).name
    except (ConfigurationError, InvalidName) as error:
        raise _unusable(uri, error) from error


def _check(uri: str) -> None:
    """Refuse an address that the driver reads otherwise than its author means it.

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
    if "." in unquote(path):  # the driver takes what follows the dot for a collection
        raise _unusable_because(
            uri,
            "the name of a MongoDB database can't contain a dot. Earlier versions ignored the dot and what follows it: "
            "leave that out to open the same database",
        )


def _unusable(uri: str, error: Exception) -> ConfigError:
    """Explain why the driver takes no such address; its own words can quote a part of a password, these can't."""
    if type(error.__cause__).__module__.startswith("dns."):
        return _unusable_because(uri, "DNS doesn't know its host: check the host's name, or use mongodb://HOST")
    if isinstance(error, InvalidName):
        return _unusable_because(uri, "MongoDB accepts no database of that name")
    if isinstance(error, OSError):
        return _unusable_because(uri, "a file that its options name can't be read: check tlsCAFile and the like")
    if isinstance(error, ConfigurationError) and not isinstance(error, InvalidURI):
        return _unusable_because(uri, hide_secrets(str(error).rstrip("."), _values_in(uri)))
    return _unusable_because(uri, _HOW_TO_WRITE_IT if is_unambiguous(uri) or "@" not in uri else _NOT_ENCODED)


def _unusable_because(uri: str, why: str) -> ConfigError:
    return ConfigError(f"The store address {without_password(uri)} can't be used: {why}.")


def _values_in(uri: str) -> set[str]:
    """Return what of an address may not be quoted: credentials, and the values of its options."""
    values = {value for _, value in parse_qsl(uri.partition("?")[2])}
    return secrets_in(uri) | {value for value in values if len(value) > 2}  # noqa: PLR2004


@contextmanager
def translated(name: str) -> Iterator[None]:
    """Raise what the driver raises as botchat's own errors; `name` is the store as it may be shown."""
    try:
        yield
    except DocumentTooLarge as error:  # before BSONError, which it is too
        raise SessionTooLarge from error
    except (BSONError, OverflowError, UnicodeError) as error:
        raise InvalidInput(f"That can't be stored: {error}.") from error
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
    """Tell whether a command timed out although its server answers others, which a server that hangs does not."""
    if not isinstance(error.__cause__, NetworkTimeout):
        return False
    try:
        with pymongo.timeout(_PING_SECONDS):
            database.command("ping")
    except PyMongoError:
        return False
    return True


def unhurried(seconds: float | None) -> AbstractContextManager[object]:
    """Give the commands of a block this much time together, in the place of the client's own; None leaves it that."""
    return pymongo.timeout(seconds) if seconds else nullcontext()


def each(cursor: Iterator[Document], name: str, seconds: float | None) -> Iterator[Document]:
    """Give what a cursor finds; each step has the time that one is given, however long the whole takes."""
    while True:
        with translated(name), unhurried(seconds):
            found = next(cursor, None)
        if found is None:
            return
        yield found


def _unavailable(name: str) -> StoreUnavailable:
    return StoreUnavailable(
        f"MongoDB at {name} does not answer. Start it, check the address, or choose another store with --store."
    )


def _silent(name: str) -> StoreUnavailable:
    return StoreUnavailable(
        f"MongoDB at {name} does not answer in time: it hangs or is overloaded. Check the server, then try again."
    )


def _busy(name: str) -> StoreBusy:
    return StoreBusy(f"MongoDB at {name} is overloaded and did not finish in time. Try again.")


def _unconfirmed(name: str) -> StoreUnavailable:
    return StoreUnavailable(
        f"MongoDB at {name} did not confirm that most members of its replica set have the write. "
        "Check the members, then try again: nothing is stored twice."
    )


def _refused(name: str, error: OperationFailure) -> StoreError | InvalidInput:
    if error.code in _TOO_LARGE or "larger than" in str(error):
        return SessionTooLarge()
    if error.timeout or error.code == _WRITE_CONFLICT:  # the server itself says so
        return _busy(name)
    if error.code == _AUTHENTICATION_FAILED:
        return StoreRefused(f"MongoDB at {name} does not take this user name and password: check the store's address.")
    if error.code == _UNAUTHORIZED:
        return StoreRefused(
            f"MongoDB at {name} does not allow this. Give a user who may read and write there: "
            "mongodb://NAME:PASSWORD@HOST/DATABASE?authSource=admin."
        )
    reason = (error.details or {}).get("errmsg") or str(error)
    return StoreError(f"MongoDB at {name} refused: {reason}")
