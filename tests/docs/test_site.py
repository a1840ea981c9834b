"""The docs site: Sphinx builds it without a warning, and its navigation has every page."""

import re
import subprocess
import sys

import pytest
from support.paths import DOCS, ROOT

SECTIONS = ["Get started", "Use", "Build", "Administer", "Reference", "Help", "Contribute"]
SPECIMEN = """\
# Specimen

[A page](guide.md#steps), [the changelog](../CHANGELOG.md#unreleased), [a file](../pyproject.toml), ![a picture](a.png).

```sh
echo "[not a link](../CHANGELOG.md)"
```
"""


@pytest.fixture(scope="module")
def site_pages():
    sys.path.insert(0, str(DOCS / "scripts"))
    import site_pages

    sys.path.pop(0)
    return site_pages


@pytest.fixture
def index():
    return (DOCS / "index.md").read_text(encoding="utf-8")


def names():
    return {path.relative_to(DOCS).with_suffix("").as_posix() for path in DOCS.rglob("*.md")}


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The folder of the site, built with warnings as errors."""
    folder = tmp_path_factory.mktemp("site")
    command = [
        sys.executable,
        "-m",
        "sphinx",
        "-W",
        "--keep-going",
        "-n",
        "-q",
        "-b",
        "html",
        "-d",
        folder / "doctrees",
    ]
    done = subprocess.run([*command, DOCS, folder / "html"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.stderr, done.returncode) == ("", 0)
    return folder / "html"


def test_the_site_is_built_without_a_warning_and_has_every_page(built):
    assert {name for name in names() if not (built / f"{name}.html").is_file()} == set()


def test_the_site_has_the_changelog_itself_and_no_toctree_as_text(built):
    assert "Versions follow" in (built / "help" / "changelog.html").read_text(encoding="utf-8")
    assert "toctree}" not in (built / "index.html").read_text(encoding="utf-8")


def test_a_link_to_a_root_file_leads_to_its_page(built):
    assert 'href="changelog.html"' in (built / "help" / "security_policy.html").read_text(encoding="utf-8")


def test_the_front_page_has_the_sections_and_lists_each_page_once(site_pages, index):
    listed = site_pages.sections(index, names())
    assert [section for section in listed if listed[section]] == SECTIONS
    found = [page for each in listed.values() for page in each]
    assert len(found) == len(set(found))
    below = {page for page in names() if site_pages.owner(page, names())}
    assert {*found, *below, "index"} == names()


def test_the_front_page_names_no_page_that_is_not_there(site_pages, index):
    everything = {*names(), *re.findall(r"\(([\w/]+)\.md\)", index)}
    assert site_pages.sections(index, everything) == site_pages.sections(index, names())


def test_each_common_question_has_an_answer_on_the_front_page(index):
    questions = index.partition("## Common questions")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (.+\?) \| \[[^]]+\]\(([\w/]+\.md)[)#]", questions, re.MULTILINE)
    assert len(rows) == 10
    assert [target for _, target in rows if not (DOCS / target).is_file()] == []


def test_a_page_has_those_in_the_folder_of_its_name_below_it(site_pages):
    pages = {"index", "a", "a/b", "a/b/c", "a/x/y", "d/e", "f/index", "f/g"}
    assert site_pages.folder_of("a", pages) == ["/a/b", "/a/x/y"]
    assert site_pages.folder_of("a/b", pages) == ["/a/b/c"]
    assert site_pages.folder_of("f/index", pages) == ["/f/g"]
    assert site_pages.folder_of("d/e", pages) == site_pages.folder_of("index", pages) == []


def test_links_out_of_the_docs_lead_to_pages_of_the_site(site_pages):
    text = site_pages.with_site_links(SPECIMEN, DOCS / "specimen.md", "specimen", {})
    assert text == SPECIMEN.replace("(../CHANGELOG.md#unreleased)", "(help/changelog.md#unreleased)").replace(
        "[a file](../pyproject.toml)", "a file"
    )


def test_links_out_of_the_docs_lead_to_the_repository_where_it_is_known(site_pages):
    names = {"REPOSITORY": "ann/botchat", "SHA": "abc", "SERVER_URL": "https://github.com"}
    environment = {f"GITHUB_{name}": value for name, value in names.items()}
    text = site_pages.with_site_links("[a](../../examples) [b](../../LICENSE)", DOCS / "a/b.md", "a/b", environment)
    assert text == (
        "[a](https://github.com/ann/botchat/tree/abc/examples) [b](https://github.com/ann/botchat/blob/abc/LICENSE)"
    )


def test_links_of_a_root_file_lead_to_pages_of_the_site(site_pages):
    text = site_pages.with_site_links("[a](docs/help/faq.md#b) [c](README.md#d)", ROOT / "SECURITY.md", "help/x")
    assert text == "[a](../help/faq.md#b) [c](../index.md)"
