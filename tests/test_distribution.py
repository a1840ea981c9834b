"""What is installed, and how: the distribution's name is ours, and no text recommends a stranger's package."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from support.paths import ROOT

from botchat.core.errors import how_to_install

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
INSTALLERS = r"(?:pip3? install|pipx (?:install|run)|uv tool (?:install|run)|uv add|uvx(?: --from)?)"
FOREIGN = re.compile(rf"""{INSTALLERS}(?: -[\w-]+)* ['"]?botchat(?![\w-])""")
EXCEPT = {ROOT / "CHANGELOG.md", Path(__file__)}


def texts():
    folders = ["botchat", "docs", "examples", "benchmarks", "tests", "deploy", ".ci", ".github"]
    found = [file for folder in folders for file in (ROOT / folder).rglob("*")]
    for file in [*found, *ROOT.glob("*")]:
        if file.suffix in {".md", ".py", ".sh", ".yml", ".yaml", ".toml", ""} and file.is_file() and file not in EXCEPT:
            yield file.relative_to(ROOT).as_posix(), file.read_text(encoding="utf-8", errors="replace")


def test_no_text_recommends_the_package_of_that_name_on_the_index():
    found = {name: match.group() for name, text in texts() if (match := FOREIGN.search(text))}
    assert found == {}


@pytest.mark.parametrize(
    ("text", "is_foreign"),
    [
        ("pip install botchat", True),
        ("pip install 'botchat[api]'", True),
        ("python -m pip install -q botchat[strands]", True),
        ("uv tool install botchat", True),
        ("uvx botchat web", True),
        ("uvx --from . botchat web", False),
        ("pip install botchat-sessions", False),
        ("pip install '.[api]'", False),
        ("pipx install . and then botchat web", False),
    ],
)
def test_what_counts_as_a_recommendation(text, is_foreign):
    assert bool(FOREIGN.search(text)) is is_foreign


def test_the_distribution_has_a_name_of_its_own_and_the_command_stays():
    assert PROJECT["name"] == "botchat-sessions"
    assert PROJECT["scripts"] == {"botchat": "botchat.__main__:main"}
    own = [each for group in PROJECT["optional-dependencies"].values() for each in group if each.startswith("botchat")]
    assert {Requirement(each).name for each in own} == {PROJECT["name"]}


@pytest.mark.parametrize("extra", ["api", "oidc", "strands"])
def test_an_error_that_names_a_missing_package_says_how_to_install_it(extra):
    assert f"make {extra}" in how_to_install(extra)
    assert f"'.[{extra}]'" in how_to_install(extra)
    assert extra in PROJECT["optional-dependencies"]
    assert re.search(rf"^(?:\w+ )*{extra}(?: \w+)*:", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
