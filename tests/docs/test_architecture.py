"""The documents about the architecture: the picture equals import-linter's layers, and every path and module exists."""

import dataclasses
import re
import tomllib
from pathlib import Path

import pytest
from support.paths import DOCS, ROOT, TESTS

from botchat.core.models import Message, Session

PACKAGE = ROOT / "botchat"
OVERVIEW = DOCS / "architecture.md"
PAGES = DOCS / "architecture"
REFERENCE = DOCS / "reference"

MOST_MODULES = 15
MAY_HAVE_MORE = {PACKAGE / "commands"}  # one file per command

NO_COUNTERPART = {"support", "docs", "attacks", "data", "core/storage/contract", "web/browser"}
"""Folders of tests without a package of that name: helpers, data, and tests of several packages together."""

PATH = re.compile(r"(?<![\w./-])(?:[\w-]+/)*[\w-]+\.(?:py|md|tcss|css|js|toml)\b")
FOLDER = re.compile(r"`((?:[\w.-]+/)+)`")
MODULE = re.compile(r"(?<![\w/.])botchat(?:\.[a-z_]+)+(?!\w)")

DOCUMENTS = sorted([OVERVIEW, *PAGES.rglob("*.md"), REFERENCE / "record.md", REFERENCE / "store.md"])


@pytest.fixture(params=DOCUMENTS, ids=lambda path: str(path.relative_to(DOCS)))
def document(request):
    return request.param


def layers():
    """The layers of import-linter, each a list of modules."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    [contract] = [contract for contract in contracts if contract["type"] == "layers"]
    return [[name.strip() for name in re.split(r"[|:]", layer)] for layer in contract["layers"]]


def picture():
    """The floors of the picture, each a list of modules; a divider with a name begins the package of that name."""
    found, prefix = [], "botchat"
    for line in re.search("```text\n(.+?)```", OVERVIEW.read_text(), re.DOTALL)[1].splitlines():
        if divider := re.match(r"├─+ (\w+) ", line):
            prefix = f"botchat.{divider[1]}"
        elif row := re.match("│([^│]+)│", line):
            found.append([f"{prefix}.{name}" for name in row[1].split()])
    return found


def packages_with_a_page():
    return [PACKAGE / page.relative_to(PAGES).with_suffix("") for page in PAGES.rglob("*.md")]


def place_of(page):
    """The folder that paths on a page start at."""
    return PACKAGE / page.relative_to(PAGES).with_suffix("") if page.is_relative_to(PAGES) else ROOT


def path_of(module):
    return ROOT.joinpath(*module.split("."))


def is_module(name):
    return path_of(name).with_suffix(".py").is_file() or (path_of(name) / "__init__.py").is_file()


def modules_in(folder):
    return [path for path in folder.glob("*.py") if path.name != "__init__.py"]


def folders_in(folder):
    """The folder and those below it that hold a module."""
    inside = [folder, *(path for path in folder.rglob("*") if path.is_dir())]
    return [path for path in inside if path.name != "__pycache__" and any(path.glob("*.py"))]


def test_the_picture_shows_the_layers_of_import_linter():
    assert picture() == layers()


def test_each_room_that_is_a_package_has_a_page():
    rooms = [path_of(name) for floor in layers() for name in floor]
    assert [room for room in rooms if room.is_dir() and room not in packages_with_a_page()] == []


def test_each_room_that_is_a_module_is_in_the_overview():
    rooms = [path_of(name).with_suffix(".py") for floor in layers() for name in floor]
    overview = OVERVIEW.read_text()
    assert [room for room in rooms if room.is_file() and f"| `{room.relative_to(ROOT)}` |" not in overview] == []


def test_each_page_is_about_a_package_that_is_there():
    assert [package for package in packages_with_a_page() if not (package / "__init__.py").is_file()] == []


def test_every_path_that_a_document_names_is_there(document):
    text = re.sub(r"\[[^]\n]*\]\([^)\s]+\)", "", document.read_text())  # links: test_links.py
    named = {*PATH.findall(text), *FOLDER.findall(text)}
    places = (ROOT, place_of(document))
    assert [path for path in sorted(named) if not any((place / path).exists() for place in places)] == []


def test_every_module_that_a_document_names_is_there(document):
    assert [name for name in sorted(set(MODULE.findall(document.read_text()))) if not is_module(name)] == []


def test_every_module_of_a_room_is_on_its_page():
    missing = []
    for page in PAGES.rglob("*.md"):
        text = page.read_text()
        missing += [path for path in modules_in(place_of(page)) if f"`{path.name}`" not in text]
    assert missing == []


@pytest.mark.parametrize("record", [Session, Message])
def test_the_page_about_the_record_has_every_field(record):
    text = (REFERENCE / "record.md").read_text()
    fields = {field.name for field in dataclasses.fields(record)} - {"extra"}  # fields of other versions
    assert {name for name in fields if f"`{name}`" not in text} == set()


@pytest.mark.parametrize("root", [PACKAGE, TESTS], ids=["botchat", "tests"])
def test_no_folder_has_more_than_15_modules(root):
    amounts = {folder: len(modules_in(folder)) for folder in folders_in(root) if folder not in MAY_HAVE_MORE}
    assert {folder: amount for folder, amount in amounts.items() if amount > MOST_MODULES} == {}


def test_the_tests_are_in_the_folders_of_the_modules_that_they_test():
    inside = [folder.relative_to(TESTS) for folder in folders_in(TESTS)]
    mirrored = [Path(folder) for folder in inside if not is_apart(folder)]
    assert [folder for folder in mirrored if not (PACKAGE / folder).is_dir()] == []


def is_apart(folder):
    return any(str(path) in NO_COUNTERPART for path in (folder, *folder.parents))
