"""Validates the key bindings in the config file (`tui.keys`)."""

import difflib
import re
from collections.abc import Mapping

from textual.keys import KEY_ALIASES, KEY_NAME_REPLACEMENTS, Keys, key_to_character

from botchat.core.errors import ConfigError
from botchat.tui.keymap import KEYMAP, scope_bindings

_MODIFIERS = re.compile(r"^(?:(?:ctrl|shift|alt|super|meta|hyper)\+)*")
_NAMES = {str(key.value) for key in Keys} | set(KEY_ALIASES) | set(KEY_NAME_REPLACEMENTS.values())


def check_keys(keys: Mapping[str, str]) -> None:
    """Validate the key bindings in the config file.

    Raises:
        ConfigError: unknown action or key, or one key for two actions in a scope.
    """
    known = [binding.id or "" for place in KEYMAP for binding in scope_bindings(place)]
    for action, chosen in keys.items():
        if action not in known:
            near = difflib.get_close_matches(action, known, n=1)
            hint = f"Did you mean {near[0]}?" if near else f"Known actions: {', '.join(known)}."
            raise ConfigError(f"tui.keys.{action} is unknown. {hint}")
        for key in chosen.split(","):
            _check_key(action, key.strip())
    for place in KEYMAP:
        _check_clashes(place, keys)


def _check_key(action: str, key: str) -> None:
    name = _MODIFIERS.sub("", key)
    if len(name) != 1 and name not in _NAMES and key_to_character(name) is None:
        raise ConfigError(f"tui.keys.{action}: {key!r} is not a valid key. Examples: ctrl+n, f5, enter, x.")


def _check_clashes(place: str, keys: Mapping[str, str]) -> None:
    taken: dict[str, str] = {}
    others = [] if place == "global" else scope_bindings("global")
    for binding in [*others, *scope_bindings(place)]:
        action = binding.id or ""
        for key in (keys.get(action) or binding.key).split(","):
            other = taken.setdefault(key.strip(), action)
            if other != action and {other, action} & keys.keys():
                raise ConfigError(
                    f"tui.keys: {other} and {action} both use {key.strip()!r} ({place}). Change one of them."
                )
