"""Measure botchat next to bare floors and print the table; with --write put it into docs/performance.md too."""

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
import held_sessions
import long_sessions
import long_ways
import many_writers
import on_mongod
import on_sqlite
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
_DOCUMENT = _ROOT / "docs" / "performance.md"
_BEGIN, _END = "<!-- table -->", "<!-- /table -->"
_HEADS = ("what", "ours", "floor", "compared", "goal", "reached")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="put the table into docs/performance.md")
    parser.add_argument("--elia", type=Path, help="the program elia 1.10, to start the terminal chat next to it")
    parser.add_argument("--only", metavar="NAME", help="make one benchmark's rows alone, such as web_page")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="botchat-bench-") as name, mongod(Path(name)) as uri:
        lines = [_line(_HEADS), _line(("---",) * len(_HEADS))]
        print(*lines, sep="\n", flush=True)
        benchmarks = _benchmarks(Path(name), uri, arguments.elia)
        if arguments.only not in {None, *benchmarks}:
            parser.error(f"--only takes one of {', '.join(benchmarks)}.")
        for benchmark in [arguments.only] if arguments.only else benchmarks:
            for row in benchmarks[benchmark]():
                lines.append(_line(row.cells))
                print(lines[-1], flush=True)
        about = _about(uri)
    print(f"\n{about}")
    if arguments.write:
        _put(about, lines, only=arguments.only)


def _benchmarks(folder: Path, uri: str | None, elia: Path | None) -> dict[str, Callable[[], Iterator[Row]]]:
    """Name the benchmarks, in the order in which they run."""
    # The start first: nothing of the servers runs beside it.
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
        "long_ways": partial(long_ways.rows, folder, uri),
        "many_writers": partial(many_writers.rows, folder, uri),
    }
    if uri:
        benchmarks |= {"on_mongod": partial(on_mongod.rows, uri), "exporting": partial(exporting.rows, folder, uri)}
        benchmarks |= {
            "strands_sessions": partial(strands_sessions.rows, uri),
            "held_sessions": partial(held_sessions.rows, uri),
        }
    return benchmarks | {"on_sqlite": partial(on_sqlite.rows, folder)}


def _about(uri: str | None) -> str:
    versions = {"Python": platform.python_version(), "openai": version("openai"), "SQLite": sqlite3.sqlite_version}
    if uri:
        with MongoClient(uri) as client:
            versions |= {"pymongo": version("pymongo"), "mongod": client.server_info()["version"]}
    options = ["…" if Path(option).is_absolute() else option for option in sys.argv[1:]]
    command = " ".join(["python benchmarks/run.py", *options])
    said = ", ".join(f"{name} {number}" for name, number in versions.items())
    return f"Made on {datetime.now(UTC):%Y-%m-%d} by `{command}` with {said}."


def _line(cells: tuple[str, ...]) -> str:
    return f"| {' | '.join(cells)} |"


def _put(about: str, lines: list[str], *, only: str | None) -> None:
    """Replace what stands between the two marks of the document; of one benchmark alone, its rows."""
    before, _, rest = _DOCUMENT.read_text(encoding="utf-8").partition(_BEGIN)
    middle, end, after = rest.partition(_END)
    if not end:
        sys.exit(f"{_DOCUMENT.name} must hold {_BEGIN} and, after it, {_END}.")
    abouts = [about]
    if only:
        abouts = [line for line in middle.splitlines() if line.startswith("Made ") and f"--only {only}" not in line]
        abouts.append(about)
        lines = _renewed([line for line in middle.splitlines() if line.startswith("|")], lines)
    table = "\n".join(["\n\n".join(abouts), "", *lines])
    _DOCUMENT.write_text(f"{before}{_BEGIN}\n\n{table}\n\n{_END}{after}", encoding="utf-8")


def _renewed(table: list[str], rows: list[str]) -> list[str]:
    """Put rows into a table, in the place of those that tell of the same."""
    new = {_what(row): row for row in rows}
    return [new.pop(_what(row), row) for row in table] + list(new.values())


def _what(line: str) -> str:
    return line.split("|")[1]


if __name__ == "__main__":
    main()
