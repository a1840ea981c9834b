"""The exit codes, their meanings, and the exit code of each error. No other module defines them."""

from botchat.core.errors import (
    AccountNotFound,
    BotchatError,
    BotError,
    ConfigError,
    InvalidInput,
    LinkNotFound,
    MessageNotFound,
    NotAllowed,
    NotSignedIn,
    SessionNotFound,
    StoreError,
    TokenNotFound,
    UserNotFound,
)

SUCCESS, FAILED, USAGE_ERROR, PARTIAL_FAILURE = 0, 1, 2, 7
INTERRUPTED, BROKEN_PIPE, TERMINATED = 130, 141, 143

_CODES: dict[type[BotchatError], int] = {
    InvalidInput: USAGE_ERROR,
    ConfigError: USAGE_ERROR,
    SessionNotFound: 3,
    MessageNotFound: 3,
    LinkNotFound: 3,
    UserNotFound: 3,
    AccountNotFound: 3,
    TokenNotFound: 3,
    NotSignedIn: 4,
    NotAllowed: 4,
    StoreError: 5,
    BotError: 6,
    BotchatError: FAILED,
}

MEANINGS: dict[int, str] = {
    SUCCESS: "Success.",
    FAILED: "Failure, or you declined a prompt.",
    USAGE_ERROR: "Usage or configuration error. Nothing was changed.",
    3: "Session, message, link, user or token not found.",
    4: "Not signed in, or not allowed.",
    5: "Store error: the store or server can't be reached, read or written.",
    6: "Bot error. The partial reply is saved.",
    PARTIAL_FAILURE: "Partial failure: some items failed, the others succeeded.",
    INTERRUPTED: "Interrupted (Ctrl+C). The partial reply is saved.",
    BROKEN_PIPE: "Broken pipe: the reader closed the output, as in `botchat … | head`.",
    TERMINATED: "Terminated (SIGTERM). The partial reply is saved.",
}


def exit_code(error: BotchatError) -> int:
    """Return the exit code of an error; `botchat help exit-codes` lists them."""
    return next(_CODES[kind] for kind in type(error).__mro__ if kind in _CODES)
