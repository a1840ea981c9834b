"""A mongod for the benchmarks, from the dev extra, started for one run."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_ROOT = Path(__file__).resolve().parent.parent


@contextmanager
def mongod(folder: Path) -> Iterator[str | None]:
    """Start the server that the tests use and yield its URI; None without an installed mongod."""
    sys.path.append(str(_ROOT / "tests"))
    from support.stores.servers import Mongod, mongod_binary

    if mongod_binary() is None:
        print("No mongod found, skipping the MongoDB benchmarks. The dev extra installs one.", file=sys.stderr)
        yield None
        return
    server = Mongod(folder / "mongod")
    try:
        server.start()
        yield server.uri
    finally:
        server.stop()
