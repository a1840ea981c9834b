"""The generated pages of docs/reference are as the code is now."""

import shutil
import subprocess
import sys

import pytest
from support.paths import DOCS, ROOT

SCRIPTS = DOCS / "scripts"


def reference(docs, *arguments):
    command = [sys.executable, docs / "scripts" / "reference.py", *arguments]
    return subprocess.run(command, env={"PYTHONPATH": str(ROOT)}, cwd=docs, capture_output=True, text=True, check=False)


@pytest.fixture
def copy(tmp_path):
    docs = tmp_path / "docs"
    shutil.copytree(SCRIPTS, docs / "scripts")
    shutil.copytree(DOCS / "reference", docs / "reference")
    return docs


def test_no_generated_page_is_out_of_date():
    done = reference(DOCS, "--check")
    assert (done.stderr, done.returncode) == ("", 0)


def test_a_page_that_is_out_of_date_is_found_and_written_again(copy):
    page, extra = copy / "reference" / "cli" / "ask.md", copy / "reference" / "cli" / "gone.md"
    before = page.read_text()
    page.write_text(f"{before}\nMore.\n")
    extra.write_text("# Gone\n")
    done = reference(copy, "--check")
    assert (done.stdout, done.returncode) == ("", 1)
    assert done.stderr.splitlines() == [
        f"reference/cli/{name}.md is out of date. Run: make reference" for name in ("ask", "gone")
    ]
    assert reference(copy).returncode == 0
    assert (page.read_text(), extra.exists()) == (before, False)
