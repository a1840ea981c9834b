"""Log lines: JSON for servers, plain text for commands; one event per line, whatever text is in it."""

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Any

from botchat.core.models import printable, rfc3339


class JsonFormatter(logging.Formatter):
    """Formats each record as one JSON object on one line.

    The members are `time` (RFC 3339, UTC), `level`, `logger`, `message`, the `fields` that were given as `extra`, and
    `exception` (the traceback). All but printable ASCII is escaped, so no text can begin a line, control a terminal or
    change the direction of writing.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, without its line break."""
        event: dict[str, Any] = {
            "time": rfc3339(datetime.fromtimestamp(record.created, UTC)),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        event |= {name: value for name, value in getattr(record, "fields", {}).items() if name not in event}
        if record.exc_info:
            event["exception"] = self.formatException(record.exc_info)
        return json.dumps(event, default=str).replace("\x7f", "\\u007f")


class TextFormatter(logging.Formatter):
    """Formats a record for a person at a terminal: control characters are shown as symbols."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the text, which has line breaks only if the record has some."""
        return printable(super().format(record))


class _JsonLogger(logging.Logger):
    """A logger whose handlers write JSON: libraries such as Streamlit and uvicorn bring handlers of their own."""

    def addHandler(self, hdlr: logging.Handler) -> None:  # noqa: N802  (logging's name)
        """Add a handler, and replace its formatter."""
        hdlr.setFormatter(JsonFormatter())
        super().addHandler(hdlr)


def log_json() -> None:
    """Write all log records and warnings of this process to stderr as JSON lines.

    Call it before the server's libraries are imported: it also sets the format of the loggers that they make.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter())
    logging.getLogger().addHandler(handler)
    logging.setLoggerClass(_JsonLogger)
    logging.captureWarnings(capture=True)


def log_text() -> None:
    """Write the log records of a command (warnings and errors) to stderr as text that controls no terminal."""
    if logging.lastResort is not None:
        logging.lastResort.setFormatter(TextFormatter())
