"""Each attack in the folders beside this file succeeded on an earlier version, and is refused now."""

import os
import subprocess
import sys

import pytest
from support.paths import TESTS
from support.stores.servers import mongod_binary
from support.web.browser import chromium_binary

ATTACKS = sorted((TESTS / "attacks").glob("*/*.py"))
NEEDS = {"huge_formula": chromium_binary, "read_only_user": mongod_binary}


@pytest.mark.skipif(sys.platform != "linux", reason="attacks use /proc, prlimit and addresses of 127.0.0.0/8")
@pytest.mark.parametrize("attack", ATTACKS, ids=lambda file: file.stem)
def test_an_attack_is_refused(attack):
    if attack.stem in NEEDS and NEEDS[attack.stem]() is None:
        pytest.skip("no Chromium or mongod here")
    environment = os.environ | {"PYTHONPATH": str(TESTS)}
    done = subprocess.run([sys.executable, attack], env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.partition(":")[0]) == (1, "refused"), done.stdout + done.stderr
