"""Shared by the web page and the API server: sockets, proxies, origins, connection and sign-in limits."""

from botchat.serving.connection_limits import ConnectionLimits, limit_streamlit_connections
from botchat.serving.disconnect import receive_while_allowed
from botchat.serving.origins import is_cross_origin
from botchat.serving.proxies import ForwardedForMiddleware, Networks, is_within, rate_limit_key
from botchat.serving.sign_in_limits import DEVICE_COOKIE, PasswordSignIn, SignInLimiter, SignInSource, set_device_cookie
from botchat.serving.sockets import announce, listen_on, raise_open_file_limit

__all__ = [
    "DEVICE_COOKIE",
    "ConnectionLimits",
    "ForwardedForMiddleware",
    "Networks",
    "PasswordSignIn",
    "SignInLimiter",
    "SignInSource",
    "announce",
    "is_cross_origin",
    "is_within",
    "limit_streamlit_connections",
    "listen_on",
    "raise_open_file_limit",
    "rate_limit_key",
    "receive_while_allowed",
    "set_device_cookie",
]
