"""Reads sessions from files of botchat and other programs: detects the format, and yields records for the stores."""

import json
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

from botchat.core.errors import InvalidInput
from botchat.core.importing.files import CHUNK, open_conversations, prepend, transcode
from botchat.core.importing.formats.botchat import read_botchat
from botchat.core.importing.formats.librechat import read_librechat
from botchat.core.importing.formats.mapping import read_mapping
from botchat.core.importing.formats.message_list import read_message_list, read_message_tree
from botchat.core.importing.formats.open_webui import read_open_webui
from botchat.core.importing.json_stream import ListSplitter, check_json, too_large
from botchat.core.importing.unmapped_fields import keep_leftovers
from botchat.core.models import SkippedEntry, check_name
from botchat.core.models.import_limits import ImportLimits
from botchat.core.storage import Record, decode
from botchat.core.storage.record_schema import check_record

_KNOWN_FORMATS = (
    "botchat JSON and JSON Lines, ChatGPT conversations.json (or the .zip that contains it), DeepSeek "
    "conversations.json, and JSON exports from LibreChat and Open WebUI"
)
_ZIP = b"PK\x03\x04"
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_UNKNOWN_SESSION = "Unrecognized session format."
_MAX_UNRECOGNIZED = 1000
"""Items without a session after which a file is rejected."""

_BOTCHAT_FIELDS = {"id", "user", "bot_id", "create_time", "update_time"}
"""The fields of every session that botchat wrote, besides its messages."""

_LIMITS = ImportLimits()

_Item = tuple[str, Any]
"""The location of a session in its file, and its JSON or the InvalidInput that says why there is none."""


def read_sessions(
    file: BinaryIO, *, user: str | None, default_user: str, limits: ImportLimits = _LIMITS
) -> Iterator[Record | SkippedEntry]:
    """Yield the sessions of a file, in its order, each as a valid record or as a SkippedEntry with the reason.

    The format is detected from the content. The file is read in chunks: at most one session is in memory, and none that
    exceeds a limit.

    Args:
        file: opened in binary mode.
        user: the owner of all sessions; None keeps the users that the file names.
        default_user: the owner of sessions without a user in the file.
        limits: of the file. A session that exceeds a limit for sessions is skipped; the other limits end the import.

    Raises:
        InvalidInput: a user isn't a valid name, the file has no known format, or it exceeds a limit.
    """
    for name in (user or default_user, default_user):
        check_name("The user", name)
    return _sessions(file, user, default_user, limits)


def _sessions(
    file: BinaryIO, user: str | None, default_user: str, limits: ImportLimits
) -> Iterator[Record | SkippedEntry]:
    for number, (location, item) in enumerate(_items(file, limits), 1):
        if number > limits.sessions:
            raise limits.exceeded("sessions", "The file has more sessions")
        yield _to_record(location, item, user, default_user)


def _to_record(location: str, item: Any, user: str | None, default_user: str) -> Record | SkippedEntry:
    try:
        record = _read_item(item, user, default_user)
        check_record(record)
    except InvalidInput as error:
        return SkippedEntry(location, str(error))
    except RecursionError:
        return SkippedEntry(location, "The JSON is nested too deeply.")
    return record


def _read_item(item: Any, user: str | None, default_user: str) -> Record:
    if isinstance(item, InvalidInput):
        raise item
    read = _reader_of(item)
    if read is None:
        raise InvalidInput(_UNKNOWN_SESSION)
    record = read(item)
    if read not in (read_botchat, read_message_list):  # these two keep all fields
        keep_leftovers(record, item)
    names_user = (
        read in (read_botchat, read_message_list) and "user" in record
    )  # in other formats it is an ID of another program
    if user or not names_user:
        record["user"] = user or default_user
    return record


def _items(file: BinaryIO, limits: ImportLimits, *, is_unpacked: bool = False) -> Iterator[_Item]:
    beginning = file.readline(CHUNK).removeprefix(_BYTE_ORDER_MARK)
    if beginning.startswith(_ZIP) and not is_unpacked:
        for unpacked in open_conversations(prepend(beginning, file), _KNOWN_FORMATS, limits):
            yield from _items(unpacked, limits, is_unpacked=True)
        return
    if b"\0" in beginning[:3]:
        beginning += file.readline(CHUNK)  # UTF-16: its first line alone is too short for the byte order
    encoding = json.detect_encoding(beginning)
    if encoding.startswith("utf-8"):
        yield from _require_session(_items_of_text(beginning, file, limits))
        return
    yield from _items(transcode(prepend(beginning, file), encoding), limits, is_unpacked=True)


def _items_of_text(beginning: bytes, file: BinaryIO, limits: ImportLimits) -> Iterator[_Item]:
    number = 1
    while beginning.isspace():
        number += beginning.endswith(b"\n")
        beginning = file.readline(CHUNK)
    if not beginning:
        return
    if beginning.lstrip().startswith(b"["):
        yield from _items_of_list(beginning, file, number, limits)
        return
    line = _read_line(beginning, file, limits)
    item = _parse(line, limits)
    if _reader_of(item) or isinstance(line, InvalidInput):
        yield f"line {number}", item
        yield from _items_of_lines(file, number + 1, limits)
        return
    data = line + file.read(max(0, limits.session_bytes + 1 - len(line)))
    whole = _parse(data, limits) if len(data) > len(line) else item
    if isinstance(whole, InvalidInput):  # JSON Lines whose first line is damaged
        yield from _items_of_lines(prepend(data, file), number, limits)
    else:
        yield "session 1", whole


def _items_of_lines(file: BinaryIO, number: int, limits: ImportLimits) -> Iterator[_Item]:
    while beginning := file.readline(CHUNK):
        line = _read_line(beginning, file, limits)
        if isinstance(line, InvalidInput) or not line.isspace():
            yield f"line {number}", _parse(line, limits)
        number += 1


def _read_line(beginning: bytes, file: BinaryIO, limits: ImportLimits) -> bytes | InvalidInput:
    """Read a line to its end; return it, or an error if it exceeds the limit."""
    pieces, size = [beginning], len(beginning)
    while not pieces[-1].endswith(b"\n") and (piece := file.readline(CHUNK)):
        size += len(piece)
        pieces = [*pieces, piece] if size <= limits.session_bytes else [piece]
    return b"".join(pieces) if size <= limits.session_bytes + 1 else too_large(limits)


def _items_of_list(beginning: bytes, file: BinaryIO, number: int, limits: ImportLimits) -> Iterator[_Item]:
    """Yield the items of a list. Lines after it are read too: then it was a damaged line that looked like a list."""
    splitter, chunk, count = ListSplitter(limits), beginning, 0
    while chunk and not splitter.is_finished:
        for count, item in enumerate(splitter.feed(chunk), count + 1):  # noqa: B020
            yield f"session {count}", _parse(item, limits)
        number += chunk.count(b"\n")
        chunk = b"" if splitter.is_finished else file.read(CHUNK)
    for error in splitter.end():
        yield f"session {count + 1}", error
    number -= splitter.rest.count(b"\n")
    yield from _items_of_lines(prepend(splitter.rest, file), number, limits)


def _require_session(items: Iterator[_Item]) -> Iterator[_Item]:
    """Yield items if the first ones include a session; until then, only their errors are held in memory.

    Raises:
        InvalidInput: they include no session.
    """
    held: list[_Item] = []
    for location, item in items:
        if _reader_of(item):
            yield from held
            yield location, item
            yield from items
            return
        held.append((location, item if isinstance(item, InvalidInput) else InvalidInput(_UNKNOWN_SESSION)))
        if len(held) == _MAX_UNRECOGNIZED:
            break
    if held:
        first = held[0][1]
        why = "" if str(first) == _UNKNOWN_SESSION else f" {held[0][0]}: {first}"
        raise InvalidInput(f"No sessions found in the file.{why} Supported formats: {_KNOWN_FORMATS}.")


def _parse(data: bytes | InvalidInput, limits: ImportLimits) -> Any:
    if isinstance(data, InvalidInput):
        return data
    try:
        check_json(data, limits)
    except InvalidInput as error:
        return error
    return _decode(data)


def _decode(data: bytes) -> Any:
    try:
        return decode(data.decode().strip())
    except UnicodeDecodeError:
        return InvalidInput("Not valid UTF-8.")
    except json.JSONDecodeError as error:
        return InvalidInput(f"Not valid JSON: {error}.")
    except RecursionError:
        return InvalidInput("The JSON is nested too deeply.")
    except ValueError:
        return InvalidInput("It contains an invalid number, time or binary value.")


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
    if item.keys() >= _BOTCHAT_FIELDS:
        return read_botchat
    return read_message_tree if any(map(_has_children, item["messages"])) else read_message_list


def _has_children(message: Any) -> bool:
    return isinstance(message, dict) and isinstance(message.get("children"), list)
