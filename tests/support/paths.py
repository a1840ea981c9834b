"""Where the project and its tests are, for tests that read documents or start scripts."""

from pathlib import Path

TESTS = Path(__file__).parent.parent
ROOT = TESTS.parent
DOCS = ROOT / "docs"
