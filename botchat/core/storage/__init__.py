"""The contract of a store, the form of its records, and the two stores that implement it: `mongo` and `sqlite`."""

from botchat.core.storage.accounts import (
    DEFAULT_SCOPES,
    SCOPES,
    Account,
    AccountRepository,
    Revocations,
    Scope,
    SharedLink,
    SharedLinks,
    SignIn,
    Token,
)
from botchat.core.storage.agents import AgentChanges, AgentRecord, AgentRecords, count_message, find_agent, recount
from botchat.core.storage.all_sessions import Activity, AllSessions, FeedbackEntry, RecordCursor, UserSummary
from botchat.core.storage.attachments import FILE_REQUIRED, find_file_data, missing_files
from botchat.core.storage.audit import AUDIT_RETENTION, AuditAction, AuditEvent, AuditFilter, AuditLog
from botchat.core.storage.expiring import ExpiringValues
from botchat.core.storage.json_codec import (
    MESSAGE_TIMES,
    SESSION_TIMES,
    decode,
    encode,
    parse_time,
    parse_times,
    piece_to_json,
    to_line,
)
from botchat.core.storage.keyed.keys import is_generated
from botchat.core.storage.records import (
    ORIGINAL,
    Record,
    message_from_record,
    message_to_record,
    payload_texts,
    payload_without_texts,
    session_from_record,
    session_to_record,
    text_fields,
)
from botchat.core.storage.redaction import has_redaction_since, redact
from botchat.core.storage.repository import ACTIVE, SessionRepository
from botchat.core.storage.search import WordMatcher, excerpt_around

__all__ = [
    "ACTIVE",
    "AUDIT_RETENTION",
    "DEFAULT_SCOPES",
    "FILE_REQUIRED",
    "MESSAGE_TIMES",
    "ORIGINAL",
    "SCOPES",
    "SESSION_TIMES",
    "Account",
    "AccountRepository",
    "Activity",
    "AgentChanges",
    "AgentRecord",
    "AgentRecords",
    "AllSessions",
    "AuditAction",
    "AuditEvent",
    "AuditFilter",
    "AuditLog",
    "ExpiringValues",
    "FeedbackEntry",
    "Record",
    "RecordCursor",
    "Revocations",
    "Scope",
    "SessionRepository",
    "SharedLink",
    "SharedLinks",
    "SignIn",
    "Token",
    "UserSummary",
    "WordMatcher",
    "count_message",
    "decode",
    "encode",
    "excerpt_around",
    "find_agent",
    "find_file_data",
    "has_redaction_since",
    "is_generated",
    "message_from_record",
    "message_to_record",
    "missing_files",
    "parse_time",
    "parse_times",
    "payload_texts",
    "payload_without_texts",
    "piece_to_json",
    "recount",
    "redact",
    "session_from_record",
    "session_to_record",
    "text_fields",
    "to_line",
]
