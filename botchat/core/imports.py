"""Reads sessions out of files, botchat's own and those of other programs, as records for the stores."""

import json
import re
import zipfile
from collections.abc import Callable, Iterator
from io import BytesIO
from itertools import chain
from typing import Any, BinaryIO

from botchat.core.checks import check_name
from botchat.core.errors import InvalidInput
from botchat.core.imports_elsewhere import read_librechat, read_open_webui
from botchat.core.imports_mapping import read_mapping
from botchat.core.imports_own import read_own
from botchat.core.imports_rest import keep_rest
from botchat.core.imports_similar import read_similar, read_similar_tree
from botchat.core.json_text import decode
from botchat.core.models import Refused
from botchat.core.record import Record
from botchat.core.shape import check_record

_KNOWN = (
    "botchat's own JSON and JSON Lines, ChatGPT's conversations.json or the .zip it comes in, DeepSeek's "
    "conversations.json, and what LibreChat and Open WebUI export as JSON"
)
_ZIP = b"PK\x03\x04"
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_CONVERSATIONS = re.compile(r"(^|/)conversations[^/]*\.json$")

_OWN = {"id", "user", "bot_id", "create_time", "update_time"}
"""What every session that botchat wrote has, besides its messages."""

_Item = tuple[str, Any]
"""Where a session stands in its file, and its JSON, or the InvalidInput that says why there is none."""


def read_sessions(file: BinaryIO, *, user: str | None, default_user: str) -> Iterator[Record | Refused]:
    """Read the sessions of a file, in its order, each as a record that the stores take or with why they would not.

    What kind of file it is shows in the file. JSON Lines are read a line at a time, anything else whole.

    Args:
        file: opened for bytes.
        user: whose they become, all of them; None leaves each to the user that the file names.
        default_user: whose they become where the file names no user.

    Raises:
        InvalidInput: a user is no name, or the file holds nothing that botchat knows.
    """
    for name in (user or default_user, default_user):
        check_name("The user", name)
    return (_taken(where, item, user, default_user) for where, item in _items(file))


def _taken(where: str, item: Any, user: str | None, default_user: str) -> Record | Refused:
    try:
        record = _record_of(item, user, default_user)
        check_record(record)
    except InvalidInput as error:
        return Refused(where, str(error))
    except RecursionError:
        return Refused(where, "It is nested too deeply.")
    return record


def _record_of(item: Any, user: str | None, default_user: str) -> Record:
    if isinstance(item, InvalidInput):
        raise item
    read = _reader_of(item)
    if read is None:
        raise InvalidInput("It is no session that botchat knows.")
    record = read(item)
    if read not in (read_own, read_similar):  # these two keep every field
        keep_rest(record, item)
    names_user = read in (read_own, read_similar) and "user" in record  # elsewhere it is an id that means nothing here
    if user or not names_user:
        record["user"] = user or default_user
    return record


def _items(file: BinaryIO) -> Iterator[_Item]:
    line = file.readline().removeprefix(_BYTE_ORDER_MARK)
    if line.startswith(_ZIP):
        return _items_of_zip(line, file)
    if b"\0" in line[:3]:
        line += file.readline()  # UTF-16, whose first line alone is too short to tell its order of bytes
    encoding = json.detect_encoding(line)
    if not encoding.startswith("utf-8"):
        return _items(BytesIO(_in_utf_8(line + file.read(), encoding)))
    if not line:
        return iter(())
    item = _parsed(line)
    if _reader_of(item):
        return chain([("line 1", item)], _items_of_lines(file, 2))
    return iter(_items_of_whole(line + file.read()))


def _in_utf_8(data: bytes, encoding: str) -> bytes:
    try:
        return data.decode(encoding).encode()
    except UnicodeDecodeError as error:
        name = encoding.upper()
        raise InvalidInput(
            f"That file looks like {name} text but isn't valid: {error.reason}. Save it as UTF-8."
        ) from error


def _items_of_lines(file: BinaryIO, number: int) -> Iterator[_Item]:
    for i, line in enumerate(file, number):
        if not line.isspace():
            yield f"line {i}", _parsed(line)


def _items_of_whole(data: bytes) -> list[_Item]:
    whole = _parsed(data)
    if isinstance(whole, InvalidInput):
        items = list(_items_of_lines(BytesIO(data), 1))  # lines, of which the first is damaged
    else:
        items = [(f"session {i}", item) for i, item in enumerate(whole if isinstance(whole, list) else [whole], 1)]
    if items and not any(_reader_of(item) for _, item in items):
        why = f" {whole}" if isinstance(whole, InvalidInput) and data.lstrip()[:1] in (b"{", b"[") else ""
        raise InvalidInput(f"There are no sessions in that file: botchat reads {_KNOWN}.{why}")
    return items


def _items_of_zip(beginning: bytes, file: BinaryIO) -> Iterator[_Item]:
    try:
        archive = zipfile.ZipFile(file if file.seekable() else BytesIO(beginning + file.read()))
        names = sorted(filter(_CONVERSATIONS.search, archive.namelist()))
        if not names:
            raise InvalidInput(f"There is no conversations.json in that .zip: botchat reads {_KNOWN}.")
        return chain.from_iterable([_items(BytesIO(archive.read(name))) for name in names])
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError) as error:  # spoilt, with a password, or packed oddly
        raise InvalidInput(f"That .zip can't be read: {error}.") from error


def _parsed(data: bytes) -> Any:
    try:
        return decode(data.decode().strip())
    except UnicodeDecodeError:
        return InvalidInput("It is no text in UTF-8.")
    except json.JSONDecodeError as error:
        return InvalidInput(f"It is no JSON: {error}.")
    except RecursionError:
        return InvalidInput("It is nested too deeply.")
    except ValueError:
        return InvalidInput("A number, a time or bytes in it can't be read.")


def _reader_of(item: Any) -> Callable[[dict[str, Any]], Record] | None:
    if not isinstance(item, dict):
        return None
    if isinstance(item.get("mapping"), dict):
        return read_mapping
    if isinstance(item.get("chat"), dict):
        return read_open_webui
    if "conversationId" in item:
        return read_librechat
    return _reader_of_list(item) if isinstance(item.get("messages"), list) else None


def _reader_of_list(item: dict[str, Any]) -> Callable[[dict[str, Any]], Record]:
    if item.keys() >= _OWN:
        return read_own
    return read_similar_tree if any(map(_has_children, item["messages"])) else read_similar


def _has_children(message: Any) -> bool:
    return isinstance(message, dict) and isinstance(message.get("children"), list)
