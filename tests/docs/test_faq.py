"""The page of frequent questions: its limits are those of the program, and its list of parts is complete."""

import re

from support.paths import DOCS

from botchat.core.models import MAX_FILE_BYTES, MAX_FILES, NAME_LIMIT, SYSTEM_LIMIT

PAGE = (DOCS / "help" / "faq.md").read_text()


def test_the_list_at_the_top_has_every_part():
    parts = re.findall(r"^## (.+)$", PAGE, re.MULTILINE)
    assert re.findall(r"^- \[([^\]]+)\]", PAGE, re.MULTILINE) == parts


def test_every_question_is_a_question():
    questions = re.findall(r"^### (.+)$", PAGE, re.MULTILINE)
    assert [text for text in questions if not text.endswith("?")] == []


def test_the_limits_are_those_of_the_program():
    rows = dict(re.findall(r"^\| ([^|]+) \| ([^|]+) \|$", PAGE, re.MULTILINE))
    words = {10: "ten"}
    assert rows["Attachment"] == f"{MAX_FILE_BYTES // 1_000_000} MB, {words[MAX_FILES]} per message"
    assert rows["System prompt"] == f"{SYSTEM_LIMIT:,} characters"
    assert rows["Name of a chat"] == f"{NAME_LIMIT} characters"
