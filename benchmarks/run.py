"""Measure botchat and baselines, and print a table; with --write, also update docs/contribute/performance.md."""

import argparse
import platform
import sqlite3
import sys
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version
from pathlib import Path

import api_streams
import exporting
import first_token
import front_ends
import held_sessions
import long_sessions
import many_writers
import mongodb_store
import sqlite_store
import start
import strands_sessions
import token_counts
import topics
import tui_start
import tui_stream
import tui_transcript
import web_browser
import web_page
import web_streams
from local_mongod import mongod
from measure import Row
from pymongo import MongoClient

_ROOT = Path(__file__).resolve().parent.parent
_DOCUMENT = _ROOT / "docs" / "contribute" / "performance.md"
_BEGIN, _END = "<!-- table -->", "<!-- /table -->"
_HEADS = ("Benchmark", "botchat", "Baseline", "Comparison", "Goal", "Met")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="update the table in docs/contribute/performance.md")
    parser.add_argument("--elia", type=Path, help="path of the elia 1.10 command, to compare the start of the terminal")
    parser.add_argument("--only", metavar="NAME", help="run only this benchmark, such as web_page")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="botchat-bench-") as name, mongod(Path(name)) as uri:
        lines = [_line(_HEADS), _line(("---",) * len(_HEADS))]
        print(*lines, sep="\n", flush=True)
        benchmarks = _benchmarks(Path(name), uri, arguments.elia)
        if arguments.only not in {None, *benchmarks}:
            parser.error(f"unknown benchmark {arguments.only!r}; choose from {', '.join(benchmarks)}")
        for benchmark in [arguments.only] if arguments.only else benchmarks:
            for row in benchmarks[benchmark]():
                lines.append(_line(row.cells))
                print(lines[-1], flush=True)
        description = _describe_run(uri)
    print(f"\n{description}")
    if arguments.write:
        _write_table(description, lines, only=arguments.only)


def _benchmarks(folder: Path, uri: str | None, elia: Path | None) -> dict[str, Callable[[], Iterator[Row]]]:
    """Return the benchmarks by name, in the order in which they run."""
    # First, while no server is running.
    benchmarks: dict[str, Callable[[], Iterator[Row]]] = {
        "start": partial(start.rows, folder),
        "tui_start": partial(tui_start.rows, folder, elia),
        "tui_transcript": tui_transcript.rows,
        "tui_stream": tui_stream.rows,
        "web_page": partial(web_page.rows, folder, uri),
        "web_browser": partial(web_browser.rows, folder),
        "web_streams": partial(web_streams.rows, folder, uri),
        "api_streams": partial(api_streams.rows, folder),
        "token_counts": token_counts.rows,
        "topics": topics.rows,
        "first_token": partial(first_token.rows, folder, uri),
        "long_sessions": partial(long_sessions.rows, folder, uri),
        "front_ends": partial(front_ends.rows, folder, uri),
        "many_writers": partial(many_writers.rows, folder, uri),
    }
    if uri:
        benchmarks |= {
            "mongodb_store": partial(mongodb_store.rows, uri),
            "exporting": partial(exporting.rows, folder, uri),
        }
        benchmarks |= {
            "strands_sessions": partial(strands_sessions.rows, uri),
            "held_sessions": partial(held_sessions.rows, uri),
        }
    return benchmarks | {"sqlite_store": partial(sqlite_store.rows, folder)}


def _describe_run(uri: str | None) -> str:
    versions = {"Python": platform.python_version(), "openai": version("openai"), "SQLite": sqlite3.sqlite_version}
    if uri:
        with MongoClient(uri) as client:
            versions |= {"pymongo": version("pymongo"), "mongod": client.server_info()["version"]}
    options = ["…" if Path(option).is_absolute() else option for option in sys.argv[1:]]
    command = " ".join(["python benchmarks/run.py", *options])
    used = ", ".join(f"{name} {number}" for name, number in versions.items())
    return f"Measured on {datetime.now(UTC):%Y-%m-%d} by `{command}` with {used}."


def _line(cells: tuple[str, ...]) -> str:
    return f"| {' | '.join(cells)} |"


def _write_table(description: str, lines: list[str], *, only: str | None) -> None:
    """Replace the table between the two markers of the document; for one benchmark, only its rows."""
    before, _, rest = _DOCUMENT.read_text(encoding="utf-8").partition(_BEGIN)
    middle, end, after = rest.partition(_END)
    if not end:
        sys.exit(f"{_DOCUMENT.name} must contain {_BEGIN}, followed by {_END}.")
    descriptions = [description]
    if only:
        descriptions = [
            line for line in middle.splitlines() if line.startswith("Measured ") and f"--only {only}" not in line
        ]
        descriptions.append(description)
        lines = _replace_rows([line for line in middle.splitlines() if line.startswith("|")], lines)
    table = "\n".join(["\n\n".join(descriptions), "", *lines])
    _DOCUMENT.write_text(f"{before}{_BEGIN}\n\n{table}\n\n{_END}{after}", encoding="utf-8")


def _replace_rows(table: list[str], rows: list[str]) -> list[str]:
    """Replace the rows of a table that have the same label; append the others."""
    new = {_what(row): row for row in rows}
    return [new.pop(_what(row), row) for row in table] + list(new.values())


def _what(line: str) -> str:
    return line.split("|")[1]


if __name__ == "__main__":
    main()
