"""The settings: from defaults, the config file, the environment and options; the later one wins."""

from botchat.settings.loading import (
    DEFAULT,
    config_path,
    data_path,
    load_settings,
    load_settings_with_origins,
)
from botchat.settings.models import (
    ApiSettings,
    LimitSettings,
    OidcSettings,
    RetentionRule,
    Settings,
    TuiSettings,
    WebSettings,
)

__all__ = [
    "DEFAULT",
    "ApiSettings",
    "LimitSettings",
    "OidcSettings",
    "RetentionRule",
    "Settings",
    "TuiSettings",
    "WebSettings",
    "config_path",
    "data_path",
    "load_settings",
    "load_settings_with_origins",
]
