"""The checks of the front ends at their start, for commands that only check."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from botchat.core.errors import ConfigError
from botchat.core.urls import is_loopback

if TYPE_CHECKING:
    from botchat.settings import Settings


def check_settings(settings: "Settings") -> None:
    """Check what a front end checks at its start, except the environment: bots, store, theme and keys.

    The store isn't opened.

    Raises:
        ConfigError: a front end would not start.
    """
    from botchat.bootstrap import build_repository, build_turns, default_bot

    default_bot(settings, build_turns(settings).bots)
    if settings.store:
        build_repository(settings.store).close()
    check_terminal(settings)


def check_terminal(settings: "Settings") -> None:
    """Check the table `[tui]`.

    Raises:
        ConfigError: an unknown theme, action or key, or the same key for two actions.
    """
    if settings.tui == type(settings.tui)():
        return  # the defaults are valid, and importing Textual is slow
    from botchat.tui.launcher import check_tui_settings

    check_tui_settings(settings)


def environment_problems(settings: "Settings", environment: Mapping[str, str]) -> Iterator[ConfigError]:
    """Yield the problems of the page and the API with the environment: a missing or short secret, a missing package."""
    if settings.web.sign_in == "oidc" and settings.web.oidc is not None:
        from botchat.web.auth.oidc import streamlit_secrets

        try:
            streamlit_secrets(settings.web.oidc, environment)
        except ConfigError as error:
            yield error
    from botchat.api.jwt import KEY_VARIABLE, JwtSigner

    if (key := environment.get(KEY_VARIABLE)) is not None:
        try:
            JwtSigner(key)
        except ConfigError as error:
            yield error


def host_warnings(settings: "Settings") -> Iterator[str]:
    """Yield a warning if other machines can reach `host` and the page has no sign-in (`botchat api` always has one)."""
    if settings.web.sign_in == "none" and not is_loopback(settings.host):
        yield (
            f"`botchat web` won't start on host {settings.host} without sign-in: all visitors would be "
            f"{settings.user!r}. Set sign_in in [web], or pass --no-sign-in."
        )
