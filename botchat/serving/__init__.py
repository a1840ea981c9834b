"""What both servers need, the web page and the API: sockets, proxies, origins, connection and sign-in limits."""

from botchat.serving.connection_limits import Connections, guard_streamlit
from botchat.serving.disconnect import received
from botchat.serving.origins import is_from_other_origin
from botchat.serving.proxies import ForwardedClient, Networks, address_of, is_within
from botchat.serving.sign_in_limits import DEVICE_COOKIE, Guesses, Origin, PasswordSignIn, keep_device
from botchat.serving.sockets import allow_many_files, announce, listen_on

__all__ = [
    "DEVICE_COOKIE",
    "Connections",
    "ForwardedClient",
    "Guesses",
    "Networks",
    "Origin",
    "PasswordSignIn",
    "address_of",
    "allow_many_files",
    "announce",
    "guard_streamlit",
    "is_from_other_origin",
    "is_within",
    "keep_device",
    "listen_on",
    "received",
]
