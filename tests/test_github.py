"""The files for GitHub: they can be read, actions are pinned, and a release has the notes of its version."""

import re
import subprocess
import sys

import pytest
import yaml
from support.paths import ROOT

GITHUB = ROOT / ".github"
WORKFLOWS = sorted((GITHUB / "workflows").glob("*.yml"))
TEMPLATES = sorted(set((GITHUB / "ISSUE_TEMPLATE").glob("*.yml")) - {GITHUB / "ISSUE_TEMPLATE" / "config.yml"})
PINNED = re.compile(r"uses: (?:\./[\w./-]+|[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+)$")


def loaded(path):
    return yaml.safe_load(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_has_few_rights_a_time_limit_and_pinned_actions(path):
    workflow = loaded(path)
    assert workflow["permissions"] == {"contents": "read"}
    for job in workflow["jobs"].values():
        assert "timeout-minutes" in job or "uses" in job
        assert set(job.get("needs", "").split()) <= set(workflow["jobs"])
    uses = [line.strip().removeprefix("- ") for line in path.read_text().splitlines() if "uses: " in line]
    assert [line for line in uses if not PINNED.search(line)] == []


def test_the_same_action_has_the_same_version_everywhere():
    found = {}
    for path in WORKFLOWS:
        for name, version in re.findall(r"uses: ([\w/-]+)@(.+)", path.read_text()):
            assert found.setdefault(name, version) == version


def test_only_the_job_that_publishes_may_ask_for_an_identity():
    jobs = loaded(GITHUB / "workflows" / "release.yml")["jobs"]
    rights = {name: job["permissions"] for name, job in jobs.items() if "permissions" in job}
    assert rights == {"publish": {"id-token": "write"}, "release": {"contents": "write"}}
    assert jobs["publish"]["environment"] == "pypi"
    assert (jobs["build"]["needs"], jobs["publish"]["needs"], jobs["release"]["needs"]) == ("test", "build", "publish")


def test_only_the_job_that_publishes_the_docs_may_write_pages():
    jobs = loaded(GITHUB / "workflows" / "docs.yml")["jobs"]
    rights = {name: job["permissions"] for name, job in jobs.items() if "permissions" in job}
    assert rights == {"deploy": {"pages": "write", "id-token": "write"}}
    assert (jobs["deploy"]["needs"], jobs["deploy"]["environment"]["name"]) == ("build", "github-pages")


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_an_issue_form_has_what_github_requires(path):
    form = loaded(path)
    assert {"name", "description", "body"} <= set(form)
    ids = [each["id"] for each in form["body"] if each["type"] != "markdown"]
    assert len(ids) == len(set(ids)) > 0
    for each in form["body"]:
        assert each["type"] in {"markdown", "textarea", "input", "dropdown", "checkboxes"}
        assert "value" in each["attributes"] if each["type"] == "markdown" else each["attributes"]["label"]
        assert all(isinstance(option, str) for option in each["attributes"].get("options", []))


def test_dependabot_and_the_hooks_look_at_what_there_is():
    ecosystems = {each["package-ecosystem"] for each in loaded(GITHUB / "dependabot.yml")["updates"]}
    assert ecosystems == {"pip", "github-actions", "docker", "docker-compose"}
    (local,) = loaded(ROOT / ".pre-commit-config.yaml")["repos"]
    assert local["repo"] == "local"
    check = (ROOT / "Makefile").read_text(encoding="utf-8").partition("\ncheck:")[2].partition("\n\n")[0]
    for hook in local["hooks"]:
        assert hook["entry"].split()[0].replace(".venv/bin", "$(BIN)") in check


@pytest.fixture
def notes(tmp_path):
    """Run the script in a project of this version and changelog."""

    def run(tag, version, changelog):
        for folder in (".ci", "botchat"):
            (tmp_path / folder).mkdir()
        script = tmp_path / ".ci" / "release_notes.py"
        script.write_bytes((ROOT / ".ci" / "release_notes.py").read_bytes())
        (tmp_path / "botchat" / "__init__.py").write_text(f'"""Words."""\n\n__version__ = "{version}"\n')
        (tmp_path / "CHANGELOG.md").write_text(changelog)
        return subprocess.run([sys.executable, script, tag], capture_output=True, text=True, check=False)

    return run


CHANGELOG = "# Changes\n\n## Unreleased\n\n- c\n\n## 0.2.0 (28 Nov 2026)\n\n### Added\n\n- b\n\n## 0.2.0rc1\n\n- a\n"


def test_the_notes_of_a_release_are_its_section(notes):
    done = notes("v0.2.0", "0.2.0", CHANGELOG)
    assert (done.returncode, done.stdout, done.stderr) == (0, "### Added\n\n- b\n", "")


@pytest.mark.parametrize(
    ("tag", "version", "said"),
    [("v0.3.0", "0.2.0", "The tag v0.3.0 is not v0.2.0"), ("v0.3.0", "0.3.0", "no section 0.3.0")],
)
def test_a_release_that_is_not_ready_is_refused(notes, tag, version, said):
    done = notes(tag, version, CHANGELOG)
    assert (done.returncode, done.stdout) == (1, "")
    assert said in done.stderr
