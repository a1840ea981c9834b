"""The threat model names existing code and tests, and every attack."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
MODEL = (ROOT / "docs" / "help" / "threat_model.md").read_text(encoding="utf-8")
POLICY = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
ATTACKS = {str(file.relative_to(ROOT)) for file in (ROOT / "tests" / "attacks").glob("*/*.py")}


def test_it_names_no_file_that_is_not_there():
    named = set(re.findall(r"`((?:botchat|tests)/[\w/]+\.py)`", MODEL))
    assert named
    assert {path for path in named if not (ROOT / path).is_file()} == set()


def test_it_names_every_attack():
    assert set(re.findall(r"`(tests/attacks/\w+/\w+\.py)`", MODEL)) == ATTACKS


def test_every_threat_has_a_control_code_and_a_test():
    tables = MODEL.partition("\n## Threats and controls\n")[2].partition("\n## ")[0]
    rows = [line.strip("|").split("|") for line in tables.splitlines() if line[:2] == "| " and line[:8] != "| Threat"]
    for row in rows:
        assert len(row) == 4, row
        assert "`" in row[2], row
        assert "`tests/" in row[3], row


def test_the_security_policy_refers_to_it():
    assert "(docs/help/threat_model.md)" in POLICY
