"""Strands' own repository tests, from its source distribution, pass on botchat's stores."""

import os
import subprocess
import sys
import tarfile
from importlib.metadata import version

import platformdirs
import pytest
from support.paths import ROOT, TESTS

FILES = [
    "tests/strands/session/test_repository_session_manager.py",
    "tests/strands/agent/test_agent.py",
    "tests/strands/agent/test_agent_delegation.py",
    "tests/strands/models/routing/test_router.py",
]


@pytest.fixture(scope="module")
def strands_source(tmp_path_factory):
    """The source of the installed release: downloaded by pip once, and cached."""
    name = f"strands_agents-{version('strands-agents')}"
    kept = platformdirs.user_cache_path("botchat-tests") / f"{name}.tar.gz"
    folder = tmp_path_factory.mktemp("strands")
    if not kept.exists():
        kept.parent.mkdir(parents=True, exist_ok=True)
        wanted = name.replace("strands_agents-", "strands-agents==")
        pip = [sys.executable, "-m", "pip", "download", "--no-deps", "--no-binary", "strands-agents", "-d", folder]
        try:
            subprocess.run([*pip, wanted], check=True, timeout=90, capture_output=True)
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
            pytest.skip(f"pip could not fetch the source of {wanted}: {error}")
        next(folder.glob("*.tar.gz")).replace(kept)
    with tarfile.open(kept) as archive:
        # Python 3.11.0 to 3.11.3 have no filters: https://docs.python.org/3.11/library/tarfile.html#hints-for-further-verification
        archive.extraction_filter = getattr(tarfile, "data_filter", lambda member, _: member)
        archive.extractall(folder)
    return folder / name


def test_strands_own_tests_pass(strands_source, address):
    options = [
        "-q",
        "-p",
        "support.strands.upstream_plugin",
        "-p",
        "no:cacheprovider",
        "-c",
        os.devnull,
        f"--rootdir={strands_source}",
    ]
    environment = os.environ | {"PYTHONPATH": f"{TESTS}:{ROOT}", "BOTCHAT_STORE": address}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, *FILES],
        cwd=strands_source,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=110,
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    passed = int(done.stdout.rsplit(" passed")[0].rsplit(maxsplit=1)[-1])
    assert passed >= 65, done.stdout
    assert "skipped" not in done.stdout
