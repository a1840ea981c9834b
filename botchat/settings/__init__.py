"""The settings: from defaults, the config file, the environment and options; the later one wins."""

from botchat.settings.config_file import ConfigFile
from botchat.settings.key_store import KeyPlace, KeyStore
from botchat.settings.loading import (
    DEFAULT,
    config_path,
    data_path,
    load_settings,
    load_settings_with_origins,
    merge_settings,
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
    "ConfigFile",
    "KeyPlace",
    "KeyStore",
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
    "merge_settings",
]
