"""Every link, anchor and image of the Markdown files leads somewhere, without asking the network."""

from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from support.docs.documents import addresses, anchors, documents, headings, pages
from support.paths import DOCS, ROOT

DOCUMENTS = documents()


@pytest.fixture(params=DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def document(request):
    return request.param


def is_dead(address: str, document: Path, root: Path = ROOT) -> bool:
    """Return whether an address of a document leads nowhere in the repository, or is malformed."""
    parts = urlsplit(address)
    if parts.scheme in {"http", "https"}:
        return not parts.hostname
    if parts.scheme == "mailto":
        return "@" not in parts.path
    target = (document.parent / unquote(parts.path)).resolve() if parts.path else document
    if parts.scheme or parts.netloc or not target.is_relative_to(root) or not target.exists():
        return True
    return bool(parts.fragment) and (target.suffix != ".md" or parts.fragment not in anchors(target))


def test_every_link_and_image_leads_somewhere(document):
    assert [address for address in addresses(document) if is_dead(address, document)] == []


@pytest.mark.parametrize(
    "line",
    [
        "[a](missing.md)",
        "![a](images/missing.png)",
        "[a](#missing)",
        "[a](other.md#missing)",
        "[a][b]\n\n[b]: missing.md",
        '<img src="missing.png">',
        "| a |\n|---|\n| [a](missing.md) |",
        "[a](../../../../../../../../../../../../../etc/passwd)",
        "[a](https://)",
        "[a](/docs/index.md)",
    ],
)
def test_a_dead_link_is_found(line, tmp_path):
    (tmp_path / "other.md").write_text("# Other\n")
    page = tmp_path / "page.md"
    page.write_text(f"# Page\n\n{line}\n\n```sh\n# missing\n```\n")
    assert [address for address in addresses(page) if is_dead(address, page, tmp_path)] != []


@pytest.mark.parametrize(
    "line", ["[a](other.md#the-config-table-1)", "[a](#page)", "`[a](missing.md)`", "[a](https://h.org)"]
)
def test_a_good_link_and_code_are_not(line, tmp_path):
    (tmp_path / "other.md").write_text("# Other\n\n## The `[config]` table\n\n## The [config] table\n")
    page = tmp_path / "page.md"
    page.write_text(f"# Page\n\n{line}\n")
    assert [address for address in addresses(page) if is_dead(address, page, tmp_path)] == []


@pytest.mark.parametrize("page", pages(), ids=lambda path: str(path.relative_to(DOCS)))
def test_a_page_has_one_title_and_no_level_of_headings_is_skipped(page):
    levels = [level for level, _ in headings(page)]
    assert levels[:1] == [1]
    assert levels.count(1) == 1
    assert [(above, below) for above, below in pairwise(levels) if below > above + 1] == []
