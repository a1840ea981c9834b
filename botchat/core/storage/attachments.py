"""Attachments in the document of their message, and the split of large data, which are stored separately."""

from collections.abc import Callable, Iterator
from typing import Any

from botchat.core.errors import InvalidInput
from botchat.core.models import File, is_valid, valid_text

Record = dict[str, Any]

INLINE_BYTES = 32 * 1024
"""Data up to this many bytes are stored in the message; more would make every read of the session slower."""

FILE_REQUIRED = {"id", "name", "type", "size"}


def file_to_record(file: File) -> Record:
    """Return the document of a file.

    Raises:
        InvalidInput: its ID is invalid.
    """
    _check_id(file.id)
    record = {"id": file.id, "name": valid_text(file.name), "type": file.type, "size": file.size} | file.extra
    if file.text_size is not None:
        record["text_size"] = file.text_size
    return record if file.data is None else record | {"data": file.data}


def file_from_record(record: Record) -> File:
    """Return the file of a document."""
    known = {name: record[name] for name in (*FILE_REQUIRED, "text_size", "data") if name in record}
    return File(**known, extra={name: value for name, value in record.items() if name not in known})


def check_file(record: Record) -> None:
    """Check the document of an imported file, which must include its data.

    Raises:
        InvalidInput: its ID is invalid, or its data are missing or have a different size.
    """
    _check_id(record["id"])
    if record.get("data") is None:
        raise InvalidInput(f"The data of file {record['name']!r} is missing.")
    if len(record["data"]) != record["size"]:
        size = len(record["data"])
        raise InvalidInput(f"File {record['name']!r} has {size} bytes instead of {record['size']}.")


def files_of(record: Record) -> Iterator[Record]:
    """Yield the documents of all files in a session's record."""
    for message in record["messages"]:
        yield from message.get("files", ())


def missing_files(record: Record) -> str:
    """Describe the files of a whole record whose data are lost, as part of a sentence; "" if there are none."""
    names = [repr(file["name"]) for file in files_of(record) if file.get("data") is None]
    if not names:
        return ""
    return f"the data of its file{'s' if len(names) > 1 else ''} {', '.join(names)} is missing"


def split_files(message: Record) -> tuple[Record, dict[str, bytes]]:
    """Split the document of a message from its large data, which are returned by file ID."""
    files = message.get("files", ())
    big = {file["id"]: file["data"] for file in files if len(file.get("data") or b"") > INLINE_BYTES}
    if not big:
        return message, big
    left = [{n: value for n, value in file.items() if n != "data" or file["id"] not in big} for file in files]
    return message | {"files": left}, big


def split_record_files(record: Record) -> tuple[Record, dict[str, bytes]]:
    """Split the record of a session from all of its large data, which are returned by file ID."""
    messages, big = [], dict[str, bytes]()
    for message in record["messages"]:
        stored, data = split_files(message)
        messages.append(stored)
        big |= data
    return record | {"messages": messages}, big


def join_files(message: Record, read: Callable[[str], bytes | None]) -> Record:
    """Return the document of a message with its separately stored data; lost data stay absent."""
    files = message.get("files")
    return message | {"files": [_join_file(file, read) for file in files]} if files else message


def find_file_data(message: Record, file_id: str, read: Callable[[str], bytes | None]) -> bytes | None:
    """Return the data of a message's file; None if it has no file with that ID or the data are lost."""
    file = next((file for file in message.get("files", ()) if file["id"] == file_id), None)
    return _join_file(file, read).get("data") if file else None


def _join_file(file: Record, read: Callable[[str], bytes | None]) -> Record:
    data = file.get("data")
    if data is None:
        data = read(file["id"])
    return file if data is None else file | {"data": data}


def _check_id(file_id: Any) -> None:
    if not isinstance(file_id, str) or not file_id or not is_valid(file_id) or {"/", "\0"} & set(file_id):
        raise InvalidInput(f"Invalid file ID {file_id!r}: it must be text without a slash or NUL.")
