"""The contract of a store, the form of its records, and the two stores that implement it: `mongo` and `sqlite`."""

from botchat.core.storage.accounts import (
    SCOPES,
    USUAL_SCOPES,
    Account,
    AccountRepository,
    Endings,
    Scope,
    SignIn,
    Token,
)
from botchat.core.storage.agents import AgentChanges, AgentRecord, AgentRecords, agent_in, count_in, recount
from botchat.core.storage.all_sessions import Activity, After, AllSessions, GivenFeedback, UserSummary
from botchat.core.storage.attachments import FILE_ALWAYS, find_data, lost_files
from botchat.core.storage.audit import AUDIT_RETENTION, AuditAction, AuditEvent, AuditFilter, AuditLog
from botchat.core.storage.expiring import ShortLived
from botchat.core.storage.json_codec import (
    MESSAGE_TIMES,
    SESSION_TIMES,
    decode,
    encode,
    piece_to_json,
    read_times,
    to_line,
    to_time,
)
from botchat.core.storage.records import (
    ORIGINAL,
    Record,
    message_from_record,
    message_to_record,
    payload_without_words,
    session_from_record,
    session_to_record,
    text_fields,
    words_of_payload,
)
from botchat.core.storage.redaction import redact, redacted_since
from botchat.core.storage.repository import ACTIVE, SessionRepository
from botchat.core.storage.search import around
from botchat.core.storage.session_keys import is_generated

__all__ = [
    "ACTIVE",
    "AUDIT_RETENTION",
    "FILE_ALWAYS",
    "MESSAGE_TIMES",
    "ORIGINAL",
    "SCOPES",
    "SESSION_TIMES",
    "USUAL_SCOPES",
    "Account",
    "AccountRepository",
    "Activity",
    "After",
    "AgentChanges",
    "AgentRecord",
    "AgentRecords",
    "AllSessions",
    "AuditAction",
    "AuditEvent",
    "AuditFilter",
    "AuditLog",
    "Endings",
    "GivenFeedback",
    "Record",
    "Scope",
    "SessionRepository",
    "ShortLived",
    "SignIn",
    "Token",
    "UserSummary",
    "agent_in",
    "around",
    "count_in",
    "decode",
    "encode",
    "find_data",
    "is_generated",
    "lost_files",
    "message_from_record",
    "message_to_record",
    "payload_without_words",
    "piece_to_json",
    "read_times",
    "recount",
    "redact",
    "redacted_since",
    "session_from_record",
    "session_to_record",
    "text_fields",
    "to_line",
    "to_time",
    "words_of_payload",
]
