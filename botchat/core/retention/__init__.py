"""The retention policy, and its enforcement."""

from botchat.core.retention.enforcement import Keeping
from botchat.core.retention.policy import Action, Due, Retention, Rule, every

__all__ = ["Action", "Due", "Keeping", "Retention", "Rule", "every"]
