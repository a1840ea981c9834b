"""What a person likes to have: which bot, and how much of it is shown. It is theirs in every front end."""

from dataclasses import dataclass, fields
from typing import Any, Literal, TypedDict, get_args

from botchat.core.errors import InvalidInput

Reasoning = Literal["folded", "shown"]
Topics = Literal["hidden", "shown"]

_CHOICES: dict[str, Any] = {"reasoning": Reasoning, "topics": Topics}


@dataclass(kw_only=True, slots=True, frozen=True)
class Preferences:
    """What a person has chosen; the defaults are what nobody has chosen otherwise.

    Attributes:
        default_bot: who answers in their new sessions; None is the config's.
        reasoning: a bot's reasoning is folded above its answer, or shown.
        topics: where a new topic seems to begin is shown, and a bot that can't be shown everything is shown it from
            there, if that fits well; or nothing is looked for.
    """

    default_bot: str | None = None
    reasoning: Reasoning = "folded"
    topics: Topics = "hidden"


class PreferenceChanges(TypedDict, total=False):
    """What `set_preferences` can change; what is not given stays, None takes it back."""

    default_bot: str | None
    reasoning: Reasoning | None
    topics: Topics | None


def split_preference_changes(changes: PreferenceChanges) -> tuple[dict[str, Any], set[str]]:
    """Split changes into fields to set and fields to take away.

    Raises:
        InvalidInput: there is no such preference, or it has no such value.
    """
    for name, value in changes.items():
        if value is not None and not _is_known(name, value):
            raise InvalidInput(f"The preference {name!r} can't be {value!r}.")
    to_set = {name: value for name, value in changes.items() if value is not None}
    return to_set, changes.keys() - to_set.keys()


def preferences_from(record: dict[str, Any]) -> Preferences:
    """Make the preferences of a record; what this version does not know in it is left as it is there."""
    return Preferences(**{name: value for name, value in record.items() if _is_known(name, value)})


def _is_known(name: str, value: Any) -> bool:
    if name in _CHOICES:
        return value in get_args(_CHOICES[name])
    return name in {field.name for field in fields(Preferences)} and isinstance(value, str) and bool(value)
