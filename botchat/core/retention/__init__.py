"""The retention policy, and its enforcement."""

from botchat.core.retention.enforcement import RetentionEnforcer
from botchat.core.retention.policy import Action, DueSession, Retention, Rule, all_summaries

__all__ = ["Action", "DueSession", "Retention", "RetentionEnforcer", "Rule", "all_summaries"]
