"""Export of all sessions of a store as JSON Lines: its time compared with a bare cursor, its memory at two sizes."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import sample
from measure import Row, alternate, ratio_row, seconds
from pymongo import MongoClient
from pymongo.collection import Collection

from botchat.bootstrap import build_repository
from botchat.core.admin import Admin
from botchat.core.exporting import ExportFormat, export
from botchat.core.models import Session, new_id
from botchat.core.retention import Retention
from botchat.core.storage import session_to_record
from botchat.core.storage.mongo.repository import MongoRepository

_SESSIONS = 10_000
_MESSAGES = 20
_ROUNDS = 5
_START = datetime(2026, 1, 1, tzinfo=UTC)


# A process starts with the peak memory of its parent: here that is a small one.
_PEAK = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


def rows(folder: Path, uri: str) -> Iterator[Row]:
    with MongoClient(uri, tz_aware=True) as client:
        for number in (_SESSIONS // 10, _SESSIONS):
            _fill(client[f"export_{number}"]["sessions"], number)
        peaks = [_peak(f"{uri}/export_{number}", folder) for number in (_SESSIONS // 10, _SESSIONS)]
        repository = build_repository(f"{uri}/export_{_SESSIONS}")
        admin = Admin(repository.for_admins(), Retention())
        bare = partial(seconds, _bare, client[f"export_{_SESSIONS}"]["sessions"])
        medians = alternate(bare, partial(seconds, _ours, admin), rounds=_ROUNDS, warm_up=1)
        repository.close()
        for number in (_SESSIONS // 10, _SESSIONS):
            client.drop_database(f"export_{number}")
    what = f"MongoDB: export of {_SESSIONS:,} sessions of {_MESSAGES} messages"
    yield ratio_row(f"{what}, time", medians, at_most=1.5)
    few, many = peaks
    ratio = many / few
    of_few = f"{few:.0f} MB with {_SESSIONS // 10:,}"
    yield Row(f"{what}, peak memory", f"{many:.0f} MB", of_few, f"{ratio:.2f}", "at most 1.1", reached=ratio <= 1.1)


def _fill(sessions: Collection, number: int) -> None:
    MongoRepository(sessions.database).prepare()
    messages = sample.new_session(_MESSAGES).messages
    for start in range(0, number, 1000):
        records = []
        for i in range(start, start + 1000):
            time = _START + timedelta(seconds=i)
            session = Session(user=f"user {i % 50}", bot_id="demo", create_time=time, messages=messages)
            records.append(session_to_record(session) | {"rev": 1})
        sessions.insert_many(records)


def _bare(sessions: Collection) -> None:
    with Path(os.devnull).open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(document, default=str) + "\n" for document in sessions.find())


def _ours(admin: Admin) -> None:
    with Path(os.devnull).open("w", encoding="utf-8") as file:
        file.writelines(export(admin.records(), ExportFormat.jsonl))


def _peak(store: str, folder: Path) -> float:
    """Return the peak memory, in MB, of exporting a whole store with the command line."""
    options = ("--all-users", "--all", "-F", "jsonl", "-o", str(folder / f"{new_id()}.jsonl"), "--store", store)
    command = [sys.executable, "-c", _PEAK, sys.executable, "-m", "botchat", "sessions", "export", *options]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return int(done.stdout) / 1024
