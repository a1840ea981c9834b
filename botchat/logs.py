"""Log formatters: JSON for servers, one event per line whatever the text, and plain text for commands."""

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Any


class JsonFormatter(logging.Formatter):
    """Formats each record as one JSON object on one line.

    The members are `time` (RFC 3339, UTC), `level`, `logger`, `message`, the `fields` passed in `extra`, and
    `exception` (the traceback). Everything except printable ASCII is escaped, so no text can start a new line, control
    a terminal or change the text direction.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, without its line break."""
        from botchat.core.models import rfc3339

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
    """Formats records for a terminal: control characters are shown as symbols."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the text; it has line breaks only if the record has."""
        from botchat.core.models import printable  # most commands log nothing

        return printable(super().format(record))


class _JsonLogger(logging.Logger):
    """A logger whose handlers write JSON: libraries such as Streamlit and uvicorn add their own handlers."""

    def addHandler(self, hdlr: logging.Handler) -> None:  # noqa: N802  (logging's name)
        """Add a handler, and replace its formatter."""
        hdlr.setFormatter(JsonFormatter())
        super().addHandler(hdlr)


def log_json() -> None:
    """Write all log records and warnings of this process to stderr as JSON lines.

    Call it before the server's libraries are imported: it also sets the format of the loggers that they create.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter())
    logging.getLogger().addHandler(handler)
    logging.setLoggerClass(_JsonLogger)
    logging.captureWarnings(capture=True)


def log_text() -> None:
    """Write the log records of a command (warnings and errors) to stderr as text without control characters."""
    if logging.lastResort is not None:
        logging.lastResort.setFormatter(TextFormatter())
