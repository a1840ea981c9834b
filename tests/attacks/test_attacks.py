"""Each attack of tests/attacks, which worked on an earlier version, is refused."""

import subprocess
import sys
from pathlib import Path

import pytest
from support.stores.servers import mongod_binary
from support.web.browser import chromium_binary

FOLDER = Path(__file__).parent
ATTACKS = sorted(file.stem for file in FOLDER.glob("*.py") if file.stem not in ("target", "test_attacks"))
NEEDS = {"huge_formula": chromium_binary, "read_only_user": mongod_binary}


@pytest.mark.skipif(sys.platform != "linux", reason="attacks use /proc, prlimit and addresses of 127.0.0.0/8")
@pytest.mark.parametrize("attack", ATTACKS)
def test_an_attack_is_refused(attack):
    if attack in NEEDS and NEEDS[attack]() is None:
        pytest.skip("no Chromium or mongod here")
    done = subprocess.run([sys.executable, FOLDER / f"{attack}.py"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.partition(":")[0]) == (1, "refused"), done.stdout + done.stderr
