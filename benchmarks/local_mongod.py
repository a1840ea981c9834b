"""A mongod for the benchmarks: the one of the dev extra, started for one run."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_ROOT = Path(__file__).resolve().parent.parent


@contextmanager
def mongod(folder: Path) -> Iterator[str | None]:
    """Run the tests' server; None where there is none."""
    sys.path.append(str(_ROOT / "tests"))
    from support.stores.servers import Mongod, mongod_binary

    if mongod_binary() is None:
        print("There is no mongod here, so the table is without MongoDB: the dev extra carries one.", file=sys.stderr)
        yield None
        return
    server = Mongod(folder / "mongod")
    try:
        server.start()
        yield server.uri
    finally:
        server.stop()
