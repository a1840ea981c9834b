"""Log formatters: one JSON object per line for servers, text without control characters for commands."""

import io
import json
import logging
import subprocess
import sys

from botchat.logs import JsonFormatter, TextFormatter

HOSTILE_TEXT = "x\r\n\x1b[2J\x85\u2028\u202e\x7fü"


def logger_to(stream, formatter) -> logging.Logger:
    logger = logging.getLogger("botchat.test")
    logger.handlers.clear()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(formatter)
    logger.addHandler(handler)
    return logger


def test_an_event_is_one_line_whatever_is_in_it():
    stream = io.StringIO()
    logger = logger_to(stream, JsonFormatter())
    try:
        int(HOSTILE_TEXT)
    except ValueError:
        logger.exception(
            "failed: %s", HOSTILE_TEXT, extra={"fields": {"user": HOSTILE_TEXT, "level": "forged", "odd": object}}
        )
    text = stream.getvalue()
    assert (text.count("\n"), text[-1], set(text) <= {"\n", *map(chr, range(32, 127))}) == (1, "\n", True)
    event = json.loads(text)
    assert (event["level"], event["logger"], event["user"]) == ("error", "botchat.test", HOSTILE_TEXT)
    assert event["message"] == f"failed: {HOSTILE_TEXT}"
    assert "ValueError: invalid literal" in event["exception"]
    assert event["time"].endswith("Z")


def test_a_commands_log_controls_no_terminal():
    stream = io.StringIO()
    logger_to(stream, TextFormatter()).warning("failed: %s", "\x1b[2J\x9b")
    assert stream.getvalue() == "failed: \u241b[2J\ufffd\n"


LIBRARIES = """
from botchat.logs import log_json
log_json()
import logging, threading, warnings
from streamlit.logger import get_logger
import uvicorn
uvicorn.Config(None)
get_logger("streamlit.x")
for name in ("streamlit.x", "uvicorn", "uvicorn.error", "a.b"):
    logging.getLogger(name).error("one\\ntwo")
warnings.warn("three\\nfour")
"""


def test_libraries_that_bring_their_own_handlers_log_json_too():
    done = subprocess.run([sys.executable, "-c", LIBRARIES], capture_output=True, text=True, timeout=60, check=True)
    events = [json.loads(line) for line in done.stderr.splitlines()]
    assert [event["logger"] for event in events] == ["streamlit.x", "uvicorn", "uvicorn.error", "a.b", "py.warnings"]
    assert {event["message"] for event in events[:4]} == {"one\ntwo"}
