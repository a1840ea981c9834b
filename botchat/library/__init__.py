"""The public Python API: sessions of agents, stored in the same records that every front end opens."""

from botchat.core.errors import (
    AgentNotFound,
    BotchatError,
    ConfigError,
    InvalidInput,
    MessageNotFound,
    SessionNotFound,
    SessionTooLarge,
    StoreBusy,
    StoreError,
    StoreUnavailable,
)
from botchat.core.models import REDACTED, Message, Page, SessionFilter, SessionSummary
from botchat.core.retention import Retention, Rule
from botchat.library.agent import Agent, UsageTotals
from botchat.library.hooks import (
    Change,
    FeedbackGiven,
    HookFailed,
    Hooks,
    MessageAppended,
    MessageRedacted,
    MetadataChanged,
)
from botchat.library.session import AgentSession
from botchat.library.store import Store, close_shared_store, open_shared_store, shared_store
from botchat.library.unsaved import UnsavedMessage, UnsavedMessages

__all__ = [
    "REDACTED",
    "Agent",
    "AgentNotFound",
    "AgentSession",
    "BotchatError",
    "Change",
    "ConfigError",
    "FeedbackGiven",
    "HookFailed",
    "Hooks",
    "InvalidInput",
    "Message",
    "MessageAppended",
    "MessageNotFound",
    "MessageRedacted",
    "MetadataChanged",
    "Page",
    "Retention",
    "Rule",
    "SessionFilter",
    "SessionNotFound",
    "SessionSummary",
    "SessionTooLarge",
    "Store",
    "StoreBusy",
    "StoreError",
    "StoreUnavailable",
    "UnsavedMessage",
    "UnsavedMessages",
    "UsageTotals",
    "close_shared_store",
    "open_shared_store",
    "shared_store",
]
