"""The lock file of CI has a version of every dependency, and each is one that pyproject.toml allows."""

import re
import tomllib

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version
from support.paths import ROOT

LOCKED = {
    canonicalize_name(name): version
    for name, version in re.findall(
        r"^([\w.-]+)==([^\s;]+)", (ROOT / ".ci" / "constraints.txt").read_text(), re.MULTILINE
    )
}


def requirements():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    lines = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    found = [Requirement(line) for line in lines]
    return [each for each in found if each.name != project["name"]]


def test_every_dependency_has_a_locked_version_that_is_allowed():
    wrong = [
        str(each)
        for each in requirements()
        if Version(LOCKED.get(canonicalize_name(each.name), "0")) not in each.specifier
    ]
    assert wrong == []
