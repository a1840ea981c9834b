"""Small files that unpack or parse to gigabytes: each is rejected by the limit that it exceeds."""

import io
import json
import subprocess
import sys
import threading
import zipfile

import pytest
from support.stores.records import read, record_of, says, written

from botchat.core.errors import InvalidInput, TooMany
from botchat.core.importing import read_sessions
from botchat.core.models import SkippedEntry
from botchat.core.models.import_limits import ImportLimits, UploadLimits
from botchat.settings import Settings
from botchat.web.import_worker import ImportWorker

GOOD = record_of(says("user", "x"), id="good")
OTHER = record_of(says("user", "y"), id="other")


def packed(*parts: bytes, times: int = 1) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("conversations.json", "w") as file:
        for part in parts * times:
            file.write(part)
    return out.getvalue()


def read_with(data: bytes, **limits) -> list:
    return list(read_sessions(io.BytesIO(data), user=None, default_user="me", limits=ImportLimits(**limits)))


BOMBS = {
    "lists in a zip": lambda: packed(b'[{"mapping": {}, "x": [', *[b"[]," * 1_000_000] * 8, b"0]}]"),
    "blanks in a zip": lambda: packed(b" " * 1_000_000, times=150),
    "lists on a line": lambda: b'{"messages": [' + b"[]," * 8_000_000 + b"0]}",
    "objects in a list": lambda: b"[" + b"{}," * 8_000_000 + b"0]",
    "lists in a list": lambda: b'[{"messages": [' + b"[]," * 8_000_000 + b"0]}]",
}
_SCRIPT = """
import io, resource, sys
from botchat.core.errors import InvalidInput
from botchat.core.importing.detect import read_sessions
from botchat.core.models.import_limits import UploadLimits
file = io.BytesIO(sys.stdin.buffer.read())
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    print(list(read_sessions(file, user=None, default_user="me", limits=UploadLimits())))
except InvalidInput as error:
    print(error)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before, file=sys.stderr)
"""


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_bomb_takes_no_more_memory_than_a_large_session(bomb):
    done = subprocess.run([sys.executable, "-c", _SCRIPT], input=BOMBS[bomb](), capture_output=True, check=True)
    assert int(done.stderr) < 300_000  # kB; each of them took more than 400,000
    assert b"than the limit" in done.stdout or b"No sessions found" in done.stdout


@pytest.mark.parametrize(
    ("limits", "name"),
    [({"zip_ratio": 5}, "zip_ratio"), ({"zip_bytes": 5_000_000}, "zip_bytes"), ({"zip_entries": 1}, "zip_entries")],
)
def test_a_zip_that_exceeds_a_limit_is_refused_with_its_name(limits, name):
    out = io.BytesIO(packed(b" " * 1_000_000, times=12))
    with zipfile.ZipFile(out, "a") as archive:
        archive.writestr("other.txt", "x")
    with pytest.raises(InvalidInput, match=rf"raise {name} in \[imports\]"):
        read_with(out.getvalue(), **limits)


def test_the_directory_of_a_zip_is_not_read_past_its_limit():
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for number in range(2_000):
            archive.writestr(f"{number:0100}", b"")
    with pytest.raises(InvalidInput, match="zip_entries"):
        read_with(out.getvalue(), zip_entries=1)


def test_a_zip_in_a_zip_is_not_unpacked():
    with pytest.raises(InvalidInput, match="No sessions found"):
        read(packed(packed(written("json", GOOD).encode())))


@pytest.mark.parametrize("form", ["json", "jsonl"])
@pytest.mark.parametrize(
    ("limits", "content"),
    [({"session_bytes": 2_000}, "x" * 3_000), ({"depth": 20}, "[" * 30 + "]" * 30)],
)
def test_a_session_over_a_limit_is_refused_and_the_others_are_read(form, limits, content):
    large = json.loads(written("jsonl", GOOD)) | {"large": json.loads(content) if content[0] == "[" else content}
    others = [json.loads(written("jsonl", record)) for record in (GOOD, OTHER)]
    items = [others[0], large, others[1]]
    text = json.dumps(items) if form == "json" else "\n".join(map(json.dumps, items))
    first, refused, last = read_with(text.encode(), **limits)
    assert (first, last) == (GOOD, OTHER)
    assert isinstance(refused, SkippedEntry)
    assert f"raise {next(iter(limits))} in" in refused.reason


def test_too_many_values_in_a_list_end_the_reading_with_the_name_of_the_limit():
    items = [json.loads(written("jsonl", GOOD)), {"messages": [[]] * 500}]
    sessions = read_sessions(
        io.BytesIO(json.dumps(items).encode()), user=None, default_user="me", limits=ImportLimits(session_values=100)
    )
    assert next(sessions) == GOOD
    with pytest.raises(InvalidInput, match="session_values"):
        next(sessions)


def test_more_sessions_than_the_limit_end_the_reading():
    with pytest.raises(InvalidInput, match="raise sessions in"):
        read_with(written("jsonl", GOOD, OTHER).encode(), sessions=1)


def test_a_list_is_read_an_item_at_a_time():
    item = written("jsonl", GOOD).encode().strip()

    class Endless(io.RawIOBase):
        size = 0

        def read(self, size=-1):
            assert 0 <= size <= 100_000
            self.size += size
            return (item + b",") * (size // len(item))

        def readline(self, *_):
            return b"["

    file = Endless()
    sessions = read_sessions(file, user=None, default_user="me")
    assert [next(sessions) for _ in range(3)] == [GOOD] * 3
    assert file.size <= 200_000


@pytest.mark.parametrize("size", range(1, 12))
def test_a_list_is_split_alike_wherever_the_file_is_read_in_two(size):
    from botchat.core.importing.json_stream import ListSplitter

    text = rb'[{"a": "}],[\\\" \\"}, [1, "\\\\"], "x,\"y" , {"b": {"c": [{}]}}] {'
    splitter = ListSplitter(ImportLimits())
    items = [
        item for at in range(0, len(text), size) if not splitter.is_finished for item in splitter.feed(text[at:][:size])
    ]
    assert [json.loads(item) for item in items] == [{"a": '}],[\\" \\'}, [1, "\\\\"], 'x,"y', {"b": {"c": [{}]}}]
    assert splitter.is_finished


def test_a_list_that_is_cut_off_gives_its_whole_sessions_and_an_error():
    text = json.dumps([json.loads(written("jsonl", record)) for record in (GOOD, OTHER)])
    first, refused = read(text[:-50])
    assert first == GOOD
    assert (refused.location, refused.reason) == ("session 2", "Not valid JSON: unexpected end of file.")


def test_limits_are_keys_of_the_config():
    settings = Settings.model_validate({"imports": {"depth": 5}, "web": {"imports": {"sessions": 7}}})
    assert settings.imports == ImportLimits(depth=5)
    assert settings.web.imports == UploadLimits(sessions=7)


def test_one_upload_more_than_the_worker_takes_is_refused_until_another_has_ended():
    worker, began, held = ImportWorker(1), threading.Event(), threading.Event()
    first = threading.Thread(target=worker.run, args=(lambda: (began.set(), held.wait()),))
    first.start()
    began.wait()
    with pytest.raises(TooMany, match="Too many files"):
        worker.run(lambda: None)
    held.set()
    first.join()
    done: list[int] = []
    worker.run(lambda: done.append(1))
    assert done == [1]


# Texts that took quadratic time: of this size, longer than a test may take


def conversation(content: object) -> dict:
    return {"mapping": {"a": {"message": {"author": {"role": "assistant"}, "content": content}}}}


def test_code_that_is_one_long_fence_is_fenced_by_a_longer_one():
    (record,) = read(conversation({"content_type": "code", "text": "`" * 1_000_000, "language": "unknown"}))
    fence, text, end, *_ = record["messages"][0]["content"].split("\n")
    assert (len(fence), len(text), len(end)) == (1_000_001, 1_000_000, 1_000_001)


@pytest.mark.parametrize("text", ["<details type=", '<details type="reasoning">', '<details type="reasoning" '])
@pytest.mark.parametrize("before", ["", "<details></details>"])
def test_folds_that_do_not_end_are_left_as_they_are(text, before):
    content = before + text * 50_000
    message = {"role": "assistant", "content": content}
    (record,) = read({"chat": {"history": {"messages": {"a": message}}}})
    assert record["messages"][0]["content"] == content


def test_many_messages_below_a_long_chain_of_empty_places_begin_the_session():
    count = 20_000
    mapping: dict[str, dict] = {str(number): {"parent": str(number - 1)} for number in range(count)}
    for number in range(count):
        message = {"author": {"role": "user"}, "content": {"content_type": "text", "parts": ["x"]}}
        mapping[f"m{number}"] = {"parent": str(count - 1), "message": message}
    (record,) = read({"mapping": mapping})
    assert len(record["messages"]) == count
