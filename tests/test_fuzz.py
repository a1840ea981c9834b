"""The parsers handle arbitrary data: a few examples in every run, many more with `make fuzz`."""

import base64
import subprocess
import sys

import pytest
from hypothesis import HealthCheck, given, settings
from support.fuzz_targets import TARGETS
from support.paths import TESTS

from botchat.core.errors import ConfigError, InvalidInput
from botchat.core.storage.session_order import parse_cursor
from botchat.settings import load_settings


@pytest.mark.parametrize("name", TARGETS)
def test_a_parser_takes_whatever_it_is_given(name):
    target, examples = TARGETS[name]
    checked = given(examples)(target)
    settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))(checked)()


def test_what_is_nested_too_deeply_is_refused_in_words(tmp_path):
    with pytest.raises(InvalidInput, match="Invalid cursor"):
        parse_cursor(base64.urlsafe_b64encode(b"[" * 5_000).decode())
    file = tmp_path / "config.toml"
    file.write_text("a = " + "[" * 5_000)
    with pytest.raises(ConfigError, match="nested too deeply"):
        load_settings({"BOTCHAT_CONFIG": str(file)})


def test_the_fuzzer_tries_every_parser_within_its_time_and_says_what_it_tried():
    script = TESTS / "fuzz.py"
    done = subprocess.run([sys.executable, script, "0"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert [line.split(":")[0] for line in done.stdout.splitlines()] == list(TARGETS)
