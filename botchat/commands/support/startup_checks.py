"""What the front ends check at their start, for the commands that only check."""

from collections.abc import Iterator, Mapping

from botchat.core.errors import ConfigError
from botchat.core.urls import is_loopback
from botchat.settings import Settings


def check_settings(settings: Settings) -> None:
    """Check all that a front end refuses at its start, whatever the environment: bots, store, theme and keys.

    The store isn't opened.

    Raises:
        ConfigError: a front end would not start.
    """
    from botchat.bootstrap import build_repository, build_turns, default_bot

    default_bot(settings, build_turns(settings).bots)
    if settings.store:
        build_repository(settings.store).close()
    check_terminal(settings)


def check_terminal(settings: Settings) -> None:
    """Check what the chat in a terminal refuses: the table `[tui]`.

    Raises:
        ConfigError: there is no such theme, action or key, or two actions have the same key.
    """
    if settings.tui == type(settings.tui)():
        return  # the defaults are right, and Textual takes a while to import
    from botchat.tui.launcher import check_looks

    check_looks(settings)


def environment_problems(settings: Settings, environment: Mapping[str, str]) -> Iterator[ConfigError]:
    """Find what the page and the API refuse besides: a secret that isn't set or is too short, a missing package."""
    if settings.web.sign_in == "oidc" and settings.web.oidc is not None:
        from botchat.web.auth.oidc import streamlit_secrets

        try:
            streamlit_secrets(settings.web.oidc, environment)
        except ConfigError as error:
            yield error
    from botchat.api.jwt import KEY_VARIABLE, Signer

    if (key := environment.get(KEY_VARIABLE)) is not None:
        try:
            Signer(key)
        except ConfigError as error:
            yield error


def host_warnings(settings: Settings) -> Iterator[str]:
    """Warn of a `host` that others can reach where the page asks for no sign-in: `botchat api` takes it."""
    if settings.web.sign_in == "none" and not is_loopback(settings.host):
        yield (
            f"`botchat web` doesn't start on host {settings.host}: everybody who can reach it would be "
            f"{settings.user!r}. Set sign_in in the table [web], or start it with --no-sign-in."
        )
