"""A user's preferences, which apply in every front end."""

from dataclasses import dataclass, fields
from typing import Any, Literal, TypedDict, get_args

from botchat.core.errors import InvalidInput

Reasoning = Literal["folded", "shown"]
Topics = Literal["hidden", "shown"]

_CHOICES: dict[str, Any] = {"reasoning": Reasoning, "topics": Topics}


@dataclass(kw_only=True, slots=True, frozen=True)
class Preferences:
    """The preferences of a user, with the default values.

    Attributes:
        default_bot: the bot of new sessions; None is the configured one.
        reasoning: whether a bot's reasoning is collapsed ("folded") or expanded ("shown").
        topics: "shown" marks where a topic seems to change, and starts the context of a long conversation there if that
            fits well; "hidden" detects no topics.
    """

    default_bot: str | None = None
    reasoning: Reasoning = "folded"
    topics: Topics = "hidden"


class PreferenceChanges(TypedDict, total=False):
    """The preferences that `set_preferences` can change; others stay, None resets one."""

    default_bot: str | None
    reasoning: Reasoning | None
    topics: Topics | None


def split_preference_changes(changes: PreferenceChanges) -> tuple[dict[str, Any], set[str]]:
    """Split changes into fields to set and fields to remove.

    Raises:
        InvalidInput: a preference or its value is unknown.
    """
    for name, value in changes.items():
        if value is not None and not _is_known(name, value):
            raise InvalidInput(f"Invalid preference: {name} = {value!r}.")
    to_set = {name: value for name, value in changes.items() if value is not None}
    return to_set, changes.keys() - to_set.keys()


def preferences_from(record: dict[str, Any]) -> Preferences:
    """Return the preferences of a record; fields and values that this version doesn't know stay in the record."""
    return Preferences(**{name: value for name, value in record.items() if _is_known(name, value)})


def _is_known(name: str, value: Any) -> bool:
    if name in _CHOICES:
        return value in get_args(_CHOICES[name])
    return name in {field.name for field in fields(Preferences)} and isinstance(value, str) and bool(value)
