"""Write the generated pages of docs/reference (`make reference`); with --check only compare them with the code."""

import os
import sys
from pathlib import Path

import api_page
import cli_pages
import config_page
import environment_page
import keys_page
import topic_pages

_GENERATORS = (cli_pages, config_page, environment_page, topic_pages, api_page, keys_page)

REFERENCE = Path(__file__).resolve().parents[1] / "reference"


def main(arguments: list[str]) -> int:
    """Write or compare the pages; return the exit code."""
    pages = all_pages()
    extra = [path for path in (REFERENCE / "cli").glob("*.md") if f"cli/{path.name}" not in pages]
    stale = [REFERENCE / name for name, text in pages.items() if read(REFERENCE / name) != text]
    if "--check" in arguments:
        for path in [*stale, *extra]:
            print(f"{os.path.relpath(path)} is out of date. Run: make reference", file=sys.stderr)  # noqa: T201
        return 1 if stale or extra else 0
    for path in stale:
        path.parent.mkdir(exist_ok=True)
        path.write_text(pages[path.relative_to(REFERENCE).as_posix()], encoding="utf-8")
    for path in extra:
        path.unlink()
    return 0


def all_pages() -> dict[str, str]:
    """Return the text of each generated page by its path below docs/reference/."""
    return {name: text for each in _GENERATORS for name, text in each.pages().items()}


def read(path: Path) -> str:
    """Return the text of a page, "" if it doesn't exist."""
    return path.read_text(encoding="utf-8") if path.exists() else ""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
