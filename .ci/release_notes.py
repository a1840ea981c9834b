"""Print the section of CHANGELOG.md for a tag, such as v0.2.0; what the release workflow publishes as notes.

Exit code 1: the tag isn't the version of the package, or the section is missing or empty.
"""

import re
import sys
from pathlib import Path

_ROOT = Path(__file__).resolve().parent.parent


def main(arguments: list[str], root: Path = _ROOT) -> int:
    """Print the notes; return the exit code."""
    if len(arguments) != 1:
        print("Usage: release_notes.py TAG", file=sys.stderr)
        return 1
    (tag,) = arguments
    source = (root / "botchat" / "__init__.py").read_text(encoding="utf-8")
    found = re.search(r'^__version__ = "(.+)"$', source, re.MULTILINE)
    version = found[1] if found else ""
    if tag != f"v{version}":
        print(f"The tag {tag} is not v{version}, the version in botchat/__init__.py.", file=sys.stderr)
        return 1
    notes = section((root / "CHANGELOG.md").read_text(encoding="utf-8"), version)
    if not notes:
        print(f"CHANGELOG.md has no section {version}: rename Unreleased, or add it.", file=sys.stderr)
        return 1
    print(notes)
    return 0


def section(changelog: str, version: str) -> str:
    """Return what is below the heading `## VERSION`, which may have a date after it; "" if there is none."""
    heading = re.compile(rf"^## \[?v?{re.escape(version)}\]?(?: .*)?$", re.MULTILINE)
    found = heading.search(changelog)
    if not found:
        return ""
    rest = changelog[found.end() :]
    end = re.search(r"^## ", rest, re.MULTILINE)
    return rest[: end.start() if end else None].strip()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
